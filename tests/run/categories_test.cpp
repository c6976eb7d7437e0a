// Words of steps from a catalogue to a forecast: what they are worth, which of them a model knows,
// and what it makes of the others.
#include "run/categories.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "run/temporary_file.hpp"
#include "sluice/base/error.hpp"
#include "sluice/model/params.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/resolve.hpp"
#include "sluice/run/trainer.hpp"
#include "support/catalogs.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;

constexpr int kSeries = 8, kHistory = 160, kHorizon = 7;
constexpr int kPlain = 1, kFeast = 2, kSale = 3;

/// Of step t of series s; no calendar knows it. Three days in ten are not plain.
std::int32_t word_at(int s, int t) {
  const double x = 43758.5453 * std::sin(12.9898 * (t + 1) + 78.233 * s);
  const double u = x - std::floor(x);
  return u < 0.15 ? kFeast : (u < 0.3 ? kSale : kPlain);
}

/// A plain day sells 100, a feast twice as much, a sale half of it, with 2 % beside.
float sales_at(int s, int t) {
  const double factor[] = {0, 1, 2, 0.5};
  return static_cast<float>(100 * factor[word_at(s, t)] * (1 + 0.02 * std::sin(5.0 * t + s)));
}

/// kHistory days of each series; words are known for the horizon after them too.
CatalogParts shop(bool with_words) {
  std::vector<std::vector<float>> series(kSeries);
  CategoryChannel day{"day", Role::future, {"unknown", "plain", "feast", "sale"}, {}};
  for (int s = 0; s < kSeries; ++s) {
    for (int t = 0; t < kHistory + kHorizon; ++t) {
      series[static_cast<std::size_t>(s)].push_back(t < kHistory ? sales_at(s, t)
                                                                 : testing::kMissing);
      day.codes.push_back(word_at(s, t));
    }
  }
  CatalogParts parts = testing::daily_parts(series);
  if (with_words) parts.categories.push_back(std::move(day));
  return parts;
}

/// The step `t` of series `s` in a channel of shop().
std::size_t place(int s, int t) { return static_cast<std::size_t>(s * (kHistory + kHorizon) + t); }

Config settings() {
  Config c;
  c.data.valid = 7;
  c.data.test = 14;
  c.network.hidden_size = 8;
  c.network.head_hidden = 16;
  c.network.predict_day = kHorizon;
  c.network.time_step = 14;
  c.training.batch_size = 16;
  c.training.steps = 250;
  c.training.choice = 0;
  c.training.partners = {"none"};
  c.training.calibration = "none";
  c.network.calendar_year = true;
  c.training.steps_per_epoch = 50;
  c.training.learning_rate = 0.01;
  c.training.seeds = 1;
  c.training.final_fit = false;
  c.forecast.levels = {};
  c.engine.threads = 1;
  return c;
}

Model trained(const Config& config, const Catalog& catalog) {
  TrainOptions silent;
  silent.save = silent.announce = false;
  return train(config, catalog, silent).model;
}

/// Of the two last horizons of the history, which the training has not seen.
double mean_error(const Model& model, const Catalog& catalog) {
  Forecaster forecaster(model, catalog, {}, settings().engine);
  double sum = 0;
  int count = 0;
  for (const int cutoff : {kHistory - 2 * kHorizon, kHistory - kHorizon}) {
    const Forecasts f = forecaster.at(std::vector<std::int64_t>(kSeries, cutoff));
    for (int s = 0; s < kSeries; ++s) {
      for (int k = 0; k < kHorizon; ++k, ++count) {
        const float y = f.values[static_cast<std::size_t>(s * kHorizon + k)];
        sum += std::abs(static_cast<double>(y - sales_at(s, cutoff + k)));
      }
    }
  }
  return sum / count;
}

