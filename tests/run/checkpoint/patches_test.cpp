// The file of a model whose LSTM takes patches of steps, and those from before there were any.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "run/temporary_file.hpp"
#include "sluice/run/checkpoint.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"

namespace sluice {
namespace {

Model model_of(int patch) {
  Config config = testing::quick_config();
  config.network.patch = patch;
  return testing::quick_model(config, Catalog(testing::daily_parts(testing::weekly_series(2, 60))));
}

TEST(PatchesFile, IsNothingForProgramsFromBeforeThem) {
  const auto path = temporary("patches.safetensors");
  const Model model = model_of(7);
  save_model(path, model);
  EXPECT_EQ(read_safetensors(path).metadata.at("format_version"), "7");
  const Model read = load_model(path);
  EXPECT_EQ(read.spec.patch, 7);
  EXPECT_EQ(read.spec, model.spec);
  EXPECT_EQ(read.members, model.members);
}

TEST(PatchesFile, AFileFromBeforeThemIsReadAsItWas) {
  const auto path = temporary("before.safetensors");
  const Model model = model_of(1);
  save_model(path, model);
  Safetensors content = read_safetensors(path);
  EXPECT_EQ(content.metadata.at("format_version"), "1");
  auto spec = nlohmann::json::parse(content.metadata["spec"]);
  ASSERT_EQ(spec.erase("patch"), 1u);
  content.metadata["spec"] = spec.dump();
  content.metadata.erase("checksum");
  write_safetensors(path, content);
  EXPECT_EQ(load_model(path).spec, model.spec);
}

}  // namespace
}  // namespace sluice
