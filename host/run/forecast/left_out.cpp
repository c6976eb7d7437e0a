#include "run/forecast/left_out.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "sluice/run/forecast.hpp"

namespace sluice {
namespace {

constexpr std::size_t kNamed = 3;

/// What is missing after one origin: the columns, the first step and how many steps.
class Missing {
 public:
  explicit Missing(std::int64_t steps) : steps_(static_cast<std::size_t>(steps), 0) {}

  /// `has(t)`: whether the column has a value at step t; steps begin at `first`. So many as
  /// `allowed` may lack one.
  template <typename Has>
  void look_at(const std::string& column, std::int64_t first, std::int64_t allowed,
               const Has& has) {
    std::vector<char> lacking(steps_.size(), 0);
    for (std::size_t k = 0; k < steps_.size(); ++k) {
      lacking[k] = has(first + static_cast<std::int64_t>(k)) ? 0 : 1;
    }
    if (std::count(lacking.begin(), lacking.end(), 1) <= allowed) return;
    columns_.push_back(column);
    for (std::size_t k = 0; k < steps_.size(); ++k) steps_[k] |= lacking[k];
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

/// How many of K steps ahead may lack a value of a column: twice as many as K steps of the past
/// (`past` of them in all) ever did. Beyond that a forecast would stand on inputs that no training
/// and no score has met.
template <typename Has>
std::int64_t may_lack(std::int64_t past, std::int64_t K, const Has& has) {
  std::int64_t most = 0, lacking = 0;
  for (std::int64_t t = 0; t < past; ++t) {
    lacking += has(t) ? 0 : 1;
    if (t >= K) lacking -= has(t - K) ? 0 : 1;
    most = std::max(most, lacking);
  }
  return 2 * most;
}

/// The same of numbers, which must not be missing all over the horizon where they never were so in
/// as many steps of the past.
template <typename Has>
std::int64_t numbers_may_lack(std::int64_t past, std::int64_t K, const Has& has) {
  const std::int64_t allowed = may_lack(past, K, has);
  return allowed == 2 * K ? K : std::min(allowed, K - 1);
}

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
    const std::int64_t allowed = rows ? numbers_may_lack(origin, K, has) : 0;
    missing.look_at(catalog.channels()[c].name, origin, allowed, has);
  }
  for (const CategoryChannelView& channel : catalog.categories()) {
    if (channel.role != Role::future) continue;
    const std::int32_t* codes = channel.codes.data() + catalog.offset(s);
    // An empty cell is how most files say "no event": a fortnight without one is no gap.
    const auto has = [&](std::int64_t t) { return t < length && codes[t] != 0; };
    missing.look_at(channel.name, origin, may_lack(origin, K, has), has);
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
