#include "sluice/run/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "run/config/value.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/rng.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::string& toml) {
  try {
    parse_config(toml, "shop.toml");
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no error";
}

std::string flag_error(const std::string& key, const std::string& value) {
  try {
    load_config({}, {{key, value}});
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no error";
}

/// A stream of numbers that are a function of (seed, place) alone.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : seed_(seed) {}
  std::uint64_t below(std::uint64_t n) {
    const Philox4 bits = philox(seed_, count_++, 0);
    return to_below(bits.v[0], bits.v[1], n);
  }

 private:
  std::uint64_t seed_, count_ = 0;
};

std::string random_text(Draw& draw) {
  static const std::vector<std::string> parts = {"a",
                                                 "Z",
                                                 "0",
                                                 " ",
                                                 "\"",
                                                 "\\",
                                                 "\n",
                                                 "\t",
                                                 "\x01",
                                                 "\x7f",
                                                 "#",
                                                 "=",
                                                 "]",
                                                 ",",
                                                 "\xE4\xB8\x8B\xE5\x8D\x95",
                                                 "\xF0\x9F\x9A\xA2",
                                                 "'",
                                                 "\r",
                                                 "auto"};
  std::string text;
  for (std::uint64_t n = draw.below(6); n > 0; --n) text += parts[draw.below(parts.size())];
  return text;
}

/// A value with all of a double's bits in play, inside the range.
double random_number(const Key& key, Draw& draw) {
  if (key.form == Form::share_or_steps && draw.below(2) == 0) {
    return static_cast<double>(draw.below(1000));
  }
  const double top = key.form == Form::share_or_steps ? 1 : key.range.max;
  for (;;) {
    const double share = (static_cast<double>(draw.below(1ull << 53)) + 1) * 0x1.0p-54;
    const double tiny = std::ldexp(share, -static_cast<int>(draw.below(60)));
    const double number = key.range.min + tiny * (top - key.range.min);
    if (number > key.range.min && number < top) return number;
  }
}

template <typename Member>
void randomize(const Key& key, Draw& draw, Member& member) {
  if constexpr (IsOptional<Member>::value) {
    member.reset();
    if (draw.below(2) == 0) randomize(key, draw, member.emplace());
  } else if constexpr (IsVector<Member>::value) {
    member.clear();
    for (std::uint64_t n = draw.below(4); n > 0; --n) {
      typename Member::value_type element{};
      randomize(key, draw, element);
      const bool again = std::ranges::find(member, element) != member.end();
      if (key.choices.empty() || !again) member.push_back(element);  // a choice stands there once
    }
  } else if constexpr (std::is_same_v<Member, bool>) {
    member = draw.below(2) == 0;
  } else if constexpr (std::is_integral_v<Member>) {
    const auto span = static_cast<std::uint64_t>(key.range.max - key.range.min) + 1;
    member = static_cast<Member>(key.range.min) + static_cast<Member>(draw.below(span));
  } else if constexpr (std::is_floating_point_v<Member>) {
    member = random_number(key, draw);
  } else if (!key.choices.empty()) {
    member = key.choices[draw.below(key.choices.size())];
  } else if (key.form == Form::one_character) {
    member = static_cast<char>(1 + draw.below(127));
  } else {
    member = random_text(draw);
    if (key.form == Form::path && member.empty()) member = "a";
  }
}

TEST(ConfigText, RandomConfigsComeBackEqualFromTheirToml) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Draw draw(seed);
    Config config;
    visit_keys(config, [&](const Key& key, auto& member) { randomize(key, draw, member); });
    const std::string toml = to_toml(config);
    const Config back = parse_config(toml, "copy");
    ASSERT_TRUE(back == config) << "seed " << seed << "\n" << toml;
    ASSERT_EQ(to_toml(back), toml);
  }
}

