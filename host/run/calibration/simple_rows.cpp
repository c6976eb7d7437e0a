// What two methods share is fitted once: the mean of ETS and Theta takes both from where they are.
#include "run/calibration/simple_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <optional>

#include "base/region_failure.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

using simple::Method;
using simple::SimpleForecast;

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// One series' forecasts, each made when first asked for, and the seconds that it took.
class Fitted {
 public:
  Fitted(std::span<const double> y, int season, int K) : y_(y), season_(season), K_(K) {}

  const SimpleForecast& of(Method method) {
    Entry& entry = entries_[static_cast<std::size_t>(method)];
    if (entry.forecast) return *entry.forecast;
    if (method == Method::ets_theta) {
      entry.forecast = simple::mean_of(of(Method::ets), of(Method::theta));
      entry.seconds = seconds(Method::ets) + seconds(Method::theta);
      return *entry.forecast;
    }
    const double start = thread_seconds();
    entry.forecast = simple::simple_forecast(method, y_, season_, K_);
    entry.seconds = thread_seconds() - start;
    return *entry.forecast;
  }
  double seconds(Method method) const { return entries_[static_cast<std::size_t>(method)].seconds; }

 private:
  struct Entry {
    std::optional<SimpleForecast> forecast;
    double seconds = 0;
  };
  std::span<const double> y_;
  int season_, K_;
  std::array<Entry, simple::kMethods.size()> entries_;
};

}  // namespace

SimpleRows::SimpleRows(std::span<const std::string> methods, int season, int K, Workers workers)
    : season_(season), K_(K), workers_(workers), seconds_(methods.size(), 0.0) {
  for (const std::string& name : methods) {
    const auto found = std::ranges::find(simple::kMethods, name, &simple::MethodName::key);
    if (found == simple::kMethods.end())
      throw InternalError(fmt::format("evaluate.methods: there is no '{}'", name));
    methods_.push_back(*found);
  }
}

void SimpleRows::one(const SimpleHistory& history, std::span<double> out,
                     std::span<double> seconds) const {
  std::vector<double> y;
  y.reserve(history.values.size());
  for (const float value : history.values) y.push_back(static_cast<double>(value) + history.offset);
  Fitted fitted(y, season_, K_);
  for (std::size_t i = 0; i < methods_.size(); ++i) {
    const SimpleForecast& forecast = fitted.of(methods_[i].method);
    std::ranges::copy(forecast.points, out.begin() + static_cast<std::ptrdiff_t>(i) * K_);
    seconds[i] += fitted.seconds(methods_[i].method);
  }
}

void SimpleRows::forecast(std::span<const SimpleHistory> histories, std::span<double> out) {
  const std::size_t width = methods_.size() * static_cast<std::size_t>(K_);
  if (out.size() != histories.size() * width)
    throw InternalError(fmt::format("simple methods: room for {} forecasts of {} x {}", out.size(),
                                    histories.size(), width));
  if (methods_.empty()) return;
  const std::int64_t rows = std::ssize(histories);
  const Share own = share_of(rows, workers_);
  RegionFailure failure;
#pragma omp parallel
  {
    std::vector<double> seconds(methods_.size(), 0.0);
    // A series may take a hundred times as long as the next one.
#pragma omp for schedule(dynamic)
    for (std::int64_t r = own.begin; r < own.end; ++r) {
      const auto at = static_cast<std::size_t>(r);
      failure.keep([&] { one(histories[at], out.subspan(at * width, width), seconds); });
    }
#pragma omp critical(simple_rows_seconds)
    std::ranges::transform(seconds, seconds_, seconds_.begin(), std::plus<>());
  }
  failure.rethrow();
  join_shares(out, rows, workers_);
}

}  // namespace sluice
