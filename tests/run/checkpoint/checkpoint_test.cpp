#include "sluice/run/checkpoint.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "run/checkpoint/json.hpp"
#include "run/checkpoint/same_bits.hpp"
#include "run/temporary_file.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/rng.hpp"
#include "sluice/model/params.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;

Model small_model() {
  Model m;
  m.spec.T = 9;
  m.spec.H = 3;
  m.spec.L = 2;
  m.spec.K = 4;
  m.spec.M = 1;
  m.spec.dropout = 0.1f;
  m.spec.space = Space::log;
  m.spec.level = Level::smoothing;
  m.spec.smoothing_alpha = 0.3f;
  m.spec.base = Base::seasonal;
  m.spec.base_season = 7;
  m.spec.lags = {7, 28};
  m.spec.context = 2;
  m.spec.seasonal_context = 7;
  m.spec.forking = true;
  m.spec.warmup = 2;
  m.spec.head_hidden = 5;
  m.spec.head_starts_at_zero = false;
  m.spec.carry_state = true;
  m.spec.level_input = true;
  m.spec.level_change = true;
  m.spec.missing_indicator = true;
  m.spec.past_channels = 1;
  m.spec.future_channels = 1;
  m.spec.calendar = 4;
  m.spec.static_reals = 1;
  m.spec.embeddings = {{3, 2}};
  m.spec.step_embeddings = {{2, 1, false}, {.cardinality = 3, .width = 2, .future = true}};
  m.spec.loss = Loss::quantile;
  m.spec.quantiles = {0.1f, 0.5f, 0.9f};
  m.spec.huber_delta = 0.7f;
  m.config.training.learning_rate = 0.1 + 0.2;
  m.config.path.data = {"a b.csv"};
  m.frequency = {.unit = Unit::week, .multiple = 2, .anchor = 6, .phase = 1};
  m.channel_names = {"\xE4\xB8\x8B\xE5\x8D\x95", "visits", "price"};
  m.static_names = {"area"};
  m.category_names = {"type"};
  m.vocabularies = {{"unknown", "a\nb", "Latin \xE9\\x"}};
  m.step_category_names = {"weather", "day\xFF"};
  m.step_vocabularies = {{"unknown", "sun"}, {"unknown", "feast\n", "\xE9"}};
  m.series_ids = {"one", "", "two\nlines\\n", "bytes \xFF\xC3"};
  m.scaling = {
      .series = 4,
      .offset = numbers(12, 1),
      .scale = numbers(12, 2),
      .static_offset = {0.25f},
      .static_scale = {-0.0f},
      .reference = {},
      .fitted = {},
      .covariates = {{Encoding::ratio, 0, 0.1f, -2.5f, 1.5f}, {Encoding::amount, 12, 0.7f, 0, 3}}};
  m.scaling.fitted.assign(m.scaling.scale.size(), 1);
  m.scaling.fitted[1] = 0;
  m.level_mean = 0.1f;
  m.level_spread = 0.7f;
  const auto P = static_cast<std::size_t>(ParamLayout(m.spec).size());
  m.members = {numbers(P, 3), numbers(P, 4), numbers(P, 5)};
  const auto bias = static_cast<std::size_t>(ParamLayout(m.spec).block("lstm.bias_ih_l1").offset);
  m.members[0][bias] = 0.25f;
  m.members[0][bias + 1] = -0.0f;  // adding the second bias's 0 would lose the sign
  m.residual_probabilities = {0.1, 0.9};
  m.residual_quantiles = numbers(8, 6);
  m.seen_until = {1, 1ll << 40, 0, 17};
  m.first = {-5, 0, 1ll << 41, 19723};
  m.recurrence = "onednn";
  m.valid_loss = std::numeric_limits<double>::quiet_NaN();
  m.steps = 1ll << 40;
  m.train_seconds = 0.1;
  m.began_from = (1ll << 61) + 1;
  m.remarks = {"caf\u00E9 is the \"time\"", "two\nlines"};
  return m;
}

/// A file that says nothing of its contents, as others write them.
Safetensors without_checksum(const std::filesystem::path& path) {
  Safetensors file = read_safetensors(path);
  EXPECT_EQ(file.metadata.erase("checksum"), 1u);
  return file;
}

