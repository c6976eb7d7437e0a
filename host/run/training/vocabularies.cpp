#include "run/training/vocabularies.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "run/categories.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

/// How many of `words`, of which the first is "unknown", are not known.
std::int64_t unknown_words(const std::vector<std::string>& known,
                           const std::vector<std::string>& words) {
  const std::vector<std::int32_t> codes = codes_in(known, words);
  return words.empty() ? 0 : std::count(codes.begin() + 1, codes.end(), 0);
}

/// Where the earlier model's tables are as wide as the settings would have made them.
template <typename Embeddings>
bool take_tables(const Embeddings& from, const Config& config, Embeddings& to) {
  const bool fits = std::ranges::equal(from, to, [&](const auto& before, const auto&) {
    return before.width == embedding_width(config, static_cast<std::size_t>(before.cardinality));
  });
  if (fits) to = from;
  return fits;
}

}  // namespace

Vocabularies vocabularies_of(const Config& config, const Catalog& catalog,
                             std::span<const std::int64_t> end) {
  return {.series = series_vocabularies(config, catalog, end),
          .steps = step_vocabularies(config, catalog, end)};
}

std::string take_words_of(const Model& start, const Config& config, Vocabularies& vocabularies,
                          ModelSpec& spec) {
  std::vector<std::string> unknown;
  const auto take = [&](const auto& words_before, const auto& names, auto& words) {
    for (std::size_t e = 0; e < words.size(); ++e) {
      const std::int64_t count = unknown_words(words_before[e], words[e]);
      if (count > 0) unknown.push_back(fmt::format("{} of '{}'", count, names[e]));
    }
    words = words_before;
  };
  if (take_tables(start.spec.embeddings, config, spec.embeddings)) {
    take(start.vocabularies, start.category_names, vocabularies.series);
  }
  if (take_tables(start.spec.step_embeddings, config, spec.step_embeddings)) {
    take(start.step_vocabularies, start.step_category_names, vocabularies.steps);
  }
  if (unknown.empty()) return {};
  return fmt::format("words that the earlier model does not know stay unknown to it: {}",
                     fmt::join(unknown, ", "));
}

void set_codes(const Vocabularies& vocabularies, const Catalog& catalog, EngineSetup& setup) {
  setup.codes = series_codes(vocabularies.series, catalog);
  setup.word_codes = word_codes(vocabularies.steps, catalog);
}

void name_words(const Vocabularies& vocabularies, const Catalog& catalog, Model& model) {
  for (const StaticCategory& category : catalog.static_categories()) {
    model.category_names.push_back(category.name);
  }
  for (const CategoryChannel& category : catalog.categories()) {
    model.step_category_names.push_back(category.name);
  }
  model.vocabularies = vocabularies.series;
  model.step_vocabularies = vocabularies.steps;
}

}  // namespace sluice
