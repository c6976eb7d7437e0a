// The catalogue itself. How it is made from a table: read.cpp.
#include "sluice/data/catalog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "base/distinct.hpp"
#include "data/catalog/histories.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

template <typename Channels>
std::vector<std::int64_t> histories_in(const CatalogParts& parts, const Channels& channels) {
  if (!parts.history.empty()) return parts.history;
  std::vector<std::int64_t> history(parts.ids.size(), 0);
  for (std::size_t s = 0; s < history.size(); ++s) {
    for (const auto& channel : channels) {
      if (channel.role != Role::target) break;
      const float* y = channel.values.data() + parts.offsets[s];
      std::int64_t t = parts.offsets[s + 1] - parts.offsets[s];
      while (t > history[s] && std::isnan(y[t - 1])) --t;
      history[s] = std::max(history[s], t);
    }
  }
  return history;
}

template <typename T>
std::vector<T> copied(std::span<const T> numbers) {
  return {numbers.begin(), numbers.end()};
}

}  // namespace

std::vector<std::int64_t> histories_of(const CatalogParts& parts) {
  return histories_in(parts, parts.channels);
}

Catalog::Catalog(CatalogParts parts)
    : parts_(std::move(parts)), held_(std::make_shared<CatalogParts>()) {
  held_->channels = std::move(parts_.channels);
  held_->categories = std::move(parts_.categories);
  for (const Channel& channel : held_->channels) {
    steps_.channels.push_back({channel.name, channel.role, channel.values});
  }
  for (const CategoryChannel& category : held_->categories) {
    steps_.categories.push_back(
        {category.name, category.role, category.vocabulary, category.codes});
  }
  steps_.memory = held_;
  settle();
}

Catalog::Catalog(CatalogParts parts, CatalogSteps steps)
    : parts_(std::move(parts)), steps_(std::move(steps)) {
  settle();
}

void Catalog::settle() {
  parts_.channels.clear();
  parts_.categories.clear();
  check_parts();
  history_ = histories_in(parts_, steps_.channels);
  parts_.history = {};
}

void Catalog::check_parts() const {
  const auto expect = [](bool fits, const char* what) {
    if (!fits) throw InternalError(fmt::format("Catalog: {}", what));
  };
  const std::size_t series = parts_.ids.size();
  expect(parts_.offsets.size() == series + 1 && parts_.offsets.front() == 0,
         "offsets must have S+1 entries, the first one 0");
  for (std::size_t s = 0; s < series; ++s) {
    expect(parts_.offsets[s] <= parts_.offsets[s + 1], "offsets must not fall");
  }
  expect(parts_.first.size() == series, "first must have S entries");
  expect(parts_.axis.shift.empty() || parts_.axis.shift.size() == series,
         "shift must have S entries or none");
  expect(!steps_.channels.empty() && steps_.channels.front().role == Role::target,
         "there must be a target, and targets come first");
  for (std::size_t c = 0; c < steps_.channels.size(); ++c) {
    expect(steps_.channels[c].values.size() == static_cast<std::size_t>(parts_.offsets.back()),
           "every channel must have offsets.back() values");
    expect(c == 0 || steps_.channels[c - 1].role <= steps_.channels[c].role,
           "channels are targets, then past, then future");
  }
  for (const StaticReal& real : parts_.static_reals) {
    expect(real.values.size() == series, "static reals must have S values");
  }
  for (const StaticCategory& category : parts_.static_categories) {
    expect(category.codes.size() == series, "static categories must have S codes");
    expect(!category.vocabulary.empty(), "a vocabulary begins with \"unknown\"");
    for (const std::int32_t code : category.codes) {
      expect(code >= 0 && static_cast<std::size_t>(code) < category.vocabulary.size(),
             "a category code lies outside its vocabulary");
    }
  }
  for (std::size_t c = 0; c < steps_.categories.size(); ++c) {
    const CategoryChannelView& category = steps_.categories[c];
    expect(category.codes.size() == static_cast<std::size_t>(parts_.offsets.back()),
           "every category must have offsets.back() codes");
    expect(!category.vocabulary.empty(), "a vocabulary begins with \"unknown\"");
    expect(std::ranges::all_of(category.codes,
                               [&](std::int32_t code) {
                                 return code >= 0 &&
                                        static_cast<std::size_t>(code) < category.vocabulary.size();
                               }),
           "a category code lies outside its vocabulary");
    expect(
        category.role != Role::target && (c == 0 || steps_.categories[c - 1].role <= category.role),
        "categories are past, then future");
  }
  expect(parts_.value_offset.empty() ||
             parts_.value_offset.size() % std::max<std::size_t>(1, series) == 0,
         "there must be an offset for each target of each series");
  expect(parts_.ended.empty() || parts_.ended.size() == series, "ended must have S entries");
  expect(parts_.history.empty() || parts_.history.size() == series, "history must have S entries");
  for (std::size_t s = 0; s < parts_.history.size(); ++s) {
    expect(parts_.history[s] >= 0 && parts_.history[s] <= parts_.offsets[s + 1] - parts_.offsets[s],
           "a history must lie inside its series");
  }
  std::int64_t sums_end = parts_.hierarchy.bottom;
  for (const Hierarchy::Level& level : parts_.hierarchy.levels) {
    expect(level.first == sums_end && std::ssize(level.sum_of) == parts_.hierarchy.bottom &&
               std::ranges::all_of(level.sum_of,
                                   [&](std::int32_t sum) {
                                     return sum >= level.first && sum < level.first + level.count;
                                   }),
           "the sums of a level stand behind those of the one before, one for each bottom series");
    sums_end += level.count;
  }
  expect(parts_.hierarchy.levels.empty() || sums_end == static_cast<std::int64_t>(series),
         "behind the bottom series there are sums only");
  expect(are_distinct(parts_.ids), "ids must be distinct");
}