TEST(StepCategories, AWordKnownAheadTakesAwayTheErrorThatItExplains) {
  const Catalog without{shop(false)}, with{shop(true)};
  // Who does not know the word can do no better than the plain day's 100.
  double best = 0;
  for (int s = 0; s < kSeries; ++s) {
    for (int t = kHistory - 2 * kHorizon; t < kHistory; ++t) {
      best += std::abs(static_cast<double>(sales_at(s, t)) - 100) / (kSeries * 2 * kHorizon);
    }
  }
  ASSERT_GT(best, 15);
  EXPECT_GT(mean_error(trained(settings(), without), without), 0.95 * best);
  const Model model = trained(settings(), with);
  // What is left is the 2 % beside, 1.3 of 100 in the mean, and what 250 steps leave.
  EXPECT_LT(mean_error(model, with), 3);

  // The words of the horizon decide, and nothing else: all feasts, then all sales.
  CatalogParts feasts = shop(true), sales = shop(true);
  for (int s = 0; s < kSeries; ++s) {
    for (int k = 0; k < kHorizon; ++k) {
      feasts.categories[0].codes[place(s, kHistory + k)] = kFeast;
      sales.categories[0].codes[place(s, kHistory + k)] = kSale;
    }
  }
  const std::vector<std::int64_t> cutoff(kSeries, kHistory);
  const auto mean = [&](CatalogParts parts) {
    const Catalog catalog(std::move(parts));
    const Forecasts f = Forecaster(model, catalog, {}, settings().engine).at(cutoff);
    double sum = 0;
    for (const float y : f.values) sum += static_cast<double>(y);
    return sum / static_cast<double>(f.values.size());
  };
  EXPECT_NEAR(mean(std::move(feasts)), 200, 20);
  EXPECT_NEAR(mean(std::move(sales)), 50, 10);
}

TEST(StepCategories, AWordThatOnlyThePastHasIsNotSeenByTheHead) {
  CatalogParts parts = shop(true);
  parts.categories[0].role = Role::past;
  const Catalog catalog(std::move(parts));
  const ModelSpec spec = resolve_model(settings(), catalog, std::vector<std::int64_t>(8, 140));
  ASSERT_EQ(spec.step_embeddings.size(), 1u);
  EXPECT_EQ(spec.step_embeddings[0],
            (ModelSpec::StepEmbedding{.cardinality = 4, .width = 2, .future = false}));
  ModelSpec ahead = spec;
  ahead.step_embeddings[0].future = true;
  EXPECT_EQ(ahead.head_context() - spec.head_context(), 2 * kHorizon);
  EXPECT_EQ(ahead.inputs(), spec.inputs());
}

// A model that were told of words that only the test part has would know more than it may.
TEST(StepCategories, AModelKnowsTheWordsOfItsTrainingOnly) {
  CatalogParts parts = shop(true);
  parts.categories[0].vocabulary.push_back("carnival");
  parts.categories[0].codes[place(0, 10)] = 0;
  parts.categories[0].codes[place(3, 139)] = 4;
  const Catalog catalog(std::move(parts));
  std::vector<std::int64_t> end(kSeries, 139);
  using Words = std::vector<std::vector<std::string>>;
  EXPECT_EQ(step_vocabularies(Config(), catalog, end),
            (Words{{"unknown", "plain", "feast", "sale"}}));
  end[3] = 140;
  EXPECT_EQ(step_vocabularies(Config(), catalog, end),
            (Words{{"unknown", "plain", "feast", "sale", "carnival"}}));
  end.assign(kSeries, 0);
  EXPECT_EQ(step_vocabularies(Config(), catalog, end), (Words{{"unknown"}}));
}

TEST(StepCategories, WordsThatAModelDoesNotKnowAreNamedBesideThoseThatItKnows) {
  CatalogParts parts = shop(true);
  EXPECT_EQ(unknown_words_text({}, {{"unknown", "feast", "plain", "sale"}}, Catalog(parts)), "");
  EXPECT_EQ(unknown_words_text({}, {{"unknown", "sale"}}, Catalog(parts)),
            "day: plain, feast (known: sale)");
  parts.categories[0].vocabulary = {"unknown", "a", "b", "c", "d", "e"};
  EXPECT_EQ(unknown_words_text({}, {{"unknown"}}, Catalog(parts)),
            "day: a, b, c and 2 more (known: none)");
  // What sums have where their series differ is no word of the data.
  EXPECT_EQ(unknown_words_text({}, {{"unknown", "a", "b", "c", "(several)"}}, Catalog(parts)),
            "day: d, e (known: a, b, c)");
}