TEST(ConfigText, DefaultsComeBackEqualAndNameEveryKey) {
  const std::string toml = to_toml(Config{});
  EXPECT_TRUE(parse_config(toml, "copy") == Config{});
  EXPECT_THAT(toml, HasSubstr("[training]\npreset = \"balanced\"\nloss = \"auto\"\n"));
  EXPECT_THAT(toml, HasSubstr("lags = \"auto\"\n"));
  std::size_t lines = 0;
  for (const char c : toml) lines += c == '=';
  EXPECT_EQ(lines, config_keys().size());
}

TEST(ConfigText, NamesThatAreNotUtf8AreRefusedBeforeTheyAreStored) {
  Config config;
  config.path.model = "m\xFF";
  EXPECT_THROW(to_toml(config), ConfigError);
  EXPECT_THAT(flag_error("path.model", "m\xFF"),
              "--path.model must be a path, got bytes that are not UTF-8");
}

TEST(ConfigKeys, EveryKeyIsListedOnceUnderAKnownSection) {
  std::set<std::string> seen;
  for (const std::string& key : config_keys()) {
    EXPECT_TRUE(seen.insert(key).second) << key;
    const std::string section = key.substr(0, key.find('.'));
    EXPECT_TRUE(std::any_of(std::begin(kSections), std::end(kSections), [&](const Section& s) {
      return s.name == section;
    })) << key;
  }
}

/// Members that randomize() through visit_keys reaches: if a field of Config had no key, two
/// configurations that differ in it would have the same text.
TEST(ConfigKeys, EveryFieldHasItsKey) {
  // Bytes of the sections' members, counted from their types; a new field changes a sum.
  std::size_t bytes[std::size(kSections)] = {};
  std::size_t section = 0;
  std::string current = "data";
  const Config config;
  const auto add = [&](const Key& key, const auto& member) {
    const std::string name(key.name.substr(0, key.name.find('.')));
    if (name != current) {
      current = name;
      ++section;
    }
    const std::size_t align = alignof(std::remove_cvref_t<decltype(member)>);
    bytes[section] = (bytes[section] + align - 1) / align * align + sizeof(member);
  };
  visit_keys(config, add);
  const auto rounded = [](std::size_t n) { return (n + 7) / 8 * 8; };
  EXPECT_EQ(rounded(bytes[0]), sizeof(Config::Data));
  EXPECT_EQ(rounded(bytes[1]), sizeof(Config::Network));
  EXPECT_EQ(rounded(bytes[2]), sizeof(Config::Training));
  EXPECT_EQ(rounded(bytes[3]), rounded(sizeof(Config::Mode)));
  EXPECT_EQ(rounded(bytes[4]), sizeof(Config::Path));
  EXPECT_EQ(rounded(bytes[5]), sizeof(Config::Engine));
  EXPECT_EQ(rounded(bytes[6]), sizeof(Config::Forecast));
  EXPECT_EQ(rounded(bytes[7]), rounded(sizeof(Config::Explanation)));
  EXPECT_EQ(rounded(bytes[8]), rounded(sizeof(Config::Evaluate)));
  EXPECT_EQ(rounded(bytes[9]), rounded(sizeof(Config::Tune)));
}

TEST(ParseConfig, ReadsEveryKindOfValue) {
  const Config config = parse_config(
      "[data]\n"
      "targets = [14, \"\xE4\xB8\x8B\xE5\x8D\x95\"]\n"
      "id = 0\n"
      "time = 1\n"
      "start = 2022-01-31\n"
      "delimiter = \"\\t\"\n"
      "[network]\n"
      "lags = 24\n"
      "forking = false\n"
      "warmup = \"auto\"\n"
      "[training]\n"
      "learning_rate = 1\n"
      "[forecast]\n"
      "levels = [80, 95.5]\n",
      "shop.toml");
  EXPECT_EQ(config.data.targets, (std::vector<std::string>{"#14", "\xE4\xB8\x8B\xE5\x8D\x95"}));
  EXPECT_EQ(config.data.id, std::vector<std::string>{"#0"});
  EXPECT_EQ(config.data.time, std::vector<std::string>{"#1"});
  EXPECT_EQ(config.data.start, "2022-01-31");
  EXPECT_EQ(config.data.delimiter, "\t");
  EXPECT_EQ(config.network.lags, std::vector<int>{24});
  EXPECT_EQ(config.network.forking, false);
  EXPECT_EQ(config.network.warmup, std::nullopt);
  EXPECT_EQ(config.training.learning_rate, 1.0);
  EXPECT_EQ(config.forecast.levels, (std::vector<double>{80, 95.5}));
}