CatalogParts Catalog::take_parts() && {
  parts_.history = std::move(history_);
  if (held_ != nullptr && held_.use_count() == 2) {  // here, as it is and as the steps' memory
    parts_.channels = std::move(held_->channels);
    parts_.categories = std::move(held_->categories);
    return std::move(parts_);
  }
  for (const ChannelView& channel : steps_.channels) {
    parts_.channels.push_back({channel.name, channel.role, copied(channel.values)});
  }
  for (const CategoryChannelView& category : steps_.categories) {
    parts_.categories.push_back(
        {category.name, category.role, category.vocabulary, copied(category.codes)});
  }
  return std::move(parts_);
}

int Catalog::count(Role role) const {
  int n = 0;
  for (const ChannelView& channel : steps_.channels) n += channel.role == role ? 1 : 0;
  return n;
}

Catalog Catalog::without(std::span<const int> channels, std::span<const int> categories) const {
  const auto kept = [](const auto& all, std::span<const int> gone) {
    std::remove_cvref_t<decltype(all)> out;
    for (std::size_t c = 0; c < all.size(); ++c) {
      if (std::ranges::find(gone, static_cast<int>(c)) == gone.end()) out.push_back(all[c]);
    }
    return out;
  };
  CatalogParts parts = parts_;
  parts.history = history_;
  return {std::move(parts), CatalogSteps{.channels = kept(steps_.channels, channels),
                                         .categories = kept(steps_.categories, categories),
                                         .memory = steps_.memory}};
}

std::int64_t Catalog::bytes() const {
  std::size_t bytes = (parts_.offsets.capacity() + parts_.first.capacity() +
                       parts_.axis.shift.capacity() + history_.capacity()) *
                          sizeof(std::int64_t) +
                      parts_.value_offset.capacity() * sizeof(double) + parts_.ended.capacity() +
                      parts_.axis.clock.capacity() * sizeof(UtcOffset);
  const auto of_strings = [](const std::vector<std::string>& strings) {
    std::size_t sum = strings.capacity() * sizeof(std::string);
    // Short strings live inside the object.
    for (const std::string& text : strings) sum += text.capacity() > 15 ? text.capacity() + 1 : 0;
    return sum;
  };
  bytes += of_strings(parts_.ids);
  for (const ChannelView& channel : steps_.channels) bytes += channel.values.size_bytes();
  for (const StaticReal& real : parts_.static_reals)
    bytes += real.values.capacity() * sizeof(float);
  for (const StaticCategory& category : parts_.static_categories) {
    bytes += category.codes.capacity() * sizeof(std::int32_t) + of_strings(category.vocabulary);
  }
  for (const CategoryChannelView& category : steps_.categories) {
    bytes += category.codes.size_bytes() + of_strings(category.vocabulary);
  }
  for (const Hierarchy::Level& level : parts_.hierarchy.levels) {
    bytes += level.sum_of.capacity() * sizeof(std::int32_t);
  }
  return static_cast<std::int64_t>(bytes);
}

}  // namespace sluice
