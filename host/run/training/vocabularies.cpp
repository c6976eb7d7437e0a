#include "run/training/vocabularies.hpp"

#include <algorithm>

#include "run/categories.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

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

void take_words_of(const Model& start, const Config& config, Vocabularies& vocabularies,
                   ModelSpec& spec) {
  if (take_tables(start.spec.embeddings, config, spec.embeddings)) {
    vocabularies.series = start.vocabularies;
  }
  if (take_tables(start.spec.step_embeddings, config, spec.step_embeddings)) {
    vocabularies.steps = start.step_vocabularies;
  }
}

void set_codes(const Vocabularies& vocabularies, const Catalog& catalog, EngineSetup& setup) {
  setup.codes = series_codes(vocabularies.series, catalog);
  setup.word_codes = word_codes(vocabularies.steps, catalog);
}

void name_words(const Vocabularies& vocabularies, const Catalog& catalog, Model& model) {
  for (const StaticCategory& category : catalog.static_categories()) {
    model.category_names.push_back(category.name);
  }
  for (const CategoryChannelView& category : catalog.categories()) {
    model.step_category_names.push_back(category.name);
  }
  model.vocabularies = vocabularies.series;
  model.step_vocabularies = vocabularies.steps;
}

}  // namespace sluice
