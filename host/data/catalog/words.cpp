#include "data/catalog/words.hpp"

#include <fmt/format.h>

#include <algorithm>
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
    if (!spec.future_files.empty() && !name.starts_with('#') && !has_column(header, name)) {
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

namespace {

/// Fills cells without a word; says where a row has another word than the cell.
void take_known_words(const FutureRows& file, const Codes& known,
                      const std::vector<std::int32_t>& codes, const CatalogParts& parts,
                      CategoryChannel& channel, CatalogNotes& notes) {
  std::int64_t differing = 0;
  std::string example;
  file.for_each_step(parts.first, parts.offsets, [&](std::size_t row, std::int64_t place) {
    if (known.codes[row] < 0) return;
    std::int32_t& code = channel.codes[static_cast<std::size_t>(place)];
    const std::int32_t word = codes[static_cast<std::size_t>(known.codes[row])];
    if (code != 0 && code != word && differing++ == 0) {
      example = fmt::format("{}, '{}' there and '{}' in the data",
                            file.step_text(parts.ids, parts.first, parts.offsets, place),
                            channel.vocabulary[static_cast<std::size_t>(word)],
                            channel.vocabulary[static_cast<std::size_t>(code)]);
    }
    if (code == 0) code = word;
  });
  file.tell_differences(channel.name, differing, example, notes);
}

}  // namespace

void add_categories(const Table::Impl& table, const std::vector<ChannelSource>& sources,
                    const LaidRows& rows, std::span<const FutureRows> future, CatalogParts& parts,
                    CatalogNotes& notes) {
  for (const ChannelSource& source : sources) {
    Codes own;
    if (source.column >= 0) own = read_codes(table, source.column);
    Vocabulary vocabulary;
    vocabulary.add(own.words);
    std::vector<std::pair<const FutureRows*, Codes>> ahead;
    for (const FutureRows& file : future) {
      if (source.role != Role::future || !file.has_category(source.name)) continue;
      ahead.emplace_back(&file, file.words(source.name));
      vocabulary.add(ahead.back().second.words);
    }
    CategoryChannel channel{source.name, source.role, vocabulary.settle(), {}};
    channel.codes.assign(static_cast<std::size_t>(parts.offsets.back()), 0);

    const std::vector<std::int32_t> of_own = vocabulary.codes_of(own.words);
    std::int64_t several = 0;
    rows.places.each(0, std::ssize(own.codes), [&](std::int64_t place, std::int64_t row) {
      const std::int32_t own_code = own.codes[static_cast<std::size_t>(row)];
      if (own_code < 0) return;
      std::int32_t& code = channel.codes[static_cast<std::size_t>(place)];
      const std::int32_t word = of_own[static_cast<std::size_t>(own_code)];
      several += rows.merged && code != 0 && code != word;
      if (!rows.merged || code == 0) code = word;
    });
    if (several > 0) {
      notes.remarks.push_back(fmt::format(
          "{}: {} rows have another '{}' than the first row of their step; the first one's counts",
          table.source, several, source.name));
    }

    for (const auto& [file, known] : ahead) {
      take_known_words(*file, known, vocabulary.codes_of(known.words), parts, channel, notes);
    }
    parts.categories.push_back(std::move(channel));
  }
}

void refuse_words(const Table::Impl& table, int column, const char* numbers_key,
                  const char* words_key) {
  if (!is_words(table, column)) return;
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
      codes.words[static_cast<std::size_t>(*first)], numbers_key, words_key));
}

void refuse_words(const Table::Impl& table, int column, Role role) {
  if (role == Role::target) return;
  refuse_words(table, column, role == Role::past ? "data.past" : "data.future", key_of(role));
}

}  // namespace sluice