void expect_same(const Model& a, const Model& b) {
  EXPECT_EQ(a.scaling.covariates, b.scaling.covariates);
  EXPECT_TRUE(a.spec == b.spec);
  EXPECT_TRUE(a.config == b.config);
  EXPECT_TRUE(a.frequency == b.frequency);
  EXPECT_EQ(a.channel_names, b.channel_names);
  EXPECT_EQ(a.static_names, b.static_names);
  EXPECT_EQ(a.category_names, b.category_names);
  EXPECT_EQ(a.vocabularies, b.vocabularies);
  EXPECT_EQ(a.step_category_names, b.step_category_names);
  EXPECT_EQ(a.step_vocabularies, b.step_vocabularies);
  EXPECT_EQ(a.series_ids, b.series_ids);
  EXPECT_EQ(a.scaling.series, b.scaling.series);
  expect_same_bits(a.scaling.offset, b.scaling.offset);
  expect_same_bits(a.scaling.scale, b.scaling.scale);
  EXPECT_EQ(a.scaling.fitted, b.scaling.fitted);
  expect_same_bits(a.scaling.static_offset, b.scaling.static_offset);
  expect_same_bits(a.scaling.static_scale, b.scaling.static_scale);
  EXPECT_EQ(a.level_mean, b.level_mean);
  EXPECT_EQ(a.level_spread, b.level_spread);
  ASSERT_EQ(a.members.size(), b.members.size());
  for (std::size_t k = 0; k < a.members.size(); ++k) expect_same_bits(a.members[k], b.members[k]);
  expect_same_bits(a.residual_probabilities, b.residual_probabilities);
  expect_same_bits(a.residual_quantiles, b.residual_quantiles);
  EXPECT_EQ(a.seen_until, b.seen_until);
  EXPECT_EQ(a.first, b.first);
  EXPECT_EQ(a.recurrence, b.recurrence);
  EXPECT_EQ(a.began_from, b.began_from);
  EXPECT_EQ(a.remarks, b.remarks);
  EXPECT_TRUE(a.valid_loss == b.valid_loss ||
              (std::isnan(a.valid_loss) && std::isnan(b.valid_loss)));
  EXPECT_EQ(a.steps, b.steps);
  EXPECT_EQ(a.train_seconds, b.train_seconds);
}

TEST(LoadModel, AFileThatCannotBeOpenedNamesTheRemedy) {
  try {
    load_model("/nowhere/m.safetensors");
    FAIL() << "no error";
  } catch (const DataError& e) {
    EXPECT_STREQ(e.what(),
                 "/nowhere/m.safetensors: cannot be opened (No such file or directory); train a "
                 "model first, or set path.model");
  }
  EXPECT_THROW(read_safetensors(testing::TempDir()), DataError);
}

TEST(Checkpoint, WithoutEncodedCovariatesIsReadByProgramsFromBeforeThem) {
  const auto path = temporary("old.safetensors");
  Model model = small_model();
  save_model(path, model);
  EXPECT_EQ(read_safetensors(path).metadata.at("format_version"), "4");
  model.scaling.covariates.clear();
  save_model(path, model);
  EXPECT_EQ(read_safetensors(path).metadata.at("format_version"), "2");
  EXPECT_TRUE(load_model(path).scaling.covariates.empty());
}

TEST(Checkpoint, AModelWithATrendIsNothingForProgramsFromBeforeIt) {
  const auto path = temporary("trend.safetensors");
  Model model = small_model();
  model.spec.base = Base::trend, model.spec.trend_damping = 0.75f;
  for (auto& m : model.members) m.resize(static_cast<std::size_t>(ParamLayout(model.spec).size()));
  save_model(path, model);
  EXPECT_EQ(read_safetensors(path).metadata.at("format_version"), "5");
  EXPECT_EQ(load_model(path).spec, model.spec);
}

TEST(Checkpoint, AFileFromBeforeTrendsIsReadAsItWas) {
  const auto path = temporary("before.safetensors");
  save_model(path, small_model());
  Safetensors content = without_checksum(path);
  auto spec = nlohmann::json::parse(content.metadata["spec"]);
  ASSERT_EQ(spec.erase("trend_damping"), 1u);
  content.metadata["spec"] = spec.dump();
  write_safetensors(path, content);
  EXPECT_EQ(load_model(path).spec, small_model().spec);
}

