// What a model learned of its forecasts, on disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "run/checkpoint/same_bits.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/checkpoint.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;

/// Of three steps.
Model alone() {
  const Catalog catalog(testing::daily_parts(testing::weekly_series(2, 40)));
  return testing::quick_model(testing::quick_config(), catalog);
}

Model model_with_partners() {
  Model model = alone();
  model.partners = {{"ets+theta", {0.1, 0.2, 0.3}}, {"seasonal_naive", {0.5, 0.4, 0.3}}};
  model.stretch.probabilities = {0.1, 0.9};
  model.stretch.factors = {1, 1.5F, 0.7F, 1, 1, 2};
  model.learned = {"partners by validation", "ETS + Theta"};
  return model;
}

/// What load_model() says of a file of which `damage` has changed something, and no checksum tells.
std::string error_of_damaged(const std::string& path, const Safetensors& good,
                             const std::function<void(Safetensors&)>& damage) {
  Safetensors bad = good;
  bad.metadata.erase("checksum");
  damage(bad);
  write_safetensors(path, bad);
  try {
    load_model(path);
  } catch (const DataError& e) {
    return e.what();
  }
  return "no error";
}

TEST(SaveModel, PartnersAndStretchComeBackAndAreOfFormatFour) {
  const auto path = ::testing::TempDir() + "sluice_partners.safetensors";
  save_model(path, model_with_partners());
  const Model model = load_model(path), written = model_with_partners();
  ASSERT_EQ(model.partners.size(), 2U);
  for (std::size_t p = 0; p < 2; ++p) {
    EXPECT_EQ(model.partners[p].method, written.partners[p].method);
    expect_same_bits(model.partners[p].weight, written.partners[p].weight);
  }
  expect_same_bits(model.stretch.probabilities, written.stretch.probabilities);
  expect_same_bits(model.stretch.factors, written.stretch.factors);
  EXPECT_EQ(model.learned, written.learned);
  EXPECT_EQ(read_safetensors(path).metadata.at("format_version"), "4");
  save_model(path, alone());
  EXPECT_NE(read_safetensors(path).metadata.at("format_version"), "4");
}

TEST(SaveModel, GroupsOfIntervalsComeBackAndAreOfFormatFive) {
  const auto path = ::testing::TempDir() + "sluice_groups.safetensors";
  for (const StretchBy by : {StretchBy::size, StretchBy::width}) {
    Model written = model_with_partners();
    written.stretch.by = by;
    written.stretch.bounds = {0.5, 7};
    written.stretch.group_factors = {1, 1.5F, 0.5F, 2, 3, 4};
    save_model(path, written);
    const Model model = load_model(path);
    EXPECT_EQ(model.stretch.by, by);
    expect_same_bits(model.stretch.bounds, written.stretch.bounds);
    expect_same_bits(model.stretch.group_factors, written.stretch.group_factors);
    EXPECT_EQ(read_safetensors(path).metadata.at("format_version"), "5");
  }
}

TEST(LoadModel, GroupsThatCannotBeAreRefused) {
  const auto path = ::testing::TempDir() + "sluice_groups.safetensors";
  Model written = model_with_partners();
  written.stretch.bounds = {0.5, 7};
  written.stretch.group_factors = {1, 1.5F, 0.5F, 2, 3, 4};
  save_model(path, written);
  const Safetensors good = read_safetensors(path);
  const auto error_of = [&](const char* tensor, auto number) {
    return error_of_damaged(path, good, [&](Safetensors& bad) {
      std::memcpy(bad.tensors[tensor].bytes.data(), &number, sizeof number);
    });
  };
  EXPECT_EQ(error_of("stretch.groups", 2.0F), "no error");
  EXPECT_THAT(error_of("stretch.groups", -1.0F),
              HasSubstr("the stretch has a factor or a level that cannot be"));
  EXPECT_THAT(error_of("stretch.size_bounds", 8.0),
              HasSubstr("the stretch has bounds of groups that cannot be"));
  Safetensors bad = good;
  bad.metadata.erase("checksum");
  bad.tensors.erase("stretch.groups");
  write_safetensors(path, bad);
  EXPECT_THROW(load_model(path), DataError);
}

TEST(LoadModel, PartnersThatCannotBeAreRefused) {
  const auto path = ::testing::TempDir() + "sluice_partners.safetensors";
  save_model(path, model_with_partners());
  const Safetensors good = read_safetensors(path);
  const auto error_of = [&](const std::function<void(Safetensors&)>& damage) {
    return error_of_damaged(path, good, damage);
  };
  EXPECT_EQ(error_of([](Safetensors&) {}), "no error");
  EXPECT_THAT(error_of([](Safetensors& f) {
                auto& names = f.metadata["names"];
                names.replace(names.find("ets+theta"), 9, "oracle___");
              }),
              HasSubstr("there is no method 'oracle___' that could be a partner"));
  EXPECT_THAT(error_of([](Safetensors& f) {
                const double two = 2;
                std::memcpy(f.tensors["partners.weight"].bytes.data(), &two, sizeof two);
              }),
              HasSubstr("the partners' weights are more than 1"));
  EXPECT_THAT(error_of([](Safetensors& f) {
                const double below = -0.5;
                std::memcpy(f.tensors["partners.weight"].bytes.data(), &below, sizeof below);
              }),
              HasSubstr("a partner has a weight below 0"));
  EXPECT_THAT(error_of([](Safetensors& f) {
                const float none = 0;
                std::memcpy(f.tensors["stretch.factors"].bytes.data(), &none, sizeof none);
              }),
              HasSubstr("the stretch has a factor or a level that cannot be"));
}

}  // namespace
}  // namespace sluice