TEST(ParseConfig, AnUnknownKeyNamesLineAndNearestKey) {
  EXPECT_EQ(error_of("[training]\n\nlearning_rat = 1\n"),
            "shop.toml:3: unknown key 'training.learning_rat'; did you mean "
            "'training.learning_rate'?");
  EXPECT_EQ(error_of("[training]\nhidden_size = 1\n"),
            "shop.toml:2: unknown key 'training.hidden_size'; did you mean 'network.hidden_size'?");
  EXPECT_EQ(error_of("[network]\nlstm_layers = 4\n"),
            "shop.toml:2: unknown key 'network.lstm_layers'; did you mean 'network.layers'?");
  EXPECT_EQ(error_of("[network]\nzzzzzzzz = 4\n"),
            "shop.toml:2: unknown key 'network.zzzzzzzz'; 'sluice explain network' lists the keys "
            "there are");
}

TEST(ParseConfig, AnUnknownSectionNamesTheNearest) {
  EXPECT_EQ(error_of("[trainig]\nepochs = 1\n"),
            "shop.toml:1: unknown section [trainig]; did you mean [training]?");
  EXPECT_EQ(error_of("[xyz]\n"),
            "shop.toml:1: unknown section [xyz]; the sections are data, network, training, mode, "
            "path, engine, forecast, explanation, evaluate, tune");
  EXPECT_EQ(error_of("epochs = 1\n"),
            "shop.toml:1: 'epochs' stands outside the sections; did you mean 'training.epochs', "
            "under [training]?");
  EXPECT_EQ(error_of("data = 1\n"),
            "shop.toml:1: 'data' is a section; write [data] on a line of its own");
}

TEST(ParseConfig, ARepeatedKeyNamesLineAndText) {
  EXPECT_EQ(
      error_of("[training]\nepochs = 1\nepochs = 2\n"),
      "shop.toml:3: cannot redefine existing integer 'epochs' in 'epochs = 2'; write each key "
      "and each section once");
  EXPECT_THAT(error_of("[training]\n[data]\n[training]\n"), HasSubstr("shop.toml:3: "));
}

TEST(ParseConfig, BrokenTomlNamesTheLine) {
  const std::string error = error_of("[data]\ntime = \n");
  EXPECT_THAT(error, HasSubstr("shop.toml:2: "));
  EXPECT_THAT(error, HasSubstr("TOML is written as key = value"));
}