TEST(StepCategories, CodesAreTranslatedWordByWord) {
  CatalogParts parts = shop(true);
  parts.categories[0].vocabulary = {"unknown", "sale", "carnival", "feast", "plain"};
  const Catalog catalog(std::move(parts));
  EXPECT_EQ(word_codes({{"unknown", "plain", "feast", "sale"}}, catalog),
            (std::vector<std::vector<std::int32_t>>{{0, 3, 0, 2, 1}}));
}

TEST(StepCategories, TheSameWordsInAnotherOrderGiveTheSameForecast) {
  Config c = settings();
  c.training.steps = 20;
  const Catalog catalog{shop(true)};
  const Model model = trained(c, catalog);
  CatalogParts parts = shop(true);
  parts.categories[0].vocabulary = {"unknown", "sale", "carnival", "feast", "plain"};
  for (std::int32_t& code : parts.categories[0].codes)
    code = std::array{0, 4, 3, 1}[static_cast<std::size_t>(code)];
  const Catalog other(std::move(parts));
  const std::vector<std::int64_t> cutoff(kSeries, kHistory);
  const auto forecast = [&](const Catalog& from) {
    return Forecaster(model, from, {}, c.engine).at(cutoff).values;
  };
  EXPECT_EQ(forecast(other), forecast(catalog));
}

TEST(StepCategories, AModelRefusesOtherCategoriesByName) {
  Config c = settings();
  c.training.steps = 1;
  const Catalog catalog{shop(true)};
  const Model model = trained(c, catalog);
  EXPECT_EQ(model.step_category_names, std::vector<std::string>{"day"});
  CatalogParts parts = shop(true);
  parts.categories[0].role = Role::past;
  try {
    check_step_categories(model, Catalog(std::move(parts)));
    FAIL() << "accepted";
  } catch (const DataError& e) {
    EXPECT_STREQ(e.what(),
                 "the model was trained with the words of [] known up to the origin and of [day] "
                 "known ahead, and this data has [day] and []; name the same columns in "
                 "data.past_categories and data.future_categories");
  }
  const Catalog without{shop(false)};
  EXPECT_THROW(Forecaster(model, without, {}, c.engine), DataError);
}

/// A model of shop() with a table of rows (r, 10 r).
Model with_table(const Catalog& catalog) {
  Model model;
  model.spec = resolve_model(settings(), catalog, std::vector<std::int64_t>(kSeries, kHistory));
  model.step_vocabularies = {{"unknown", "plain", "feast", "sale"}};
  const ParamLayout layout(model.spec);
  auto& params = model.members.emplace_back(static_cast<std::size_t>(layout.size()), -1.0f);
  const auto at = static_cast<std::size_t>(layout.block("step_embedding.0.weight").offset);
  for (std::size_t r = 0; r < 4; ++r) {
    params[at + 2 * r] = static_cast<float>(r);
    params[at + 2 * r + 1] = 10 * static_cast<float>(r);
  }
  return model;
}

TEST(UnknownWords, AreTheMeanOfTheKnownOnesWhereTheTrainingMetNone) {
  CatalogParts parts = shop(true);
  // Six plain days, one feast and one sale before the end: (6 * 1 + 2 + 3) / 8.
  for (int t = 0; t < 8; ++t) {
    parts.categories[0].codes[place(0, t)] = t < 6 ? kPlain : (t == 6 ? kFeast : kSale);
  }
  const Catalog catalog(std::move(parts));
  Model model = with_table(catalog);
  std::vector<std::int64_t> end(kSeries, 0);
  end[0] = 8;
  std::vector<float> params = model.members[0];
  UnknownWords(model.spec, {}, model.step_vocabularies, catalog, end, 2).settle(params);
  std::vector<float> expected = model.members[0];
  const std::size_t at = expected.size() - 8;
  expected[at] = 11.0f / 8;
  expected[at + 1] = 110.0f / 8;
  EXPECT_EQ(params, expected);
}

