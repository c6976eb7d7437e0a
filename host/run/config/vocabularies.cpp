// Which words of a catalogue's steps a model is to know.
#include "sluice/run/resolve.hpp"

namespace sluice {

std::vector<std::vector<std::string>> step_vocabularies(const Catalog& catalog,
                                                        std::span<const std::int64_t> end) {
  std::vector<std::vector<std::string>> vocabularies;
  for (const CategoryChannel& category : catalog.categories()) {
    std::vector<char> met(category.vocabulary.size(), 0);
    for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
      const std::int32_t* codes = category.codes.data() + catalog.offset(s);
      for (std::int64_t t = 0; t < end[static_cast<std::size_t>(s)]; ++t) {
        met[static_cast<std::size_t>(codes[t])] = 1;
      }
    }
    std::vector<std::string>& words = vocabularies.emplace_back();
    words.push_back(category.vocabulary[0]);
    for (std::size_t code = 1; code < met.size(); ++code) {
      if (met[code] != 0) words.push_back(category.vocabulary[code]);
    }
  }
  return vocabularies;
}

}  // namespace sluice
