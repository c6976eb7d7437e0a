#include "sluice/run/contributions.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "run/calibration/distribution.hpp"
#include "run/calibration/partners.hpp"
#include "run/calibration/weights.hpp"
#include "run/channels.hpp"
#include "run/config/named_series.hpp"
#include "run/engine_setup.hpp"
#include "run/forecast/input_names.hpp"
#include "run/forecast/match.hpp"
#include "run/provenance/table_notes.hpp"
#include "sluice/base/error.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

/// Windows that an engine explains before their groups are put together: there may be many groups.
constexpr std::size_t kWindows = 128;

/// An engine for the forecasts' series, and what of it must stay.
struct Explainer {
  SeriesScaling scaling;
  std::unique_ptr<Engine> engine;

  Explainer(const Model& model, const Catalog& catalog, const Config& config,
            const Forecasts& forecasts) {
    std::vector<std::int64_t> cutoff(static_cast<std::size_t>(catalog.series_count()), -1);
    for (std::size_t r = 0; r < forecasts.series.size(); ++r) {
      if (is_new(forecasts, r)) continue;
      cutoff[static_cast<std::size_t>(forecasts.series[r])] = forecasts.cutoff[r];
    }
    scaling = match_scaling(model, catalog, cutoff);
    EngineSetup setup = engine_setup_of(model, catalog, scaling, config.engine);
    setup.batch = static_cast<int>(kWindows);
    const bool automatic = config.engine.device == "auto";
    engine = make_engine(automatic ? "cpu" : config.engine.device, setup);
  }

  static bool is_new(const Forecasts& forecasts, std::size_t r) {
    return !forecasts.new_item.empty() && forecasts.new_item[r] != 0;
  }

  AttributionSettings settings(const Model& model, int points) const {
    AttributionSettings out{.points = points};
    const ModelSpec& spec = model.spec;
    if (!is_distribution(spec.loss)) return out;
    // The forecast is the mean, or the median of what has none (Forecasts::point).
    out.point = [this, &spec](std::int32_t s, int m, std::span<const double> given) {
      const StoredDistribution distribution(spec, given, scaling, m, s);
      return has_mean(spec) ? distribution.mean() : distribution.quantile(0.5);
    };
    return out;
  }
};

/// What becomes of the network's forecasts before they are a file's.
class AfterNetwork {
 public:
  AfterNetwork(const Model& model, const Catalog& catalog, const Forecasts& forecasts,
               std::span<const Window> windows)
      : model_(model), forecasts_(forecasts) {
    if (model.partners.empty()) return;
    std::vector<std::string> names;
    for (const Partner& partner : model.partners) names.push_back(partner.method);
    PartnerMethods methods(names, season_of(model.config, catalog.frequency()), forecasts.K);
    points_ = methods.forecast(catalog, windows);
  }

  /// What partners that have a forecast of step k and target m of window r take of it.
  double share(std::size_t r, std::size_t k, std::size_t m) const {
    double sum = 0;
    each_partner(r, k, m, [&](double weight, double) { sum += weight; });
    return sum;
  }
  /// And by how much they move `network`, which is in the units of the file.
  double move(std::size_t r, std::size_t k, std::size_t m, double network) const {
    double sum = 0;
    each_partner(r, k, m,
                 [&](double weight, double y) { sum += partner_part(weight, y, network); });
    return sum;
  }
  /// By how much reconciliation moves what is `mixed` of both, cut at 0 where that is done.
  double adding_up(std::size_t row, std::size_t k, std::size_t m, double mixed) const {
    const std::size_t targets = at(forecasts_.M);
    const bool cut =
        !forecasts_.nonnegative.empty() && forecasts_.nonnegative[row * targets + m] != 0;
    return forecasts_.point(row, k, m) - (cut ? std::max(mixed, 0.0) : mixed);
  }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  template <typename Use>
  void each_partner(std::size_t r, std::size_t k, std::size_t m, const Use& use) const {
    const std::size_t P = model_.partners.size();
    for (std::size_t p = 0; p < P; ++p) {
      const double y = points_[((r * at(forecasts_.M) + m) * P + p) * at(forecasts_.K) + k];
      if (!std::isnan(y)) use(model_.partners[p].weight[k], y);
    }
  }

  const Model& model_;
  const Forecasts& forecasts_;
  std::vector<double> points_;  ///< [windows, M, P, K]
};

