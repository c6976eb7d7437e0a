#include "data/hierarchy/groups.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "base/text.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == '/') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

[[noreturn]] void refuse_unknown(const std::string& word, const std::string& text,
                                 std::span<const StaticCategory> categories) {
  std::vector<std::string> names;
  for (const StaticCategory& category : categories) names.push_back(category.name);
  throw ConfigError(fmt::format(
      "data.groups: '{}'{} is neither \"{}\" nor a static category; {}", word,
      word == text ? "" : fmt::format(" of '{}'", text), kTotal,
      names.empty() ? std::string("there is none: name its column in data.static_categories, too")
                    : fmt::format("the static categories are: {}; name further columns in "
                                  "data.static_categories",
                                  fmt::join(names, ", "))));
}

/// A name may hold a "/" itself: the longest one that is a category's is taken.
std::vector<std::size_t> categories_in(const std::string& text,
                                       std::span<const StaticCategory> categories) {
  const std::vector<std::string> words = split(text);
  std::vector<std::size_t> found;
  for (std::size_t begin = 0; begin < words.size();) {
    std::size_t end = words.size();
    auto at = categories.end();
    for (; end > begin; --end) {
      const std::string name =
          fmt::format("{}", fmt::join(words.begin() + static_cast<std::ptrdiff_t>(begin),
                                      words.begin() + static_cast<std::ptrdiff_t>(end), "/"));
      at = std::ranges::find(categories, name, &StaticCategory::name);
      if (at != categories.end()) break;
    }
    if (at == categories.end()) refuse_unknown(words[begin], text, categories);
    found.push_back(static_cast<std::size_t>(at - categories.begin()));
    begin = end;
  }
  return found;
}

}  // namespace

std::vector<Group> parse_groups(const std::vector<std::string>& texts,
                                std::span<const StaticCategory> categories) {
  std::vector<Group> groups;
  std::vector<std::vector<std::size_t>> known;  // sorted: the order of categories is no difference
  for (const std::string& text : texts) {
    Group group{text, {}};
    if (text != kTotal) group.categories = categories_in(text, categories);
    std::vector<std::size_t> sorted = group.categories;
    std::ranges::sort(sorted);
    if (const auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end()) {
      throw ConfigError(fmt::format("data.groups: '{}' names '{}' twice; leave one out", text,
                                    categories[*twice].name));
    }
    const auto same = std::ranges::find(known, sorted);
    if (same != known.end()) {
      throw ConfigError(fmt::format("data.groups: '{}' and '{}' are the same sums; leave one out",
                                    groups[static_cast<std::size_t>(same - known.begin())].name,
                                    text));
    }
    known.push_back(std::move(sorted));
    groups.push_back(std::move(group));
  }
  return groups;
}

Membership members_of(const Group& group, const Catalog& catalog) {
  const auto S = static_cast<std::size_t>(catalog.series_count());
  Membership out{std::vector<std::int32_t>(S, 0), {0}};
  for (const std::size_t c : group.categories) {
    const StaticCategory& category = catalog.static_categories()[c];
    const auto unknown = std::ranges::count(category.codes, 0);
    if (unknown > 0) {
      const auto first = std::ranges::find(category.codes, 0) - category.codes.begin();
      throw DataError(fmt::format(
          "data.groups: {} series {} no '{}', by which '{}' adds up (the first one: {}); give "
          "it, or leave '{}' out of data.groups",
          grouped(unknown), unknown == 1 ? "has" : "have", category.name, group.name,
          catalog.id(first), group.name));
    }
    // Each sum so far is divided by the words of one more category.
    std::unordered_map<std::uint64_t, std::int32_t> parts;
    std::vector<std::int32_t> example;
    for (std::size_t s = 0; s < S; ++s) {
      const auto key = static_cast<std::uint64_t>(out.sum_of[s]) * category.vocabulary.size() +
                       static_cast<std::uint64_t>(category.codes[s]);
      const auto [at, fresh] = parts.emplace(key, static_cast<std::int32_t>(example.size()));
      if (fresh) example.push_back(static_cast<std::int32_t>(s));
      out.sum_of[s] = at->second;
    }
    out.example = std::move(example);
  }
  // By their words, so that the order of rows in a file is no difference.
  std::vector<std::int32_t> order(out.example.size()), place(order.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, [&](std::int32_t a, std::int32_t b) {
    for (const std::size_t c : group.categories) {
      const std::vector<std::int32_t>& codes = catalog.static_categories()[c].codes;
      const auto code = [&](std::int32_t sum) {
        return codes[static_cast<std::size_t>(out.example[static_cast<std::size_t>(sum)])];
      };
      if (code(a) != code(b)) return code(a) < code(b);
    }
    return false;
  });
  std::vector<std::int32_t> example;
  for (std::size_t i = 0; i < order.size(); ++i) {
    place[static_cast<std::size_t>(order[i])] = static_cast<std::int32_t>(i);
    example.push_back(out.example[static_cast<std::size_t>(order[i])]);
  }
  for (std::int32_t& sum : out.sum_of) sum = place[static_cast<std::size_t>(sum)];
  out.example = std::move(example);
  return out;
}

}  // namespace sluice
