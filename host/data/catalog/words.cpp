#include "data/catalog/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "data/catalog/future.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

const char* key_of(Role role) {
  return role == Role::past ? "data.past_categories" : "data.future_categories";
}

/// 12, -3.5, $4, 1.200,00, true: what a column of numbers may hold, however it is written.
bool looks_like_number(const std::string& word) {
  if (word == "TRUE" || word == "True" || word == "true") return true;
  if (word == "FALSE" || word == "False" || word == "false") return true;
  const auto begin = word.find_first_not_of(" +-.,$€£¥");
  return begin != std::string::npos && word[begin] >= '0' && word[begin] <= '9';
}

/// Sorted words and the code of each: a vocabulary does not depend on the order of rows.
class Vocabulary {
 public:
  void add(const std::vector<std::string>& words) {
    words_.insert(words_.end(), words.begin(), words.end());
  }
  std::vector<std::string> settle() {
    std::sort(words_.begin(), words_.end());
    words_.erase(std::unique(words_.begin(), words_.end()), words_.end());
    std::vector<std::string> vocabulary = {"unknown"};
    // A cell that says "unknown" means what the code 0 means.
    std::copy_if(words_.begin(), words_.end(), std::back_inserter(vocabulary),
                 [](const std::string& word) { return word != "unknown"; });
    for (std::size_t code = 0; code < vocabulary.size(); ++code) {
      codes_.emplace(vocabulary[code], static_cast<std::int32_t>(code));
    }
    return vocabulary;
  }
  /// Codes of `words` in the vocabulary.
  std::vector<std::int32_t> codes_of(const std::vector<std::string>& words) const {
    std::vector<std::int32_t> codes;
    for (const std::string& word : words) codes.push_back(codes_.at(word));
    return codes;
  }

 private:
  std::vector<std::string> words_;
  std::unordered_map<std::string, std::int32_t> codes_;
};

/// What data.covariate_gaps says of a channel of words.
CovariateGapPolicy gap_policy(const CatalogSpec& spec, const std::string& name) {
  std::string word = "auto";
  for (const std::string& entry : spec.covariate_gaps) {
    const std::size_t equals = entry.rfind('=');
    if (equals == std::string::npos) {
      word = entry;
    } else if (entry.substr(0, equals) == name) {
      word = entry.substr(equals + 1);
      break;
    }
  }
  if (word == "forward_fill") return CovariateGapPolicy::forward_fill;
  if (word == "error") return CovariateGapPolicy::error;
  // Zero is no word: for words it means none, as "missing" does.
  if (word == "missing" || word == "zero") return CovariateGapPolicy::missing;
  if (word == "auto") {
    return spec.gaps == GapPolicy::forward_fill ? CovariateGapPolicy::forward_fill
                                                : CovariateGapPolicy::automatic;
  }
  throw ConfigError(
      fmt::format("data.covariate_gaps has '{}'; write auto, forward_fill, zero, missing or error, "
                  "or NAME=WORD for one column",
                  word));
}

/// Steps of one channel of words inside the histories.
struct WordCounts {
  std::int64_t filled = 0;       ///< without a row and without a word
  std::int64_t empty_cells = 0;  ///< with a row and without a word
  std::int64_t example = -1;     ///< place of the first filled one
};

}  // namespace

std::vector<ChannelSource> category_sources(const Table::Impl& table, const CatalogSpec& spec,
                                            const std::vector<ChannelSource>& channels) {
  const Header header = header_of(table);
  std::vector<ChannelSource> sources;
  const auto add = [&](const ChannelSource& source) {
    const auto same = [&](const ChannelSource& other) {
      return other.name == source.name && other.column == source.column;
    };
    const auto other = std::find_if(channels.begin(), channels.end(), same);
    if (other != channels.end()) {
      throw DataError(fmt::format("{}: column '{}' is both in {} and {}; name it in one of them",
                                  table.source, source.name, key_of(source.role),
                                  other->role == Role::target ? "a target"
                                  : other->role == Role::past ? "in data.past"
                                                              : "in data.future"));
    }
    if (std::none_of(sources.begin(), sources.end(), same)) sources.push_back(source);
  };
  // A column that is wanted twice is known ahead.
  std::vector<ChannelSource> ahead;
  for (const std::string& name : spec.future_categories) {
    if (spec.future_file && !name.starts_with('#') && !has_column(header, name)) {
      ahead.push_back({name, Role::future, -1});
      continue;
    }
    for (const int column : find_columns(header, {name}, "data.future_categories")) {
      ahead.push_back({table.names[static_cast<std::size_t>(column)], Role::future, column});
    }
  }
  for (const int column : find_columns(header, spec.past_categories, "data.past_categories")) {
    const bool is_ahead = std::any_of(ahead.begin(), ahead.end(), [&](const ChannelSource& source) {
      return source.column == column;
    });
    if (!is_ahead) add({table.names[static_cast<std::size_t>(column)], Role::past, column});
  }
  for (const ChannelSource& source : ahead) add(source);
  return sources;
}