TEST(ParseConfig, AWrongTypeOrRangeNamesWhatIsExpected) {
  EXPECT_EQ(error_of("[training]\nepochs = \"ten\"\n"),
            "shop.toml:2: training.epochs must be an integer from 0 to 1000000, got \"ten\"");
  EXPECT_EQ(error_of("[training]\nepochs = 5.0\n"),
            "shop.toml:2: training.epochs must be an integer from 0 to 1000000, got 5.0");
  EXPECT_EQ(error_of("[training]\nepochs = -1\n"),
            "shop.toml:2: training.epochs must be an integer from 0 to 1000000, got -1");
  EXPECT_EQ(error_of("[training]\nlearning_rate = 0\n"),
            "shop.toml:2: training.learning_rate must be a number above 0 up to 10, got 0");
  EXPECT_EQ(error_of("[training]\nlearning_rate = nan\n"),
            "shop.toml:2: training.learning_rate must be a number above 0 up to 10, got nan");
  EXPECT_EQ(error_of("[training]\nmax_seconds = inf\n"),
            "shop.toml:2: training.max_seconds must be a number from 0 to 1000000000, got inf");
  EXPECT_EQ(error_of("[network]\ndropout = 1\n"),
            "shop.toml:2: network.dropout must be a number from 0 to below 1, got 1");
  EXPECT_EQ(error_of("[network]\nlags = [24, \"x\"]\n"),
            "shop.toml:2: network.lags must be a list of integers from 1 to 1000000, or \"auto\", "
            "got \"x\" in it");
  EXPECT_EQ(error_of("[training]\nshuffle = 1\n"),
            "shop.toml:2: training.shuffle must be true or false, got 1");
  EXPECT_EQ(error_of("[training]\nseed = 99999999999\n"),
            "shop.toml:2: training.seed must be an integer from 0 to 2147483647, got 99999999999");
  EXPECT_EQ(error_of("[path]\nmodel = 5\n"),
            "shop.toml:2: path.model must be a path, got 5; write it in quotes");
  EXPECT_EQ(error_of("[path]\nmodel = [\"a\"]\n"),
            "shop.toml:2: path.model must be a path, got a list");
  EXPECT_EQ(error_of("[training.epochs]\n"),
            "shop.toml:1: training.epochs must be an integer from 0 to 1000000, got a table");
  EXPECT_EQ(error_of("[data]\ntest = 1.5\n"),
            "shop.toml:2: data.test must be a share from 0 to below 1, or a whole number of steps, "
            "or \"auto\", got 1.5");
  EXPECT_EQ(error_of("[data]\ntargets = [-1]\n"),
            "shop.toml:2: data.targets must be a list of columns' names or 0-based places, got -1 "
            "in it");
  EXPECT_EQ(error_of("[forecast]\nlevels = [0.8, 95]\n"),
            "shop.toml:2: forecast.levels are percent: 80,95 (got 0.8,95)");
  EXPECT_EQ(error_of("[forecast]\nlevels = [100]\n"),
            "shop.toml:2: forecast.levels must be a list of numbers from 1 to below 100, got 100 "
            "in it");
  EXPECT_EQ(
      error_of("[evaluate]\nmethods = [\"ets\", \"thetas\"]\n"),
      "shop.toml:2: evaluate.methods must be a list of ets, theta, ets+theta, tsb, adida, sba, "
      "got \"thetas\" in it; did you mean \"theta\"?");
  EXPECT_EQ(error_of("[data]\ndelimiter = \"::\"\n"),
            "shop.toml:2: data.delimiter must be one character, \"tab\" or \"auto\", got \"::\"");
}

TEST(ParseConfig, ABadChoiceListsTheChoicesAndTheNearest) {
  EXPECT_EQ(error_of("[data]\nformat = \"parquett\"\n"),
            "shop.toml:2: data.format must be one of auto, csv, parquet, arrow, tsf, got "
            "\"parquett\"; did you mean \"parquet\"?");
}

TEST(ParseConfig, ATextOfAPatternIsTakenAndAnotherAnsweredWithIt) {
  EXPECT_EQ(parse_config("[engine]\ndevice = \"cuda:12\"\n", "shop.toml").engine.device, "cuda:12");
  EXPECT_EQ(parse_config("[engine]\nrecurrence = \"check:fused,onednn\"\n", "shop.toml")
                .engine.recurrence,
            "check:fused,onednn");
  for (const char* device : {"cuda:", "cuda:x", "cuda:-1", "cuda:1 ", "check:"}) {
    EXPECT_EQ(error_of(std::string("[engine]\ndevice = \"") + device + "\"\n").substr(0, 73),
              "shop.toml:2: engine.device must be one of auto, cpu, cuda, cuda:N, got \"c");
  }
}

TEST(LoadConfig, AFlagGoesBeforeTheFileAndTheFileBeforeTheDefault) {
  const auto path = std::filesystem::path(testing::TempDir()) / "sluice_precedence.toml";
  std::ofstream(path) << "[training]\nepochs = 7\nseed = 8\n";
  const Config config = load_config(path, {{"training.epochs", "9"}});
  EXPECT_EQ(config.training.epochs, 9);
  EXPECT_EQ(config.training.seed, 8);
  EXPECT_EQ(config.training.batch_size, Config{}.training.batch_size);
}