TEST(Checkpoint, RefusesCovariatesThatAreNotPossible) {
  const auto path = temporary("bad.safetensors");
  save_model(path, small_model());
  Safetensors content = without_checksum(path);
  content.metadata["covariates"] = R"({"encodings": ["ratio", "rotio"]})";
  write_safetensors(path, content);
  EXPECT_THROW(load_model(path), DataError);
  content.metadata["covariates"] = R"({"encodings": ["ratio"]})";
  write_safetensors(path, content);
  EXPECT_THROW(load_model(path), DataError);
}

TEST(SaveModel, ComesBackBitForBit) {
  const Model model = small_model();
  const auto path = temporary("new/folder/model.safetensors");
  save_model(path, model);
  expect_same(load_model(path), model);
  for (const auto& entry : std::filesystem::directory_iterator(path.parent_path())) {
    EXPECT_EQ(entry.path(), path) << "a temporary file is left";
  }
}

TEST(SaveModel, AModelWithoutItsFirstPeriodsIsOneOfAnEarlierProgram) {
  Model model = small_model();
  model.first.clear();
  const auto path = temporary("without_first.safetensors");
  save_model(path, model);
  expect_same(load_model(path), model);
  model.first = {0, 0, 0, std::numeric_limits<std::int64_t>::max()};
  EXPECT_THROW(save_model(path, model), InternalError);
}

TEST(SaveModel, AModelWithoutSeriesOrResidualsComesBack) {
  Model model = small_model();
  model.series_ids.clear();
  model.seen_until.clear();
  model.first.clear();
  model.scaling = {.series = 0,
                   .offset = {},
                   .scale = {},
                   .static_offset = {0.0f},
                   .static_scale = {1.0f},
                   .reference = {},
                   .fitted = {},
                   .covariates = {}};
  model.residual_probabilities.clear();
  model.residual_quantiles.clear();
  model.valid_loss = -std::numeric_limits<double>::infinity();
  const auto path = temporary("empty.safetensors");
  save_model(path, model);
  expect_same(load_model(path), model);
}

TEST(SaveModel, TensorsHavePyTorchsNamesAndShapes) {
  const Model model = small_model();
  const auto path = temporary("names.safetensors");
  save_model(path, model);
  const Safetensors file = read_safetensors(path);
  const std::int64_t C = model.spec.inputs(), H = model.spec.H;
  const auto shape = [&](const std::string& name) { return file.tensors.at(name).shape; };
  EXPECT_EQ(shape("lstm.weight_ih_l0"), (std::vector<std::int64_t>{4 * H, C}));
  EXPECT_EQ(shape("lstm.weight_hh_l1"), (std::vector<std::int64_t>{4 * H, H}));
  EXPECT_EQ(shape("lstm.bias_hh_l1"), (std::vector<std::int64_t>{4 * H}));
  EXPECT_EQ(shape("member2.lstm.bias_ih_l0"), (std::vector<std::int64_t>{4 * H}));
  for (const std::uint8_t byte : file.tensors.at("lstm.bias_hh_l0").bytes) EXPECT_EQ(byte, 0);
  const ParamBlock block = ParamLayout(model.spec).block("linear.bias");
  std::vector<float> bias(static_cast<std::size_t>(block.size));
  ASSERT_EQ(file.tensors.at("linear.bias").bytes.size(), bias.size() * sizeof(float));
  std::memcpy(bias.data(), file.tensors.at("linear.bias").bytes.data(),
              bias.size() * sizeof(float));
  const auto from = model.members[0].begin() + block.offset;
  expect_same_bits(bias, std::vector<float>(from, from + block.size));
}

TEST(LoadModel, AddsPyTorchsSecondBias) {
  const Model model = small_model();
  const auto path = temporary("bias.safetensors");
  save_model(path, model);
  Safetensors file = without_checksum(path);
  const float two = 2;
  std::memcpy(file.tensors.at("lstm.bias_hh_l1").bytes.data(), &two, sizeof two);
  write_safetensors(path, file);
  const auto at = static_cast<std::size_t>(ParamLayout(model.spec).block("lstm.bias_ih_l1").offset);
  EXPECT_EQ(load_model(path).members[0][at], 2.25f);
  EXPECT_EQ(load_model(path).members[0][at + 1], model.members[0][at + 1]);
}

