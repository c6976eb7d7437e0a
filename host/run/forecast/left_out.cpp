#include "run/forecast/left_out.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/prefetch.hpp"
#include "sluice/run/forecast.hpp"

namespace sluice {
namespace {

constexpr std::size_t kNamed = 3;

/// What is missing after one origin: the columns, the first step and how many steps.
class Missing {
 public:
  explicit Missing(std::int64_t steps) : steps_(static_cast<std::size_t>(steps), 0) {}

  /// `has(t)`: whether the column has a value at step t; steps begin at `first`. With
  /// `may_lack(n)` n of them may be without one; it is asked for no n of 0.
  template <typename Has, typename MayLack>
  void look_at(const std::string& column, std::int64_t first, const Has& has,
               const MayLack& may_lack) {
    std::vector<std::size_t> lacking;
    for (std::size_t k = 0; k < steps_.size(); ++k) {
      if (!has(first + static_cast<std::int64_t>(k))) lacking.push_back(k);
    }
    if (lacking.empty() || may_lack(std::ssize(lacking))) return;
    columns_.push_back(column);
    for (const std::size_t k : lacking) steps_[k] = 1;
  }

  std::string text(const Catalog& catalog, const Window& w) const {
    if (columns_.empty()) return {};
    const auto first = std::find(steps_.begin(), steps_.end(), 1) - steps_.begin();
    const auto count = std::count(steps_.begin(), steps_.end(), 1);
    std::string what = fmt::format("{}", fmt::join(columns_, ", "));
    if (columns_.size() > kNamed) {
      what =
          fmt::format("{} and {} more columns",
                      fmt::join(columns_.begin(), columns_.begin() + 2, ", "), columns_.size() - 2);
    }
    std::string text =
        fmt::format("no {} for {}", what, catalog.date(w.series, w.origin + 1 + first));
    if (count > 1) text += fmt::format(" and {} later step{}", count - 1, count > 2 ? "s" : "");
    return text;
  }