TEST(LoadConfig, ATimeMayLieInSeveralColumns) {
  using Columns = std::vector<std::string>;
  EXPECT_EQ(parse_config("[data]\ntime = [\"dteday\", \"hr\"]\n", "a.toml").data.time,
            (Columns{"dteday", "hr"}));
  EXPECT_EQ(parse_config("[data]\ntime = \"day\"\n", "a.toml").data.time, Columns{"day"});
  EXPECT_EQ(load_config({}, {{"data.time", "Year,Month"}}).data.time, (Columns{"Year", "Month"}));
}

TEST(LoadConfig, MoreNumbersThanAModelHasUsesForAreRefusedAtTheirPlace) {
  std::string lags = "1";
  for (int lag = 2; lag <= 1000; ++lag) lags += "," + std::to_string(lag);
  EXPECT_EQ(load_config({}, {{"network.lags", lags}}).network.lags->size(), 1000u);
  EXPECT_EQ(
      error_of("[network]\nlags = [" + lags + ",1001]\n"),
      "shop.toml:2: network.lags has 1001 numbers, and 1000 are the most; name fewer of them");
}

// As 'sluice explain' and a file of settings have it.
TEST(LoadConfig, AListOfAnOverrideMayHaveItsBrackets) {
  EXPECT_EQ(load_config({}, {{"forecast.levels", "[80, 95]"}}).forecast.levels,
            (std::vector<double>{80, 95}));
  EXPECT_TRUE(load_config({}, {{"forecast.levels", "[]"}}).forecast.levels.empty());
  EXPECT_EQ(load_config({}, {{"data.targets", "[\"a b\", \"c\"]"}}).data.targets,
            (std::vector<std::string>{"a b", "c"}));
  EXPECT_EQ(load_config({}, {{"path.model", "[m]"}}).path.model, "[m]");
}