TEST(UnknownWords, StayAsTrainedWhereCellsWereMissing) {
  CatalogParts parts = shop(true);
  parts.categories[0].codes[place(2, 5)] = 0;
  const Catalog catalog(std::move(parts));
  const Model model = with_table(catalog);
  std::vector<float> params = model.members[0];
  const auto settle = [&](std::int64_t end) {
    UnknownWords(model.spec, {}, model.step_vocabularies, catalog,
                 std::vector<std::int64_t>(kSeries, end), 2)
        .settle(params);
  };
  settle(100);
  EXPECT_EQ(params, model.members[0]);
  settle(5);
  EXPECT_NE(params, model.members[0]);  // not met before step 5
}

/// shop() without words; of its eight series two are large, five small, and the last one, which has
/// no history, is the only one of its kind.
CatalogParts kinds() {
  CatalogParts parts = shop(false);
  parts.static_categories.push_back(
      {"kind", {"unknown", "new", "large", "small"}, {2, 2, 3, 3, 3, 3, 3, 1}});
  std::fill_n(parts.channels[0].values.begin() + static_cast<std::ptrdiff_t>(place(7, 0)), kHistory,
              testing::kMissing);
  return parts;
}

TEST(SeriesCategories, AModelKnowsTheWordsOfTheSeriesThatItIsTrainedOn) {
  const Catalog catalog{kinds()};
  using Words = std::vector<std::vector<std::string>>;
  std::vector<std::int64_t> end(kSeries, 100);
  end[7] = 0;
  EXPECT_EQ(series_vocabularies(Config(), catalog, end), (Words{{"unknown", "large", "small"}}));
  EXPECT_EQ(resolve_model(settings(), catalog, end).embeddings,
            (std::vector<ModelSpec::Embedding>{{.cardinality = 3, .width = 2}}));
  Config strict;
  strict.data.min_history = 50;
  end[0] = end[1] = 49;  // too short to be trained on
  EXPECT_EQ(series_vocabularies(strict, catalog, end), (Words{{"unknown", "small"}}));
}

TEST(SeriesCategories, AWordThatNoTrainedSeriesHasIsTheMeanOfTheirs) {
  Config c = settings();
  c.training.steps = 20;
  const Catalog catalog{kinds()};
  const Model model = trained(c, catalog);
  EXPECT_THAT(model.vocabularies,
              ::testing::ElementsAre(::testing::ElementsAre("unknown", "large", "small")));
  const auto at =
      static_cast<std::size_t>(ParamLayout(model.spec).block("embedding.0.weight").offset);
  const float* table = model.members[0].data() + at;
  for (int i = 0; i < 2; ++i) {
    EXPECT_NE(table[2 + i], table[4 + i]);
    EXPECT_FLOAT_EQ(table[i], (2 * table[2 + i] + 5 * table[4 + i]) / 7);
  }
}