 private:
  std::vector<char> steps_;
  std::vector<std::string> columns_;
};

/// Whether as many as `count` of K steps in a row ever lacked a value, among the first `past`.
template <typename Has>
bool has_lacked(std::int64_t past, std::int64_t K, std::int64_t count, const Has& has) {
  std::int64_t lacking = 0;
  for (std::int64_t t = 0; t < past; ++t) {
    lacking += has(t) ? 0 : 1;
    if (t >= K) lacking -= has(t - K) ? 0 : 1;
    if (lacking >= count) return true;
  }
  return false;
}

/// So many of K steps ahead may lack a value of a column as are twice what K steps of the past ever
/// did: this is how many those have to be. Beyond it a forecast would stand on inputs that no
/// training and no score has met.
std::int64_t of_past(std::int64_t lacking) { return (lacking + 1) / 2; }

}  // namespace

std::string no_value_before(const Catalog& catalog, const Window& w) {
  std::vector<std::string> empty;
  const int M = catalog.count(Role::target);
  for (int m = 0; m < M; ++m) {
    const auto past = catalog.values(m, w.series).first(static_cast<std::size_t>(w.origin + 1));
    if (std::all_of(past.begin(), past.end(), [](float y) { return std::isnan(y); })) {
      empty.push_back(catalog.target(m).name);
    }
  }
  if (empty.empty()) return {};
  const std::string of =
      std::ssize(empty) == M ? "" : fmt::format(" of {}", fmt::join(empty, ", "));
  return fmt::format("no value{} before {}", of, catalog.date(w.series, w.origin + 1));
}

WithoutLogarithm without_logarithm(const Catalog& catalog, const SeriesScaling& scaling,
                                   const Window& w, int T) {
  WithoutLogarithm out;
  const auto first = static_cast<std::size_t>(std::max<std::int64_t>(0, w.origin + 1 - T));
  for (int m = 0; m < catalog.count(Role::target); ++m) {
    const auto values = catalog.values(m, w.series).first(static_cast<std::size_t>(w.origin + 1));
    const float lowest = scaling.offset_of(m, w.series);
    std::int64_t known = 0, without = 0;
    for (const float y : values.subspan(first)) {
      known += std::isnan(y) ? 0 : 1;
      without += y <= lowest ? 1 : 0;
    }
    if (without == 0) continue;
    constexpr std::int64_t kFew = 10;  // one of so many
    out.many = out.many || without * kFew > known;
    out.text += fmt::format("{}{} of the last {} values of {} {} not above {:.10g}",
                            out.text.empty() ? "" : ", ", without, known, catalog.target(m).name,
                            without == 1 ? "is" : "are",
                            static_cast<double>(lowest) + catalog.value_offset(m, w.series));
  }
  return out;
}

void prefetch_looks(const Catalog& catalog, const Window& w, int K) {
  const std::int64_t s = w.series, begin = w.origin + 1;
  const std::int64_t count = std::min<std::int64_t>(K, catalog.length(s) - begin);
  const auto ask_for = [&](const auto& values, Role role) {
    const auto at = static_cast<std::size_t>(catalog.offset(s));
    if (role == Role::target) prefetch(values.subspan(at, begin > 0 ? 1 : 0));
    if (role != Role::future || count <= 0) return;
    prefetch(values.subspan(at + static_cast<std::size_t>(begin), static_cast<std::size_t>(count)));
  };
  for (const ChannelView& channel : catalog.channels()) ask_for(channel.values, channel.role);
  for (const CategoryChannelView& words : catalog.categories()) ask_for(words.codes, words.role);
}

std::string missing_future(const Catalog& catalog, const Window& w, int K) {
  Missing missing(K);
  const std::int64_t s = w.series, length = catalog.length(s);
  const std::int64_t origin = w.origin + 1;
  for (std::size_t c = 0; c < catalog.channels().size(); ++c) {
    if (catalog.channels()[c].role != Role::future) continue;
    const auto values = catalog.values(static_cast<int>(c), s);
    const auto has = [&](std::int64_t t) {
      return t < length && !std::isnan(values[static_cast<std::size_t>(t)]);
    };
    const bool rows = origin + K <= length;
    // Numbers must not be missing all over the horizon where they never were so before.
    missing.look_at(catalog.channels()[c].name, origin, has, [&](std::int64_t lacking) {
      return rows && has_lacked(origin, K, lacking < K ? of_past(lacking) : K, has);
    });
  }
  for (const CategoryChannelView& channel : catalog.categories()) {
    if (channel.role != Role::future) continue;
    const std::int32_t* codes = channel.codes.data() + catalog.offset(s);
    // An empty cell is how most files say "no event": a fortnight without one is no gap.
    const auto has = [&](std::int64_t t) { return t < length && codes[t] != 0; };
    missing.look_at(channel.name, origin, has, [&](std::int64_t lacking) {
      return has_lacked(origin, K, of_past(lacking), has);
    });
  }
  return missing.text(catalog, w);
}

std::string future_columns(const Catalog& catalog, const CatalogNotes& notes) {
  std::vector<std::string> names = notes.id_columns;
  names.insert(names.end(), notes.time_columns.begin(), notes.time_columns.end());
  for (const ChannelView& channel : catalog.channels()) {
    if (channel.role == Role::future) names.push_back(channel.name);
  }
  for (const CategoryChannelView& channel : catalog.categories()) {
    if (channel.role == Role::future) names.push_back(channel.name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

WithoutAhead without_ahead(const Catalog& catalog, int K) {
  WithoutAhead out;
  for (std::int64_t s = 0; s < catalog.bottom_count(); ++s) {
    if (catalog.history(s) == 0 || catalog.ended(s)) continue;
    ++out.of;
    const std::string reason = missing_future(
        catalog, {.origin = catalog.history(s) - 1, .series = static_cast<std::int32_t>(s)}, K);
    if (reason.empty() || out.count++ > 0) continue;
    out.first = fmt::format("{}: {}", catalog.id(s), reason);
  }
  return out;
}

std::string left_out_text(const std::vector<LeftOut>& left_out) {
  if (left_out.empty()) return {};
  std::string text = fmt::format("{} series left out: ", left_out.size());
  for (std::size_t i = 0; i < std::min(kNamed, left_out.size()); ++i) {
    text += fmt::format("{}{} ({})", i == 0 ? "" : ", ", left_out[i].id, left_out[i].reason);
  }
  return text + (left_out.size() > kNamed ? ", ..." : "");
}

std::string without_logarithm_text(const Forecasts& forecasts) {
  const auto& series = forecasts.without_logarithm;
  if (series.empty()) return {};
  return fmt::format(
      "{} series: the model in log space takes values without a logarithm for missing (first: {}, "
      "{}); where they are real, train with network.space = \"linear\"",
      series.size(), series.front().id, series.front().reason);
}

std::string remarks_text(const Forecasts& forecasts) {
  std::string text;
  const auto items = std::count(forecasts.new_item.begin(), forecasts.new_item.end(), 1);
  if (items > 0) text += fmt::format("; {} of them without history, by similar series", items);
  if (!forecasts.left_out.empty()) text += "; " + left_out_text(forecasts.left_out);
  return text;
}

}  // namespace sluice
