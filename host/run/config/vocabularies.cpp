// Which words of a catalogue a model is to know.
#include "sluice/data/window.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

/// "unknown", and the words whose codes were met, in their order.
std::vector<std::string> words_met(const std::vector<std::string>& vocabulary,
                                   const std::vector<char>& met) {
  std::vector<std::string> words = {vocabulary[0]};
  for (std::size_t code = 1; code < met.size(); ++code) {
    if (met[code] != 0) words.push_back(vocabulary[code]);
  }
  return words;
}

}  // namespace

std::vector<std::vector<std::string>> series_vocabularies(const Config& config,
                                                          const Catalog& catalog,
                                                          std::span<const std::int64_t> end) {
  std::vector<std::vector<std::string>> vocabularies;
  for (const StaticCategory& category : catalog.static_categories()) {
    std::vector<char> met(category.vocabulary.size(), 0);
    for (std::size_t s = 0; s < end.size(); ++s) {
      if (is_trained_on(end[s], config.data.min_history))
        met[static_cast<std::size_t>(category.codes[s])] = 1;
    }
    vocabularies.push_back(words_met(category.vocabulary, met));
  }
  return vocabularies;
}

std::vector<std::vector<std::string>> step_vocabularies(const Config& config,
                                                        const Catalog& catalog,
                                                        std::span<const std::int64_t> end) {
  std::vector<std::vector<std::string>> vocabularies;
  for (const CategoryChannelView& category : catalog.categories()) {
    std::vector<char> met(category.vocabulary.size(), 0);
    for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
      const std::int64_t steps = end[static_cast<std::size_t>(s)];
      if (!is_trained_on(steps, config.data.min_history)) continue;
      const std::int32_t* codes = category.codes.data() + catalog.offset(s);
      for (std::int64_t t = 0; t < steps; ++t) met[static_cast<std::size_t>(codes[t])] = 1;
    }
    vocabularies.push_back(words_met(category.vocabulary, met));
  }
  return vocabularies;
}

}  // namespace sluice