void add_categories(const Table::Impl& table, const std::vector<ChannelSource>& sources,
                    const LaidRows& rows, const FutureRows* future, CatalogParts& parts,
                    CatalogNotes& notes) {
  std::size_t number = 0;  // among the future categories
  for (const ChannelSource& source : sources) {
    Codes own, known;
    if (source.column >= 0) own = read_codes(table, source.column);
    const bool ahead = future != nullptr && source.role == Role::future;
    if (ahead) known = future->words(number++);
    Vocabulary vocabulary;
    vocabulary.add(own.words);
    vocabulary.add(known.words);
    CategoryChannel channel{source.name, source.role, vocabulary.settle(), {}};
    channel.codes.assign(static_cast<std::size_t>(parts.offsets.back()), 0);

    const std::vector<std::int32_t> of_own = vocabulary.codes_of(own.words);
    std::int64_t several = 0;
    for (std::size_t row = 0; row < own.codes.size(); ++row) {
      if (own.codes[row] < 0 || rows.places[row] < 0) continue;
      std::int32_t& code = channel.codes[static_cast<std::size_t>(rows.places[row])];
      const std::int32_t word = of_own[static_cast<std::size_t>(own.codes[row])];
      several += rows.merged && code != 0 && code != word;
      if (!rows.merged || code == 0) code = word;
    }
    if (several > 0) {
      notes.remarks.push_back(fmt::format(
          "{}: {} rows have another '{}' than the first row of their step; the first one's counts",
          table.source, several, source.name));
    }

    const std::vector<std::int32_t> of_known = vocabulary.codes_of(known.words);
    std::int64_t differing = 0;
    std::string example;
    if (ahead) {
      future->for_each_step(parts.first, parts.offsets, [&](std::size_t row, std::int64_t place) {
        if (known.codes[row] < 0) return;
        std::int32_t& code = channel.codes[static_cast<std::size_t>(place)];
        const std::int32_t word = of_known[static_cast<std::size_t>(known.codes[row])];
        if (code != 0 && code != word && differing++ == 0) {
          example = fmt::format("{}, '{}' there and '{}' in the data",
                                future->step_text(parts.ids, parts.first, parts.offsets, place),
                                channel.vocabulary[static_cast<std::size_t>(word)],
                                channel.vocabulary[static_cast<std::size_t>(code)]);
        }
        if (code == 0) code = word;
      });
      future->tell_differences(source.name, differing, example, notes);
    }
    parts.categories.push_back(std::move(channel));
  }
}

std::vector<std::int64_t> ends_of_history(const CatalogParts& parts) {
  std::vector<std::int64_t> ends(parts.offsets.begin() + 1, parts.offsets.end());
  for (std::size_t s = 0; s < ends.size(); ++s) {
    const auto has_target = [&](std::int64_t i) {
      return std::any_of(parts.channels.begin(), parts.channels.end(), [&](const Channel& channel) {
        return channel.role == Role::target &&
               !std::isnan(channel.values[static_cast<std::size_t>(i)]);
      });
    };
    while (ends[s] > parts.offsets[s] && !has_target(ends[s] - 1)) --ends[s];
  }
  return ends;
}

void fill_category_gaps(const Table::Impl& table, const CatalogSpec& spec,
                        const std::function<bool(std::int64_t)>& has_row, CatalogParts& parts) {
  if (parts.categories.empty()) return;
  const std::vector<std::int64_t> ends = ends_of_history(parts);
  for (CategoryChannel& channel : parts.categories) {
    const CovariateGapPolicy policy = gap_policy(spec, channel.name);
    WordCounts counts;
    for (std::size_t s = 0; s < ends.size(); ++s) {
      for (std::int64_t i = parts.offsets[s]; i < ends[s]; ++i) {
        std::int32_t& code = channel.codes[static_cast<std::size_t>(i)];
        if (code != 0) continue;
        if (has_row(i)) {
          ++counts.empty_cells;
          continue;
        }
        if (policy == CovariateGapPolicy::forward_fill && i > parts.offsets[s]) code = (&code)[-1];
        if (code != 0) continue;
        if (counts.filled++ == 0) counts.example = i;
      }
    }
    const bool tells_the_target = policy == CovariateGapPolicy::automatic &&
                                  spec.gaps == GapPolicy::zero && counts.empty_cells == 0;
    if (counts.filled == 0 || (policy != CovariateGapPolicy::error && !tells_the_target)) continue;
    const auto s = static_cast<std::size_t>(
        std::upper_bound(parts.offsets.begin(), parts.offsets.end(), counts.example) -
        parts.offsets.begin() - 1);
    throw DataError(fmt::format(
        "{}: '{}' has no word in {} steps that have no row (the first one: {} {}){}; set "
        "data.covariate_gaps to {}=forward_fill or {}=missing, or give the words in path.future",
        table.source, channel.name, counts.filled, parts.ids[s],
        period_text(parts.frequency, parts.first[s] + counts.example - parts.offsets[s]),
        tells_the_target ? " and one in all others, so that a missing word would say that the "
                           "target is 0"
                         : "",
        channel.name, channel.name));
  }
}

void refuse_words(const Table::Impl& table, int column, Role role) {
  if (role == Role::target || !is_words(table, column)) return;
  const Codes codes = read_codes(table, column);
  const auto is_word = [&](std::int32_t code) {
    return code >= 0 && !looks_like_number(codes.words[static_cast<std::size_t>(code)]);
  };
  std::int32_t words = 0;
  for (std::size_t code = 0; code < codes.words.size(); ++code) {
    words += is_word(static_cast<std::int32_t>(code));
  }
  if (words == 0 || 2 * words < std::ssize(codes.words)) return;
  const auto first = std::find_if(codes.codes.begin(), codes.codes.end(), is_word);
  throw DataError(fmt::format(
      "{}: '{}' is a word, and {} takes numbers: name the column in {} (words), or add the word to "
      "data.missing if it means no value",
      place_of_row(table, first - codes.codes.begin(), column),
      codes.words[static_cast<std::size_t>(*first)],
      role == Role::past ? "data.past" : "data.future", key_of(role)));
}

}  // namespace sluice