std::vector<int> blocks_of(const Config& config, const Catalog& catalog) {
  if (!config.explanation.blocks) return usual_blocks(catalog.frequency());
  std::vector<int> blocks = *config.explanation.blocks;
  if (!std::ranges::is_sorted(blocks, std::less_equal())) {
    throw ConfigError(
        "explanation.blocks: each block ends after the one before it; give ascending steps, as in "
        "[7, 28]");
  }
  return blocks;
}

}  // namespace

void check_explanation(const Model& model, const Catalog& catalog, const Config& config) {
  const std::string& device = config.engine.device;
  if (device != "auto" && device != "cpu") {
    throw ConfigError(
        fmt::format("path.explanation: explanations are made on the CPU, and engine.device is "
                    "\"{}\"; set it to "
                    "\"cpu\"",
                    device));
  }
  if (model.spec.carry_state) {
    throw ConfigError(
        "path.explanation: the model carries its state from window to window, and such a forecast "
        "cannot be explained; train with network.carry_state = false");
  }
  if (model.spec.is_recursive()) {
    throw ConfigError(
        "path.explanation: the model forecasts by sample paths (network.decoding = \"recursive\"), "
        "of which there are no contributions; train with network.decoding = \"direct\"");
  }
  named_series(catalog, config.explanation.series, "explanation.series");
  blocks_of(config, catalog);
}

Contributions contributions_of(const Model& model, const Catalog& catalog, const Config& config,
                               const Forecasts& forecasts) {
  check_explanation(model, catalog, config);
  check_channels(model, catalog);
  Contributions out;
  out.K = forecasts.K, out.M = forecasts.M;
  std::vector<char> wanted(static_cast<std::size_t>(catalog.series_count()),
                           config.explanation.series.empty() ? 1 : 0);
  for (const std::int64_t s :
       named_series(catalog, config.explanation.series, "explanation.series")) {
    wanted[static_cast<std::size_t>(s)] = 1;
  }
  std::vector<Window> windows;
  std::vector<char> has(wanted.size(), 0);
  for (std::size_t r = 0; r < forecasts.series.size(); ++r) {
    const auto s = static_cast<std::size_t>(forecasts.series[r]);
    if (wanted[s] == 0 || Explainer::is_new(forecasts, r)) continue;
    has[s] = 1;
    out.rows.push_back(r);
    windows.push_back({.origin = forecasts.cutoff[r] - 1, .series = forecasts.series[r]});
  }
  out.without = std::ranges::count(wanted, 1) - std::ranges::count(has, 1);
  if (windows.empty()) {
    throw DataError(
        "there is nothing to explain: none of the series has a history and a forecast; name "
        "others in explanation.series");
  }

  const InputNames names(model.spec, catalog, blocks_of(config, catalog));
  out.inputs = names.names();
  const std::size_t own_inputs = out.inputs.size();  // the network's
  const bool mixes = !model.partners.empty(), adds_up = !forecasts.coherent.empty();
  if (mixes) out.inputs.push_back({"simple methods", ""});
  if (adds_up) out.inputs.push_back({"adding up", ""});
  out.inputs.push_back({"rest", ""});
  const std::size_t I = out.inputs.size(), G = static_cast<std::size_t>(names.groups().count);
  const std::size_t KM = static_cast<std::size_t>(out.K * out.M),
                    M = static_cast<std::size_t>(out.M);
  out.values.assign(windows.size() * KM * I, 0);
  out.baseline.assign(windows.size() * KM, 0);
  std::vector<double> network(windows.size() * KM,
                              0);  // forecasts, before the rest is done to them
  const Explainer explainer(model, catalog, config, forecasts);
  const AttributionSettings settings = explainer.settings(model, config.explanation.points);
  const double share = 1 / static_cast<double>(model.members.size());
  for (const std::vector<float>& params : model.members) {
    explainer.engine->set_evaluation_params(params);
    for (std::size_t begin = 0; begin < windows.size(); begin += kWindows) {
      const auto part =
          std::span(windows).subspan(begin, std::min(kWindows, windows.size() - begin));
      Attributions of = explainer.engine->attribute(part, names.groups(), settings);
      for (double& contribution : of.contribution) contribution *= share;
      for (std::size_t i = 0; i < part.size() * KM; ++i) {
        const std::size_t cell = begin * KM + i;
        names.fold(static_cast<int>(i % KM / M), std::span(of.contribution).subspan(i * G, G),
                   std::span(out.values).subspan(cell * I, I));
        out.baseline[cell] += share * of.baseline[i];
        network[cell] += share * of.forecast[i];
      }
    }
  }

  const AfterNetwork after(model, catalog, forecasts, windows);
  for (std::size_t r = 0; r < windows.size(); ++r) {
    for (std::size_t i = 0; i < KM; ++i) {
      const std::size_t cell = r * KM + i, k = i / M, m = i % M, row = out.rows[r];
      const std::span inputs = std::span(out.values).subspan(cell * I, I);
      const double sum = std::accumulate(inputs.begin(), inputs.end(), 0.0);
      const double all = network[cell] - out.baseline[cell];
      out.moved += std::abs(all);
      out.rounding += std::abs(all - sum);
      const double own = 1 - after.share(r, k, m);
      for (double& contribution : inputs) contribution *= own;
      const double offset = forecasts.offset.empty() ? 0 : forecasts.offset[row * M + m];
      out.baseline[cell] += offset;
      // From the baseline to the network's part, from there to the mean, and to what adds up.
      const double y = network[cell] + offset, moved = after.move(r, k, m, y);
      std::size_t next = own_inputs;
      if (mixes) inputs[next++] = moved + (1 - own) * all;
      if (adds_up) inputs[next++] = after.adding_up(row, k, m, y + moved);
      inputs.back() = forecasts.point(row, k, m) -
                      std::accumulate(inputs.begin(), inputs.end() - 1, out.baseline[cell]);
    }
  }
  return out;
}

