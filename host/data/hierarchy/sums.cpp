#include "data/hierarchy/sums.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>
#include <utility>

#include "base/text.hpp"
#include "data/hierarchy/groups.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// "state=CA/store=CA_1" of one of its series.
std::string id_of(const Group& group, const Catalog& catalog, std::int32_t series) {
  if (group.categories.empty()) return kTotal;
  std::string id;
  for (const std::size_t c : group.categories) {
    const StaticCategory& category = catalog.static_categories()[c];
    id += fmt::format("{}{}={}", id.empty() ? "" : "/", category.name,
                      category.vocabulary[at(category.codes[at(series)])]);
  }
  return id;
}

/// Numbers of sums in the order in which the series meet them: the same for the same sums.
std::vector<std::int32_t> as_met(const Membership& members) {
  std::vector<std::int32_t> number(members.example.size(), -1), met;
  std::int32_t next = 0;
  for (const std::int32_t sum : members.sum_of) {
    if (number[at(sum)] < 0) number[at(sum)] = next++;
    met.push_back(number[at(sum)]);
  }
  return met;
}

class Summing {
 public:
  Summing(Catalog&& catalog, const std::vector<std::string>& groups, CatalogNotes& notes)
      : notes_(notes) {
    bottom_ = catalog.series_count();
    choose_levels(catalog, parse_groups(groups, catalog.static_categories()));
    if (!catalog.axis().shift.empty()) refuse_shifts(catalog);
    targets_ = catalog.count(Role::target);
    parts_ = std::move(catalog).take_parts();
    name_sums();
    place_sums();
  }

  Catalog result() {
    add_offsets();
    for (Channel& channel : parts_.channels) add_channel(channel);
    for (CategoryChannel& channel : parts_.categories) add_words(channel);
    for (StaticReal& real : parts_.static_reals) add_means(real);
    for (StaticCategory& category : parts_.static_categories) add_words(category);
    tell_missing();
    Hierarchy& hierarchy = parts_.hierarchy;
    hierarchy.bottom = bottom_;
    hierarchy.levels = std::move(levels_);
    return Catalog(std::move(parts_));
  }

 private:
  void choose_levels(const Catalog& catalog, const std::vector<Group>& groups);
  void refuse_shifts(const Catalog& catalog) const;
  void name_sums();
  void place_sums();
  void add_offsets();
  void add_channel(Channel& channel);
  void add_words(CategoryChannel& channel);
  void add_means(StaticReal& real);
  void add_words(StaticCategory& category);
  void tell_missing();

  std::int64_t begin(std::int64_t s) const { return parts_.first[at(s)]; }
  std::int64_t length(std::int64_t s) const {
    return parts_.offsets[at(s + 1)] - parts_.offsets[at(s)];
  }
  bool is_over(std::int64_t s) const { return !parts_.ended.empty() && parts_.ended[at(s)] != 0; }
  std::span<const std::int32_t> members(std::int64_t sum) const {
    return members_[at(sum - bottom_)];
  }

  CatalogNotes& notes_;
  CatalogParts parts_;
  std::int64_t bottom_ = 0;
  int targets_ = 0;
  std::vector<Hierarchy::Level> levels_;
  std::vector<std::string> ids_;                    // [sums]
  std::vector<std::vector<std::int32_t>> members_;  // [sums]
  std::int64_t missing_ = 0;                        // steps of sums whose value is not known
  std::int64_t missing_of_ = 0;                     // of so many
  std::string example_;
};