TEST(LoadConfig, AMessageShowsTheBeginningOfALongText) {
  const std::string message = flag_error("training.seeds", std::string(100'000, 'x'));
  EXPECT_THAT(message, HasSubstr("got \"xxxxxxxxxx"));
  EXPECT_LT(message.size(), 300u);
}

TEST(LoadConfig, AFileThatIsTooLargeForSettingsIsRefusedBeforeItIsParsed) {
  EXPECT_EQ(
      error_of(std::string((8 << 20) + 1, 'x')),
      "shop.toml: it has more than 8388608 bytes, the most that settings have; is it the file "
      "that was meant?");
}

TEST(LoadConfig, FlagsTakeListsByCommaIndicesAndAuto) {
  const Config config = load_config({}, {{"network.lags", "24,168"},
                                         {"data.targets", "14,sales"},
                                         {"data.time", "0"},
                                         {"data.delimiter", "tab"},
                                         {"network.forking", "auto"},
                                         {"data.missing", ""},
                                         {"path.data", "a.csv,b.csv"},
                                         {"forecast.levels", "80,95.5"},
                                         {"training.learning_rate", "1e-3"},
                                         {"mode.quiet", "true"}});
  EXPECT_EQ(config.network.lags, (std::vector<int>{24, 168}));
  EXPECT_EQ(config.data.targets, (std::vector<std::string>{"#14", "sales"}));
  EXPECT_EQ(config.data.time, std::vector<std::string>{"#0"});
  EXPECT_EQ(config.data.delimiter, "\t");
  EXPECT_EQ(config.network.forking, std::nullopt);
  EXPECT_TRUE(config.data.missing.empty());
  EXPECT_EQ(config.path.data, (std::vector<std::string>{"a.csv", "b.csv"}));
  EXPECT_EQ(config.forecast.levels, (std::vector<double>{80, 95.5}));
  EXPECT_EQ(config.training.learning_rate, 1e-3);
  EXPECT_TRUE(config.mode.quiet);
}

TEST(LoadConfig, AFlagsErrorNamesTheFlag) {
  EXPECT_EQ(flag_error("training.epochs", "ten"),
            "--training.epochs must be an integer from 0 to 1000000, got \"ten\"");
  EXPECT_EQ(flag_error("training.learning_rate", "nan"),
            "--training.learning_rate must be a number above 0 up to 10, got nan");
  EXPECT_EQ(flag_error("training.learning_rat", "1"),
            "--training.learning_rat: unknown key; did you mean --training.learning_rate?");
  EXPECT_EQ(flag_error("mode.quiet", "yes"), "--mode.quiet must be true or false, got \"yes\"");
  try {
    load_config({}, {{"training.epochs", "1"}, {"training.epochs", "2"}});
    FAIL() << "no error";
  } catch (const ConfigError& e) {
    EXPECT_STREQ(e.what(), "--training.epochs is given twice; give it once");
  }
  try {
    load_config({}, {{"path.future", "a.csv"}, {"path.future", "b.csv"}});
    FAIL() << "no error";
  } catch (const ConfigError& e) {
    EXPECT_STREQ(e.what(),
                 "--path.future is given twice; give it once, with commas between its values: "
                 "--path.future A,B");
  }
}

TEST(LoadConfig, AMissingFileIsNamed) {
  try {
    load_config("/nowhere/shop.toml", {});
    FAIL() << "no error";
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("/nowhere/shop.toml: cannot be read (No such file"));
  }
}

TEST(Explain, FitsATerminalOf80ColumnsAndFilters) {
  std::istringstream lines(explain_keys(""));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
  const std::string one = explain_keys("training.epochs");
  EXPECT_THAT(one, HasSubstr("training.epochs = 0"));
  EXPECT_THAT(one, HasSubstr("Takes an integer from 0 to 1000000."));
  EXPECT_THAT(one, ::testing::Not(HasSubstr("training.steps")));
  const std::string section = explain_keys("path");
  EXPECT_THAT(section, HasSubstr("path.model"));
  EXPECT_THAT(section, ::testing::Not(HasSubstr("training.epochs")));
  EXPECT_THAT(explain_keys("network.lags"),
              HasSubstr("Auto: one season and one long season; none without a season."));
  try {
    explain_keys("trainig");
    FAIL() << "no error";
  } catch (const ConfigError& e) {
    EXPECT_STREQ(e.what(), "explain: no section or key 'trainig'; did you mean 'training'?");
  }
}

TEST(Configs, TheReadmeIsWhatExplainPrints) {
  std::ifstream in(SLUICE_SOURCE_DIR "/configs/README.md");
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  EXPECT_TRUE(text == explain_markdown())
      << "run: build/release/sluice explain --markdown > configs/README.md";
}

TEST(Configs, EveryFileIsAccepted) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SLUICE_SOURCE_DIR "/configs")) {
    if (entry.path().extension() != ".toml") continue;
    ++files;
    EXPECT_NO_THROW(load_config(entry.path(), {})) << entry.path();
  }
  EXPECT_GE(files, 1);
}

TEST(Configs, TheArticlesSettingsAreTheArticles) {
  const Config config = load_config(SLUICE_SOURCE_DIR "/configs/article.toml", {});
  EXPECT_EQ(config.network.time_step, 10);
  EXPECT_EQ(config.network.predict_day, 5);
  EXPECT_EQ(config.network.hidden_size, 64);
  EXPECT_EQ(config.network.layers, 4);
  EXPECT_EQ(config.network.dropout, 0.2);
  EXPECT_EQ(config.training.batch_size, 256);
  EXPECT_EQ(config.training.epochs, 3000);
  EXPECT_EQ(config.training.patience, 800);
  EXPECT_EQ(config.data.targets.size() + config.data.past.size(), 14u);
}

}  // namespace
}  // namespace sluice