std::vector<OutputColumn> contribution_columns(const Catalog& catalog, const Forecasts& forecasts,
                                               const Contributions& contributions) {
  OutputColumn id{.name = "unique_id", .text = catalog.ids()}, target{.name = "target"},
      input{.name = "input"}, part{.name = "part"}, contribution{.name = "contribution"},
      forecast{.name = "forecast"}, baseline{.name = "baseline"};
  for (int m = 0; m < contributions.M; ++m) target.text.push_back(catalog.target(m).name);
  for (const InputName& name : contributions.inputs) {
    input.text.push_back(name.input);
    part.text.push_back(name.part);
  }
  std::vector<Timestamp> times;
  const auto K = static_cast<std::size_t>(contributions.K),
             M = static_cast<std::size_t>(contributions.M), I = contributions.inputs.size();
  for (std::size_t r = 0; r < contributions.rows.size(); ++r) {
    const std::size_t row = contributions.rows[r];
    const std::int32_t s = forecasts.series[row];
    for (std::size_t m = 0; m < M; ++m) {
      for (std::size_t k = 0; k < K; ++k) {
        const std::size_t cell = (r * K + k) * M + m;
        for (std::size_t i = 0; i < I; ++i) {
          id.codes.push_back(s);
          times.push_back(catalog.time(s, forecasts.cutoff[row] + static_cast<std::int64_t>(k)));
          if (M > 1) target.codes.push_back(static_cast<std::int32_t>(m));
          input.codes.push_back(static_cast<std::int32_t>(i));
          part.codes.push_back(static_cast<std::int32_t>(i));
          contribution.numbers.push_back(contributions.values[cell * I + i]);
          forecast.numbers.push_back(forecasts.point(row, k, m));
          baseline.numbers.push_back(contributions.baseline[cell]);
        }
      }
    }
  }
  std::vector<OutputColumn> columns;
  columns.push_back(std::move(id));
  columns.push_back(time_column(catalog.axis(), "ds", std::move(times)));
  if (M > 1) columns.push_back(std::move(target));
  for (OutputColumn* column : {&input, &part, &contribution, &forecast, &baseline}) {
    columns.push_back(std::move(*column));
  }
  return columns;
}

void write_contributions(const std::filesystem::path& path, const Catalog& catalog,
                         const Forecasts& forecasts, const Contributions& contributions,
                         const Provenance& from) {
  write_table(path, contribution_columns(catalog, forecasts, contributions), notes_of(from));
}

std::string contributions_text(const Contributions& c) {
  const double missed = c.moved > 0 ? 100 * c.rounding / c.moved : 0;
  return fmt::format(
      "{} series{}; the integrals miss {:.2g} % of what they add up to", c.rows.size(),
      c.without == 0 ? "" : fmt::format(", {} without history or forecast left out", c.without),
      missed);
}

}  // namespace sluice