void Summing::choose_levels(const Catalog& catalog, const std::vector<Group>& groups) {
  std::vector<std::vector<std::int32_t>> known;
  for (const Group& group : groups) {
    const Membership found = members_of(group, catalog);
    std::vector<std::int32_t> met = as_met(found);
    const auto same = std::ranges::find(known, met);
    const bool is_bottom = std::ssize(found.example) == bottom_;
    if (is_bottom || same != known.end()) {
      notes_.remarks.push_back(fmt::format(
          "data.groups: '{}' is left out: {}", group.name,
          is_bottom
              ? std::string("each of its sums holds one series, which has a forecast anyway")
              : fmt::format("its sums are those of '{}'", levels_[at(same - known.begin())].name)));
      continue;
    }
    known.push_back(std::move(met));
    Hierarchy::Level level{group.name, bottom_ + std::ssize(ids_), std::ssize(found.example), {}};
    for (const std::int32_t sum : found.sum_of) {
      level.sum_of.push_back(static_cast<std::int32_t>(level.first) + sum);
    }
    members_.resize(members_.size() + found.example.size());
    for (std::int64_t s = 0; s < bottom_; ++s) {
      members_[at(level.sum_of[at(s)] - bottom_)].push_back(static_cast<std::int32_t>(s));
    }
    for (const std::int32_t example : found.example) {
      ids_.push_back(id_of(group, catalog, example));
    }
    levels_.push_back(std::move(level));
  }
  // A sum's inputs are those of what it was made of so far: a new item of another price is no new
  // price of the others.
  for (std::vector<std::int32_t>& members : members_) {
    const auto is_new = [&](std::int32_t s) { return catalog.history(s) == 0; };
    if (!std::ranges::all_of(members, is_new)) std::erase_if(members, is_new);
  }
  if (levels_.empty()) {
    std::vector<std::string> names;
    for (const Group& group : groups) names.push_back(group.name);
    throw DataError(fmt::format(
        "data.groups: none of {} adds up anything ({} series); leave data.groups out, or name "
        "categories that several series share",
        fmt::join(names, ", "), grouped(bottom_)));
  }
}

void Summing::refuse_shifts(const Catalog& catalog) const {
  for (std::int64_t s = 1; s < bottom_; ++s) {
    if (catalog.axis().shift_of(s) == catalog.axis().shift_of(0)) continue;
    throw DataError(fmt::format(
        "data.groups: series '{}' and '{}' begin their steps at different times of the grid ({} "
        "and {}), so that they cannot be added up; set data.align = \"period\" and data.frequency",
        catalog.id(0), catalog.id(s), catalog.date(0, 0), catalog.date(s, 0)));
  }
}

void Summing::name_sums() {
  std::unordered_set<std::string_view> known(parts_.ids.begin(), parts_.ids.end());
  for (const std::string& id : ids_) {
    if (known.insert(id).second) continue;
    throw DataError(fmt::format(
        "data.groups: a sum is called '{}', and so is another series; give that one another id, or "
        "leave its level out",
        id));
  }
  parts_.ids.insert(parts_.ids.end(), ids_.begin(), ids_.end());
}

/// A sum has the steps of all its series, and the latest end.
void Summing::place_sums() {
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    std::int64_t first = std::numeric_limits<std::int64_t>::max(), end = -first, known = -first;
    bool over = true;
    for (const std::int32_t s : members_[i]) {
      if (length(s) == 0) continue;
      first = std::min(first, begin(s));
      end = std::max(end, begin(s) + length(s));
      if (parts_.history[at(s)] > 0) known = std::max(known, begin(s) + parts_.history[at(s)]);
      over = over && is_over(s);
    }
    const bool any = first <= end;
    parts_.first.push_back(any ? first : 0);
    parts_.offsets.push_back(parts_.offsets.back() + (any ? end - first : 0));
    parts_.history.push_back(any && known > first ? known - first : 0);
    if (!parts_.ended.empty()) parts_.ended.push_back(any && over ? 1 : 0);
    if (!parts_.axis.shift.empty()) parts_.axis.shift.push_back(parts_.axis.shift.front());
  }
}

/// Sums are stored as they are; those of the series stand target after target.
void Summing::add_offsets() {
  if (parts_.value_offset.empty()) return;
  std::vector<double> wider;
  for (int m = 0; m < targets_; ++m) {
    const auto own = parts_.value_offset.begin() + m * bottom_;
    wider.insert(wider.end(), own, own + bottom_);
    wider.resize(wider.size() + ids_.size(), 0);
  }
  parts_.value_offset = std::move(wider);
}