TEST(LoadModel, ANewerFormatIsRefusedWithTheRemedy) {
  const auto path = temporary("newer.safetensors");
  save_model(path, small_model());
  Safetensors file = read_safetensors(path);
  file.metadata["format_version"] = "8";
  write_safetensors(path, file);
  try {
    load_model(path);
    FAIL() << "no error";
  } catch (const DataError& e) {
    EXPECT_EQ(e.what(), path.string() +
                            ": is of format 8, which is newer than this program's 7; update "
                            "Sluice, or train the model again with this version");
  }
}

TEST(LoadModel, ATrainingStateIsNoModel) {
  const auto path = temporary("state_as_model.safetensors");
  save_training_state(path, TrainingState{});
  try {
    load_model(path);
    FAIL() << "no error";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("is a sluice training state, where a sluice model is needed"));
  }
}

TEST(LoadModel, SizesThatDoNotFitAreNamed) {
  const auto path = temporary("sizes.safetensors");
  save_model(path, small_model());
  Safetensors file = without_checksum(path);
  auto spec = nlohmann::json::parse(file.metadata["spec"]);
  spec["H"] = 4;
  file.metadata["spec"] = spec.dump();
  write_safetensors(path, file);
  try {
    load_model(path);
    FAIL() << "no error";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("tensor 'lstm.weight_ih_l0' is F32 [12, "));
    EXPECT_THAT(e.what(), HasSubstr("where F32 [16, "));
  }
}

TEST(LoadModel, DamagedFilesGiveADataErrorOrAModelNeverACrash) {
  const auto path = temporary("mutated.safetensors");
  save_model(path, small_model());
  write_safetensors(path, without_checksum(path));
  const std::string good = read_bytes(path);
  std::uint64_t header = 0;
  std::memcpy(&header, good.data(), sizeof header);
  static const std::string interesting = "0123456789-{}[]\",:\\eE.tfn \xFF\x80";
  int refused = 0;
  for (std::uint64_t round = 0; round < 1600; ++round) {
    const Philox4 bits = philox(7, round, 0);
    std::string bytes = good;
    const std::size_t span = round % 8 == 0 ? good.size() : 8 + header;
    for (std::uint32_t n = 0; n <= bits.v[0] % 3; ++n) {
      const Philox4 more = philox(7, round, n + 1);
      const std::size_t at = more.v[0] % std::min(span, bytes.size());
      const char byte = interesting[more.v[1] % interesting.size()];
      if (more.v[2] % 4 == 0) {
        bytes[at] = static_cast<char>(more.v[3] & 0xFF);
      } else if (more.v[2] % 4 == 1) {
        bytes[at] = byte;
      } else if (more.v[2] % 4 == 2) {
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), byte);
      } else {
        bytes.erase(at, 1 + more.v[3] % 16);
      }
    }
    write_bytes(path, bytes);
    try {
      const Model model = load_model(path);
      EXPECT_EQ(model.seen_until.size(), model.series_ids.size());
    } catch (const DataError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 800);
  for (std::size_t length = 0; length < good.size(); length += 37) {
    write_bytes(path, good.substr(0, length));
    EXPECT_THROW(load_model(path), DataError) << length;
  }
}

TEST(LoadModel, ChangedNumbersInTheMetadataNeverCrash) {
  const auto path = temporary("metadata.safetensors");
  save_model(path, small_model());
  const Safetensors good = without_checksum(path);
  static const std::vector<std::string> values = {"0",
                                                  "-1",
                                                  "1",
                                                  "2147483647",
                                                  "4294967296",
                                                  "9223372036854775807",
                                                  "18446744073709551615",
                                                  "1e308",
                                                  "null",
                                                  "true",
                                                  "\"x\"",
                                                  "[]",
                                                  "{}",
                                                  "[99999999,1]"};
  for (const std::string text : {"spec", "frequency", "training", "names"}) {
    const auto object = nlohmann::json::parse(good.metadata.at(text));
    for (const auto& [name, unused] : object.items()) {
      for (const std::string& value : values) {
        auto changed = object;
        changed[name] = nlohmann::json::parse(value);
        Safetensors file = good;
        file.metadata[text] = changed.dump();
        write_safetensors(path, file);
        try {
          const Model model = load_model(path);
          EXPECT_EQ(model.seen_until.size(), model.series_ids.size());
        } catch (const DataError& e) {
          EXPECT_THAT(e.what(), HasSubstr("metadata.safetensors: "));
        }
      }
    }
  }
}

