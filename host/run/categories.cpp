#include "run/categories.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <string_view>
#include <unordered_map>

#include "base/text.hpp"
#include "data/hierarchy/sums.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/window.hpp"
#include "sluice/model/params.hpp"

namespace sluice {
namespace {

/// How often each code of the model's table stands at a step that was trained on.
std::vector<std::int64_t> steps_met(const Catalog& catalog, const CategoryChannelView& category,
                                    const std::vector<std::int32_t>& codes, std::size_t rows,
                                    std::span<const std::int64_t> end, std::int64_t min_history) {
  std::vector<std::int64_t> met(rows, 0);
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const std::int64_t steps = end[static_cast<std::size_t>(s)];
    if (!is_trained_on(steps, min_history)) continue;
    const std::int32_t* words = category.codes.data() + catalog.offset(s);
    for (std::int64_t t = 0; t < steps; ++t) {
      ++met[static_cast<std::size_t>(codes[static_cast<std::size_t>(words[t])])];
    }
  }
  return met;
}

/// In how many of the series that were trained on.
std::vector<std::int64_t> series_met(const std::vector<std::int32_t>& codes, std::size_t rows,
                                     std::span<const std::int64_t> end, std::int64_t min_history) {
  std::vector<std::int64_t> met(rows, 0);
  for (std::size_t s = 0; s < codes.size(); ++s) {
    if (is_trained_on(end[s], min_history)) ++met[static_cast<std::size_t>(codes[s])];
  }
  return met;
}

/// "a, b, c and 4 more" of words behind the first one, which is "unknown".
std::string first_words(const std::vector<std::string>& words) {
  constexpr std::size_t kShown = 3;
  std::string text;
  for (std::size_t i = 1; i < words.size() && i <= kShown; ++i) {
    text += (i > 1 ? ", " : "") + printable(words[i]);
  }
  if (words.size() > kShown + 1) {
    text +=
        fmt::format(" and {} more", grouped(static_cast<std::int64_t>(words.size() - kShown - 1)));
  }
  return text.empty() ? "none" : text;
}

/// Appends what `known` lacks of the words of each category.
template <typename Categories>
void add_unknown(const std::vector<std::vector<std::string>>& known, const Categories& categories,
                 std::vector<std::string>& texts) {
  for (std::size_t e = 0; e < categories.size(); ++e) {
    const std::vector<std::string>& words = categories[e].vocabulary;
    const std::vector<std::int32_t> codes = codes_in(known[e], words);
    std::vector<std::string> unknown{""};
    for (std::size_t w = 1; w < words.size(); ++w) {
      if (codes[w] == 0) unknown.push_back(words[w]);
    }
    if (unknown.size() == 1) continue;
    std::vector<std::string> of_series = known[e];
    std::erase(of_series, kSeveral);  // what sums have is no word of the data
    texts.push_back(fmt::format("{}: {} (known: {})", categories[e].name, first_words(unknown),
                                first_words(of_series)));
  }
}

}  // namespace

std::string unknown_words_text(const std::vector<std::vector<std::string>>& series,
                               const std::vector<std::vector<std::string>>& steps,
                               const Catalog& catalog) {
  std::vector<std::string> texts;
  add_unknown(series, catalog.static_categories(), texts);
  add_unknown(steps, catalog.categories(), texts);
  return fmt::format("{}", fmt::join(texts, "; "));
}

std::vector<std::int32_t> codes_in(const std::vector<std::string>& vocabulary,
                                   const std::vector<std::string>& words) {
  std::unordered_map<std::string_view, std::int32_t> known;
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    known.emplace(vocabulary[i], static_cast<std::int32_t>(i));
  }
  std::vector<std::int32_t> codes;
  for (const std::string& word : words) {
    const auto found = known.find(word);
    codes.push_back(found == known.end() ? 0 : found->second);
  }
  return codes;
}

std::vector<std::vector<std::int32_t>> series_codes(
    const std::vector<std::vector<std::string>>& vocabularies, const Catalog& catalog) {
  std::vector<std::vector<std::int32_t>> codes;
  for (std::size_t e = 0; e < vocabularies.size(); ++e) {
    const StaticCategory& category = catalog.static_categories()[e];
    const std::vector<std::int32_t> of_word = codes_in(vocabularies[e], category.vocabulary);
    std::vector<std::int32_t>& out = codes.emplace_back();
    for (const std::int32_t code : category.codes) {
      out.push_back(of_word[static_cast<std::size_t>(code)]);
    }
  }
  return codes;
}

std::vector<std::vector<std::int32_t>> word_codes(
    const std::vector<std::vector<std::string>>& vocabularies, const Catalog& catalog) {
  std::vector<std::vector<std::int32_t>> codes;
  for (std::size_t e = 0; e < vocabularies.size(); ++e) {
    codes.push_back(codes_in(vocabularies[e], catalog.categories()[e].vocabulary));
  }
  return codes;
}

void check_step_categories(const Model& model, const Catalog& catalog) {
  std::vector<std::string> trained[2], given[2];  // past, future
  for (std::size_t e = 0; e < model.step_category_names.size(); ++e) {
    trained[model.spec.step_embeddings[e].future ? 1 : 0].push_back(model.step_category_names[e]);
  }
  for (const CategoryChannelView& category : catalog.categories()) {
    given[category.role == Role::future ? 1 : 0].push_back(category.name);
  }
  if (trained[0] == given[0] && trained[1] == given[1]) return;
  throw DataError(fmt::format(
      "the model was trained with the words of [{}] known up to the origin and of [{}] known "
      "ahead, "
      "and this data has [{}] and [{}]; name the same columns in data.past_categories and "
      "data.future_categories",
      fmt::join(trained[0], ", "), fmt::join(trained[1], ", "), fmt::join(given[0], ", "),
      fmt::join(given[1], ", ")));
}

UnknownWords::UnknownWords(const ModelSpec& spec,
                           const std::vector<std::vector<std::string>>& series,
                           const std::vector<std::vector<std::string>>& steps,
                           const Catalog& catalog, std::span<const std::int64_t> end,
                           std::int64_t min_history) {
  const ParamLayout layout(spec);
  const auto of_series = series_codes(series, catalog);
  for (std::size_t e = 0; e < series.size(); ++e) {
    add(layout.block(fmt::format("embedding.{}.weight", e)).offset, spec.embeddings[e].width,
        series_met(of_series[e], series[e].size(), end, min_history));
  }
  const auto of_words = word_codes(steps, catalog);
  for (std::size_t e = 0; e < steps.size(); ++e) {
    add(layout.block(fmt::format("step_embedding.{}.weight", e)).offset,
        spec.step_embeddings[e].width,
        steps_met(catalog, catalog.categories()[e], of_words[e], steps[e].size(), end,
                  min_history));
  }
}

void UnknownWords::add(std::int64_t at, int width, std::vector<std::int64_t> met) {
  if (met[0] > 0) return;  // trained as it is
  tables_.push_back(
      {static_cast<std::size_t>(at), static_cast<std::size_t>(width), std::move(met)});
}

void UnknownWords::settle(std::span<float> params) const {
  for (const Table& table : tables_) {
    const std::span<float> rows = params.subspan(table.at);
    for (std::size_t i = 0; i < table.width; ++i) {
      double sum = 0, count = 0;
      for (std::size_t code = 1; code < table.met.size(); ++code) {
        const auto times = static_cast<double>(table.met[code]);
        sum += times * static_cast<double>(rows[code * table.width + i]);
        count += times;
      }
      rows[i] = count > 0 ? static_cast<float>(sum / count) : 0.0f;
    }
  }
}

}  // namespace sluice