void Summing::add_channel(Channel& channel) {
  const bool target = channel.role == Role::target;
  const auto m = &channel - parts_.channels.data();
  channel.values.resize(at(parts_.offsets.back()), kNone);
  const auto S = bottom_ + std::ssize(ids_);
  std::vector<std::int64_t> missing(ids_.size(), 0), first_missing(ids_.size(), -1);
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t sum = bottom_; sum < S; ++sum) {
    const std::int64_t steps = target ? parts_.history[at(sum)] : length(sum), from = begin(sum);
    std::vector<double> total(at(steps), 0);
    std::vector<std::int32_t> count(at(steps), 0);
    for (const std::int32_t s : members(sum)) {
      const float* own = channel.values.data() + parts_.offsets[at(s)];
      const double offset =
          target && !parts_.value_offset.empty() ? parts_.value_offset[at(m * S + s)] : 0;
      const std::int64_t known = target ? parts_.history[at(s)] : length(s);
      const std::int64_t until =
          target && !is_over(s) && known > 0 ? from + steps : begin(s) + known;
      for (std::int64_t p = begin(s); p < until; ++p) {
        const float value = p < begin(s) + known ? own[p - begin(s)] : kNone;
        if (target || !std::isnan(value)) {
          total[at(p - from)] += static_cast<double>(value) + offset;
          ++count[at(p - from)];
        }
      }
    }
    float* out = channel.values.data() + parts_.offsets[at(sum)];
    for (std::int64_t t = 0; t < steps; ++t) {
      const double value = target ? total[at(t)] : total[at(t)] / count[at(t)];
      out[t] = static_cast<float>(value);
      if (!target || !std::isnan(value)) continue;
      if (missing[at(sum - bottom_)]++ == 0) first_missing[at(sum - bottom_)] = t;
    }
  }
  if (!target) return;
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    const std::int64_t sum = bottom_ + static_cast<std::int64_t>(i);
    missing_of_ += parts_.history[at(sum)];
    missing_ += missing[i];
    if (missing[i] == 0 || !example_.empty()) continue;
    const std::int64_t p = begin(sum) + first_missing[i];
    for (const std::int32_t s : members_[i]) {
      const std::int64_t t = p - begin(s);
      if (t < 0 || (t < parts_.history[at(s)] &&
                    !std::isnan(channel.values[at(parts_.offsets[at(s)] + t)]))) {
        continue;
      }
      if (t >= parts_.history[at(s)] && (is_over(s) || parts_.history[at(s)] == 0)) continue;
      example_ = fmt::format("{}, as {} has no value {}", ids_[i], parts_.ids[at(s)],
                             parts_.axis.text_of(p, s));
      break;
    }
  }
}

/// The place of the word for what differs, which is added where it is not there.
std::int32_t several_in(std::vector<std::string>& vocabulary) {
  const auto found = std::ranges::find(vocabulary, kSeveral);
  const auto place = static_cast<std::int32_t>(found - vocabulary.begin());
  if (found == vocabulary.end()) vocabulary.emplace_back(kSeveral);
  return place;
}

constexpr std::int32_t kDiffer = -1;

/// Code 0 is no word.
std::int32_t agreed(std::int32_t a, std::int32_t b) {
  if (a == 0 || b == 0) return a == 0 ? b : a;
  return a == b ? a : kDiffer;
}

void Summing::add_words(CategoryChannel& channel) {
  channel.codes.resize(at(parts_.offsets.back()), 0);
  const auto S = bottom_ + std::ssize(ids_);
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t sum = bottom_; sum < S; ++sum) {
    std::int32_t* out = channel.codes.data() + parts_.offsets[at(sum)];
    for (const std::int32_t s : members(sum)) {
      const std::int32_t* own = channel.codes.data() + parts_.offsets[at(s)];
      std::int32_t* to = out + (begin(s) - begin(sum));
      for (std::int64_t t = 0; t < length(s); ++t) to[t] = agreed(to[t], own[t]);
    }
  }
  const auto sums = std::span(channel.codes).subspan(at(parts_.offsets[at(bottom_)]));
  if (std::ranges::find(sums, kDiffer) == sums.end()) return;
  std::ranges::replace(sums, kDiffer, several_in(channel.vocabulary));
}

void Summing::add_means(StaticReal& real) {
  for (const auto& members : members_) {
    double total = 0, count = 0;
    for (const std::int32_t s : members) {
      const float value = real.values[at(s)];
      if (std::isnan(value)) continue;
      total += static_cast<double>(value);
      ++count;
    }
    real.values.push_back(static_cast<float>(total / count));
  }
}

void Summing::add_words(StaticCategory& category) {
  for (const auto& members : members_) {
    std::int32_t code = 0;
    for (const std::int32_t s : members) {
      code = agreed(code, category.codes[at(s)]);
      if (code == kDiffer) break;
    }
    category.codes.push_back(code == kDiffer ? several_in(category.vocabulary) : code);
  }
}

void Summing::tell_missing() {
  if (missing_ == 0) return;
  notes_.remarks.push_back(fmt::format(
      "{} of {} values of the sums (data.groups) are missing, because one of their series is (the "
      "first: {}); where a step without a value means 0, set data.gaps = \"zero\"",
      grouped(missing_), grouped(missing_of_), example_));
}

}  // namespace

Catalog with_sums(Catalog&& catalog, const std::vector<std::string>& groups, CatalogNotes& notes) {
  return Summing(std::move(catalog), groups, notes).result();
}

}  // namespace sluice
