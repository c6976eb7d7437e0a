#include "run/calibration/partners.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "run/calibration/weights.hpp"
#include "sluice/run/metrics.hpp"

namespace sluice {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
/// A method fitted to fewer values says nothing that the network does not know.
constexpr std::ptrdiff_t kFewestValues = 5;
/// Windows that are forecast at once: work for all threads, memory for few.
constexpr std::size_t kChunk = 4096;

std::vector<std::string> fitted_names(std::span<const std::string> names) {
  std::vector<std::string> out;
  std::ranges::copy_if(names, std::back_inserter(out),
                       [](const std::string& name) { return name != kSeasonalNaive; });
  return out;
}

/// Of each cell of the forecasts.
std::size_t outputs_of(const ModelSpec& spec, std::span<const Window> windows,
                       const WindowForecasts& forecasts) {
  return forecasts.values.size() / (windows.size() * static_cast<std::size_t>(spec.K * spec.M));
}

/// The windows [begin, begin + windows.size()) of `forecasts`, of J outputs a cell; points
/// [windows, M, partners, K].
void move_some(std::span<const Partner> partners, const ModelSpec& spec, const Catalog& catalog,
               std::span<const Window> windows, std::span<const double> points, std::size_t begin,
               std::size_t J, std::size_t median, WindowForecasts& forecasts) {
  const auto K = static_cast<std::size_t>(spec.K), M = static_cast<std::size_t>(spec.M);
  const std::size_t P = partners.size();
  for (std::size_t i = 0; i < windows.size() * M; ++i) {
    const std::size_t n = begin + i / M, m = i % M;
    const double offset = catalog.value_offset(static_cast<int>(m), windows[i / M].series);
    for (std::size_t k = 0; k < K; ++k) {
      const std::size_t cell = (n * K + k) * M + m;
      float* q = forecasts.values.data() + cell * J;
      const auto own =
          static_cast<double>(forecasts.mean.empty() ? q[median] : forecasts.mean[cell]);
      double move = 0;
      for (std::size_t p = 0; p < P; ++p) {
        move += partner_part(partners[p].weight[k], points[(i * P + p) * K + k], own + offset);
      }
      const bool scaled = is_nonnegative(spec.loss) && own + offset > 0;
      const double ratio = scaled ? std::max(1 + move / (own + offset), 0.0) : 1;
      for (std::size_t j = 0; j < J; ++j) {
        const auto y = static_cast<double>(q[j]) + offset;
        q[j] = static_cast<float>((scaled ? y * ratio : y + move) - offset);
      }
      if (!forecasts.mean.empty()) forecasts.mean[cell] = static_cast<float>(own + move);
    }
  }
}

}  // namespace

int partner_history(int season) { return std::clamp(12 * season, 300, 1000); }

PartnerMethods::PartnerMethods(std::span<const std::string> names, int season, int K,
                               Workers workers)
    : names_(names.begin(), names.end()),
      rows_(fitted_names(names), season, K, workers),
      season_(season),
      K_(K) {
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (names_[i] != kSeasonalNaive) fitted_.push_back(i);
  }
}

std::string PartnerMethods::title(std::size_t method) const {
  const auto found = std::ranges::find(fitted_, method);
  if (found == fitted_.end()) return "seasonal naive";
  return rows_.title(static_cast<std::size_t>(found - fitted_.begin()));
}

std::vector<double> PartnerMethods::forecast(const Catalog& catalog,
                                             std::span<const Window> windows) {
  const auto K = static_cast<std::size_t>(K_), P = count();
  const auto M = static_cast<std::size_t>(catalog.count(Role::target));
  std::vector<SimpleHistory> histories;
  for (const Window& w : windows) {
    for (std::size_t m = 0; m < M; ++m) {
      const int target = static_cast<int>(m);
      auto past = catalog.values(target, w.series).first(static_cast<std::size_t>(w.origin + 1));
      const auto most = static_cast<std::size_t>(partner_history(season_));
      if (past.size() > most) past = past.last(most);
      const auto values =
          std::ranges::count_if(past, [](float value) { return !std::isnan(value); });
      if (values < kFewestValues) past = past.last(0);
      histories.push_back({past, catalog.value_offset(target, w.series)});
    }
  }
  std::vector<double> fitted(histories.size() * fitted_.size() * K);
  rows_.forecast(histories, fitted);
  std::vector<double> out(histories.size() * P * K, kNone);
  for (std::size_t i = 0; i < histories.size(); ++i) {
    for (std::size_t f = 0; f < fitted_.size(); ++f) {
      std::copy_n(fitted.begin() + static_cast<std::ptrdiff_t>((i * fitted_.size() + f) * K), K,
                  out.begin() + static_cast<std::ptrdiff_t>((i * P + fitted_[f]) * K));
    }
    if (fitted_.size() == P) continue;
    const std::vector<float> naive = naive_seasonal(histories[i].values, season_, K_);
    for (std::size_t p = 0; p < P; ++p) {
      if (names_[p] != kSeasonalNaive) continue;
      for (std::size_t k = 0; k < K; ++k) {
        out[(i * P + p) * K + k] = static_cast<double>(naive[k]) + histories[i].offset;
      }
    }
  }
  for (double& y : out) y = std::isfinite(y) ? y : kNone;
  return out;
}

void add_partners(std::span<const Partner> partners, const ModelSpec& spec, int season,
                  const Catalog& catalog, std::span<const Window> windows, std::size_t median,
                  WindowForecasts& forecasts, Workers workers) {
  if (partners.empty() || windows.empty()) return;
  std::vector<std::string> names;
  for (const Partner& partner : partners) names.push_back(partner.method);
  PartnerMethods methods(names, season, spec.K, workers);
  const std::size_t J = outputs_of(spec, windows, forecasts);
  for (std::size_t begin = 0; begin < windows.size(); begin += kChunk) {
    const auto chunk = windows.subspan(begin, std::min(kChunk, windows.size() - begin));
    move_some(partners, spec, catalog, chunk, methods.forecast(catalog, chunk), begin, J, median,
              forecasts);
  }
}

void add_partner_points(std::span<const Partner> partners, const ModelSpec& spec,
                        const Catalog& catalog, std::span<const Window> windows,
                        std::span<const double> points, std::size_t median,
                        WindowForecasts& forecasts) {
  if (partners.empty() || windows.empty()) return;
  move_some(partners, spec, catalog, windows, points, 0, outputs_of(spec, windows, forecasts),
            median, forecasts);
}

}  // namespace sluice