TEST(SeriesCategories, GoingOnFromAModelKeepsItsWordsAndRefusesOtherCategories) {
  Config c = settings();
  c.training.steps = 20;
  const auto path = temporary("kinds.safetensors");
  const Model before = trained(c, Catalog(kinds()));
  save_model(path, before);
  c.training.init_from = path.string();
  c.training.steps = 60;
  // A word is added, and the others come in another order: the tables go by words.
  CatalogParts more = kinds();
  more.static_categories[0].vocabulary = {"unknown", "kiosk", "small", "large"};
  more.static_categories[0].codes = {3, 3, 2, 2, 2, 2, 1, 1};
  const Model model = trained(c, Catalog(std::move(more)));
  EXPECT_EQ(model.vocabularies, before.vocabularies);
  EXPECT_EQ(model.spec, before.spec);
  EXPECT_LT(model.valid_loss, before.valid_loss);

  const auto refused = [&](const char* name) {
    CatalogParts parts = kinds();
    parts.static_categories[0].name = name;
    try {
      trained(c, Catalog(std::move(parts)));
    } catch (const DataError& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(refused("region"), HasSubstr("the model was trained with the static columns [] "
                                           "[kind] and this data has [] [region]"));
}

// A table of an earlier model goes by words: new data may bring others, in another order.
TEST(StepCategories, GoingOnFromAModelKeepsItsWords) {
  Config c = settings();
  c.training.steps = 20;
  const auto path = temporary("words.safetensors");
  const Catalog catalog{shop(true)};
  save_model(path, trained(c, catalog));
  CatalogParts parts = shop(true);
  parts.categories[0].vocabulary = {"unknown", "sale", "carnival", "feast", "plain"};
  for (std::int32_t& code : parts.categories[0].codes)
    code = std::array{0, 4, 3, 1}[static_cast<std::size_t>(code)];
  parts.categories[0].codes[place(1, 20)] = 2;
  const Catalog more(std::move(parts));
  const Model before = load_model(path);
  c.training.init_from = path.string();
  c.training.steps = 100;
  const Model model = trained(c, more);
  EXPECT_EQ(model.step_vocabularies, before.step_vocabularies);
  EXPECT_LT(mean_error(model, more), 0.7 * mean_error(before, catalog));
}

TEST(StepCategories, ComeBackFromTheModelsFileAndAnOlderProgramRefusesIt) {
  Config c = settings();
  c.training.steps = 1;
  const Catalog catalog{shop(true)};
  const Model model = trained(c, catalog);
  const auto path = temporary("step_words.safetensors");
  save_model(path, model);
  const Model loaded = load_model(path);
  EXPECT_EQ(loaded.step_category_names, std::vector<std::string>{"day"});
  EXPECT_EQ(loaded.step_vocabularies, model.step_vocabularies);
  EXPECT_EQ(loaded.spec, model.spec);
  EXPECT_EQ(loaded.members, model.members);
  Safetensors file = read_safetensors(path);
  EXPECT_EQ(file.metadata["format_version"], "2");
  EXPECT_EQ(file.tensors.at("step_embedding.0.weight").shape, (std::vector<std::int64_t>{4, 2}));
  auto& words = file.tensors.at("step_vocabulary.0");
  EXPECT_EQ(std::string(words.bytes.begin(), words.bytes.end()), "unknown\nplain\nfeast\nsale\n");
  words.bytes.resize(8);
  words.shape = {8};
  file.metadata.erase("checksum");
  write_safetensors(path, file);
  try {
    load_model(path);
    FAIL() << "no error";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("the vocabulary of 'day' and the specification differ"));
  }
}

// As the programs wrote it that knew no words of steps.
TEST(StepCategories, AModelsFileOfFormatOneIsRead) {
  Config c = settings();
  c.training.steps = 1;
  const Model model = trained(c, Catalog(shop(false)));
  const auto path = temporary("format_one.safetensors");
  save_model(path, model);
  Safetensors file = read_safetensors(path);
  EXPECT_EQ(file.metadata["format_version"], "1");
  auto spec = nlohmann::json::parse(file.metadata["spec"]);
  auto names = nlohmann::json::parse(file.metadata["names"]);
  ASSERT_EQ(spec.erase("step_embeddings") + names.erase("step_categories"), 2u);
  file.metadata["spec"] = spec.dump();
  file.metadata["names"] = names.dump();
  file.metadata.erase("checksum");
  write_safetensors(path, file);
  const Model loaded = load_model(path);
  EXPECT_EQ(loaded.spec, model.spec);
  EXPECT_EQ(loaded.members, model.members);
}

}  // namespace
}  // namespace sluice