TEST(LoadModel, AnyFlippedBitOfItsNumbersIsFound) {
  const auto path = temporary("flipped.safetensors");
  save_model(path, small_model());
  const std::string good = read_bytes(path);
  std::uint64_t header = 0;
  std::memcpy(&header, good.data(), sizeof header);
  for (std::size_t at = 8 + header; at < good.size(); at += 199) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << at % 8));
    write_bytes(path, bytes);
    EXPECT_THROW(load_model(path), DataError) << at;
  }
  std::string bytes = good;
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_bytes(path, bytes);
  try {
    load_model(path);
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("has not the contents that it was written with"));
  }
}

TEST(LoadModel, OneThatIsMissingIsSaidWithTheSettingThatNamesIt) {
  try {
    load_model(temporary("nothing.safetensors"), "training.init_from");
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("or set training.init_from"));
  }
}

TEST(SaveModel, AFailureLeavesTheOldFile) {
  const auto path = temporary("kept/model.safetensors");
  save_model(path, small_model());
  const std::string before = read_bytes(path);
  const auto blocked = temporary("kept/model.safetensors/below.safetensors");
  try {
    save_model(blocked, small_model());
    FAIL() << "no error";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("cannot be written"));
    EXPECT_THAT(e.what(), HasSubstr("choose another path.model"));
  }
  EXPECT_EQ(read_bytes(path), before);
}

TEST(LoadModel, WeightsThatAreNotFiniteAreRefused) {
  Model model = small_model();
  model.members[0][3] = std::numeric_limits<float>::quiet_NaN();
  const auto path = temporary("nan.safetensors");
  save_model(path, model);
  try {
    load_model(path);
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("has numbers that are not finite"));
  }
}

TEST(LoadModel, AModelWithoutMembersIsRefused) {
  Model model = small_model();
  model.members.clear();
  const auto path = temporary("memberless.safetensors");
  save_model(path, model);
  EXPECT_THROW(load_model(path), DataError);
}

TEST(Escaped, TextsOfAnyBytesComeBackAndAreUtf8Lines) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    std::vector<std::string> texts;
    for (std::uint64_t n = 0; n < seed % 4; ++n) {
      std::string text;
      const Philox4 bits = philox(seed, n, 0);
      for (std::uint64_t i = 0; i < bits.v[0] % 12; ++i) {
        static const std::string bytes = "a\\n\nx4\xE4\xB8\x8B\xFF\xC3\xA9\x00";
        text += bytes[philox(seed, n, i + 1).v[0] % bytes.size()];
      }
      texts.push_back(text);
    }
    const std::string lines = to_lines(texts);
    EXPECT_EQ(from_lines(lines, "test"), texts);
    EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(lines, '\n')), texts.size());
    EXPECT_NO_THROW(nlohmann::json(lines).dump());
  }
}

/// PyTorch, not Sluice, reads the tensors here and runs its LSTM on them; the hand formula is
/// written out in Python.
TEST(SaveModel, PyTorchLoadsTheTensors) {
  if (std::system("python3 -c 'import torch, safetensors' 2>/dev/null") != 0) {
    GTEST_SKIP() << "python3 with torch and safetensors is not installed";
  }
  Model model = small_model();
  init_params(model.spec, 1, model.members[0]);
  const auto path = temporary("torch.safetensors");
  save_model(path, model);
  const std::string command =
      fmt::format("python3 {}/run/checkpoint/torch_lstm.py {} {} {} {}", SLUICE_SOURCE_DIR "/tests",
                  path.string(), model.spec.inputs(), model.spec.H, model.spec.L);
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

}  // namespace
}  // namespace sluice
