// The engine's copy of a catalogue in a file: the same numbers, and an error where there is no
// room.
#include "engine/shared/step_array.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <string>

#include "engine/shared/model_space.hpp"
#include "engine/shared/space_arrays.hpp"
#include "sluice/base/error.hpp"
#include "support/rich_catalog.hpp"
#include "support/test_folder.hpp"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(StepArray, IsOfZeroesInEitherPlace) {
  for (const bool in_file : {false, true}) {
    StepArray<float> array;
    EXPECT_TRUE(array.empty());
    for (const std::size_t size : {100'000u, 3'000'000u}) {  // of a heap, of pages
      StepArray<float> one;
      one.resize(size, in_file);
      EXPECT_EQ(one.size(), size);
      for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(one.data()[i], 0) << i;
      one.data()[size - 1] = 7;
      const StepArray<float> moved = std::move(one);
      EXPECT_EQ(moved.data()[size - 1], 7);
    }
  }
}

TEST(StepArray, OfNothingNeedsNoFile) {
  StepArray<float> array;
  array.resize(0, true);
  EXPECT_TRUE(array.empty());
}

TEST(StepArray, AFolderWithoutRoomIsAnErrorWithARemedy) {
  const auto error = [](const char* folder, std::size_t bytes) -> std::string {
    try {
      const MappedPages file(folder, bytes);
    } catch (const DataError& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_THAT(error("/nowhere", 4'000'000),
              AllOf(HasSubstr("/nowhere: there can be no file of 0.004 GB"),
                    HasSubstr("No such file or directory"), HasSubstr("TMPDIR")));
  EXPECT_THAT(error("/var/tmp", std::size_t{1} << 62), HasSubstr("/var/tmp: no room for a file"));
}

TEST(StepArray, ACatalogueBeyondTheLimitHasTheSameNumbersInAFile) {
  const Catalog catalog = testing::rich_catalog(true);
  const ModelSpec spec = testing::full_spec();
  const std::vector<std::int64_t> end(6, 50);
  const SeriesScaling scaling = fit_scaling(catalog, Scaling::mean, Scaling::standard, end);
  EngineSetup setup;
  setup.catalog = &catalog, setup.spec = &spec, setup.scaling = &scaling;
  const ModelSpace on_heap(setup);
  setup.memory_limit = 1;
  const ModelSpace in_file(setup);
  const auto bits = [](const ModelSpace& space) {
    std::vector<std::uint32_t> all;
    SpaceView view = space.view();
    for_each_step_array(view, [&](auto* array, std::int64_t channels) {
      for (std::int64_t i = 0; array != nullptr && i < channels * view.total; ++i) {
        all.push_back(std::bit_cast<std::uint32_t>(array[i]));
      }
    });
    return all;
  };
  EXPECT_GT(bits(on_heap).size(), 1000u);
  EXPECT_EQ(bits(on_heap), bits(in_file));
}

TEST(StepArray, NothingIsLeftInTheFolder) {
  const char* before = std::getenv("TMPDIR");
  const std::string kept = before != nullptr ? before : "";
  const auto folder = test_folder() / "sluice_step_array";
  std::filesystem::create_directories(folder);
  ASSERT_EQ(::setenv("TMPDIR", folder.c_str(), 1), 0);
  EXPECT_EQ(scratch_folder(), folder);
  StepArray<float> array;
  array.resize(1000, true);
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  std::filesystem::remove_all(folder);
  if (before != nullptr) {
    ::setenv("TMPDIR", kept.c_str(), 1);
  } else {
    ::unsetenv("TMPDIR");
    EXPECT_EQ(scratch_folder(), "/var/tmp");
  }
}

}  // namespace
}  // namespace sluice
