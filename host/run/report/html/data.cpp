#include "run/report/html/data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <numeric>
#include <string_view>

#include "base/text.hpp"
#include "run/report/html/sample.hpp"
#include "sluice/data/check.hpp"

namespace sluice::html {
namespace {

/// What bounds the file beside the sample of rows.
constexpr std::size_t kMostGroups = 12, kMostWords = 40, kMostLeftOut = 200, kMostReasons = 12,
                      kMostRemarks = 100, kMostCutoffs = 200;
constexpr int kTextColumns = 160;
constexpr double kQuantiles[] = {0, .05, .25, .5, .75, .95, 1};

/// Six digits are more than a chart shows; JSON has no NaN.
Json number(double value, int digits = 6) {
  if (!std::isfinite(value)) return nullptr;
  const double rounded = std::strtod(fmt::format("{:.{}g}", value, digits).c_str(), nullptr);
  if (rounded == std::floor(rounded) && std::abs(rounded) < 1e15)
    return static_cast<std::int64_t>(rounded);
  return rounded;
}

Json numbers(const std::vector<double>& values, int digits = 6) {
  Json out = Json::array();
  for (const double value : values) out.push_back(number(value, digits));
  return out;
}

std::string cut(const std::string& text) { return cut_to_width(text, kTextColumns); }

Json metrics_json(const Metrics& m) {
  return {{"points", m.points},       {"mae", number(m.mae)},     {"rmse", number(m.rmse)},
          {"wape", number(m.wape)},   {"bias", number(m.bias)},   {"mase", number(m.mase)},
          {"rmsse", number(m.rmsse)}, {"smape", number(m.smape)}, {"wql", number(m.wql)}};
}

Json slice_json(const Slice& slice) {
  return {{"points", slice.points},
          {"actual", number(slice.actual)},
          {"error", number(slice.signed_error)},
          {"absolute", numbers(slice.absolute)},
          {"covered", slice.covered}};
}

Json slices_json(const std::vector<Slice>& slices) {
  Json out = Json::array();
  for (const Slice& slice : slices) out.push_back(slice_json(slice));
  return out;
}

/// The words with the largest values, the most first; all others together are the last one.
Json group_json(const Group& group) {
  std::vector<std::size_t> order(group.words.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return group.slices[a].actual > group.slices[b].actual;
  });
  Json words = Json::array();
  Slice rest;
  std::int64_t rest_words = 0, rest_series = 0;
  for (const std::size_t w : order) {
    if (group.slices[w].points == 0) continue;
    if (words.size() < kMostWords) {
      words.push_back({{"word", cut(group.words[w])}, {"series", group.series[w]}});
      words.back().update(slice_json(group.slices[w]));
      continue;
    }
    rest.add(group.slices[w]);
    rest_series += group.series[w];
    ++rest_words;
  }
  Json out = {
      {"name", cut(group.name)}, {"words", std::move(words)}, {"of_targets", group.of_targets}};
  if (rest_words > 0) {
    out["rest"] = {{"words", rest_words}, {"series", rest_series}};
    out["rest"].update(slice_json(rest));
  }
  return out;
}

/// The simple method with the least error; 0: there is none.
std::size_t best_simple(const EvaluationReport& report, double Metrics::*error) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < report.methods.size(); ++i) {
    if (report.methods[i].of_model) continue;
    const double value = report.methods[i].total.*error;
    if (std::isfinite(value) && (best == 0 || value < report.methods[best].total.*error)) best = i;
  }
  return best;
}

/// Of points that are means, which have the least squared errors: by RMSSE beside the best there.
Json means_json(const EvaluationReport& report) {
  const std::size_t best = best_simple(report, &Metrics::rmsse);
  if (!std::isfinite(skill_of_means(report)) || best == 0) return nullptr;
  const double simple = report.methods[best].total.rmsse;
  return {{"name", report.methods[best].name},
          {"skill", number(1 - report.methods[0].total.rmsse / simple)}};
}

/// 1 - MAE / the best naive method's, of one row; NaN where that is without error.
double skill_of(const EvaluationReport& report, std::size_t best, std::size_t row) {
  const double naive = best == 0 ? 0 : report.methods[best].rows[row].mae;
  return naive > 0 ? 1 - report.methods[0].rows[row].mae / naive : std::nan("");
}

/// Values at kQuantiles, between neighbours in proportion.
Json quantiles_json(std::vector<double> values) {
  std::erase_if(values, [](double v) { return !std::isfinite(v); });
  std::sort(values.begin(), values.end());
  Json out = Json::array();
  for (const double q : kQuantiles) {
    if (values.empty()) {
      out.push_back(nullptr);
      continue;
    }
    const double at = q * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(at);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    const double share = at - static_cast<double>(below);
    out.push_back(number(values[below] * (1 - share) + values[above] * share));
  }
  return out;
}

Json rows_json(const EvaluationReport& report, std::size_t best) {
  const std::vector<Metrics>& rows = report.methods[0].rows;
  std::vector<double> skill, mase, wape, bias;
  std::int64_t better = 0, worse = 0;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    skill.push_back(skill_of(report, best, r));
    mase.push_back(rows[r].mase);
    wape.push_back(rows[r].wape);
    bias.push_back(rows[r].bias);
    const double naive = best == 0 ? std::nan("") : report.methods[best].rows[r].mae;
    better += rows[r].mae < naive ? 1 : 0;
    worse += rows[r].mae > naive ? 1 : 0;
  }
  Json table = Json::object();
  table["at"] = kQuantiles;
  table["skill"] = quantiles_json(std::move(skill));
  table["mase"] = quantiles_json(std::move(mase));
  table["wape"] = quantiles_json(std::move(wape));
  table["bias"] = quantiles_json(std::move(bias));
  return {{"count", rows.size()}, {"better", better}, {"worse", worse}, {"quantiles", table}};
}

/// Dates of steps, each run of them once: most series end together.
class Runs {
 public:
  std::size_t of(const Catalog& catalog, const ShownRow& row) {
    const std::int64_t count = std::ssize(row.actual), last = row.from + count - 1;
    std::string key = fmt::format("{} {} {}", catalog.time(row.series, row.from),
                                  catalog.time(row.series, last), count);
    const auto [at, fresh] = places_.try_emplace(std::move(key), dates_.size());
    if (fresh) {
      Json dates = Json::array();
      for (std::int64_t t = row.from; t <= last; ++t) dates.push_back(catalog.date(row.series, t));
      dates_.push_back(std::move(dates));
    }
    return at->second;
  }
  Json take() { return std::move(dates_); }

 private:
  std::map<std::string, std::size_t> places_;
  Json dates_ = Json::array();
};

/// Of the last forecast of a series' target: baseline, forecast and what each input adds, summed
/// over the horizon; null where it is not explained.
Json why_json(const Catalog& catalog, const HtmlContext& context, const ShownRow& shown) {
  if (context.contributions == nullptr) return nullptr;
  const Contributions& c = *context.contributions;
  const auto K = static_cast<std::size_t>(c.K), M = static_cast<std::size_t>(c.M);
  const std::size_t I = c.inputs.size(), m = static_cast<std::size_t>(shown.target);
  for (std::size_t r = 0; r < c.rows.size(); ++r) {
    const Forecasts& forecasts = *context.forecasts;
    const std::int64_t series = forecasts.series[c.rows[r]];
    if (series != shown.series) continue;
    double baseline = 0, forecast = 0;
    std::vector<double> totals(I, 0);
    for (std::size_t k = 0; k < K; ++k) {
      baseline += c.baseline[(r * K + k) * M + m];
      forecast += forecasts.point(c.rows[r], k, m);
      for (std::size_t i = 0; i < I; ++i) totals[i] += c.values[((r * K + k) * M + m) * I + i];
    }
    Json inputs = Json::array();
    for (std::size_t i = 0; i < I; ++i) {
      inputs.push_back({cut(c.inputs[i].input), c.inputs[i].part, number(totals[i])});
    }
    return {{"from", catalog.date(series, forecasts.cutoff[c.rows[r]])},
            {"baseline", number(baseline)},
            {"forecast", number(forecast)},
            {"inputs", std::move(inputs)}};
  }
  return nullptr;
}

Json series_json(const Catalog& catalog, const Tally& tally, const EvaluationReport& report,
                 std::size_t best, std::span<const std::int64_t> wanted, const HtmlContext& context,
                 Json& dates) {
  constexpr int kDigits = 7;
  const Ranking ranking = ranking_of(report);
  std::map<std::size_t, std::size_t> places;
  for (std::size_t i = 0; i < ranking.rows.size(); ++i) places[ranking.rows[i]] = i;
  Runs runs;
  Json rows = Json::array();
  for (const ShownRow& shown : shown_rows(catalog, tally, report, ranking, wanted)) {
    const Metrics& score = report.methods[0].rows[shown.row];
    Json row;
    row["id"] = cut(report.row_names[shown.row]);
    const auto place = places.find(shown.row);
    row["place"] = place == places.end() ? Json(nullptr) : Json(place->second + 1);
    row["mae"] = number(score.mae);
    row["mase"] = number(score.mase);
    row["wape"] = number(score.wape);
    row["bias"] = number(score.bias);
    row["skill"] = number(skill_of(report, best, shown.row));
    row["dates"] = runs.of(catalog, shown);
    row["actual"] = numbers(shown.actual, kDigits);
    row["begin"] = shown.forecast_from - shown.from;
    row["forecast"] = numbers(shown.forecast, kDigits);
    if (!tally.levels().empty()) {
      row["lower"] = numbers(shown.lower, kDigits);
      row["upper"] = numbers(shown.upper, kDigits);
    }
    if (Json why = why_json(catalog, context, shown); !why.is_null()) row["why"] = std::move(why);
    rows.push_back(std::move(row));
  }
  dates = runs.take();
  return {{"metric", ranking.metric}, {"ranked", ranking.rows.size()}, {"rows", std::move(rows)}};
}

/// "ended 2023-03-31, 5 steps before the others" -> "ended …, … steps before the others".
std::string kind_of(const std::string& reason) {
  std::string out;
  bool in_number = false;
  for (std::size_t i = 0; i < reason.size(); ++i) {
    const bool digit = reason[i] >= '0' && reason[i] <= '9';
    const bool inside = in_number && (reason[i] == '-' || reason[i] == ':' || reason[i] == '.') &&
                        i + 1 < reason.size() && reason[i + 1] >= '0' && reason[i + 1] <= '9';
    if (digit && !in_number) out += "…";
    in_number = digit || inside;
    if (!in_number) out += reason[i];
  }
  return out;
}

Json left_out_json(const std::vector<LeftOut>& left_out) {
  std::map<std::string, std::int64_t> kinds;
  for (const LeftOut& one : left_out) ++kinds[kind_of(one.reason)];
  std::vector<std::pair<std::int64_t, std::string>> sorted;
  for (const auto& [kind, count] : kinds) sorted.emplace_back(-count, kind);
  std::sort(sorted.begin(), sorted.end());
  Json reasons = Json::array(), series = Json::array();
  for (std::size_t i = 0; i < std::min(sorted.size(), kMostReasons); ++i)
    reasons.push_back({{"reason", cut(sorted[i].second)}, {"count", -sorted[i].first}});
  for (std::size_t i = 0; i < std::min(left_out.size(), kMostLeftOut); ++i)
    series.push_back({{"id", cut(left_out[i].id)}, {"reason", cut(left_out[i].reason)}});
  return {{"count", left_out.size()}, {"reasons", reasons}, {"series", series}};
}

Json data_json(const Catalog& catalog, const CatalogNotes& notes, const EvaluationReport& report) {
  const DataCheck check = check_catalog(catalog);
  std::int64_t ended = 0;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) ended += catalog.ended(s) ? 1 : 0;
  Json remarks = Json::array();
  for (std::size_t i = 0; i < std::min(notes.remarks.size(), kMostRemarks); ++i)
    remarks.push_back(cut_to_width(notes.remarks[i], 4 * kTextColumns));
  return {{"source", report.data},
          {"layout", notes.layout},
          {"frequency", report.frequency},
          {"series", check.series},
          {"steps", check.steps},
          {"first", check.first_date},
          {"last", check.last_date},
          {"shortest", check.shortest},
          {"longest", check.longest},
          {"median_length", number(check.median_length)},
          {"values", check.values},
          {"missing", check.missing},
          {"zeros", check.zeros},
          {"negatives", check.negatives},
          {"constant", check.constant_series},
          {"empty", check.empty_series},
          {"gap_steps", notes.gap_steps},
          {"gap_series", notes.gap_series},
          {"duplicates", notes.duplicate_rows},
          {"ended", ended},
          {"future", notes.future_coverage},
          {"statics", notes.static_coverage},
          {"remark_count", notes.remarks.size()},
          {"remarks", remarks},
          {"left_out", left_out_json(report.left_out)}};
}

std::string normal(const std::filesystem::path& path) { return path.lexically_normal().string(); }

Json training_json(const HtmlContext& context) {
  Json curves = Json::array();
  if (!context.log.empty()) {
    for (const TrainingCurve& curve : training_curves(context.log, context.model)) {
      curves.push_back({{"label", curve.label},
                        {"step", curve.step},
                        {"train", numbers(curve.train_loss)},
                        {"valid", numbers(curve.valid_loss)}});
    }
  }
  return {{"log", context.log.string()},
          {"wrote", context.log.empty() ? "" : normal(written_model(context.log, context.model))},
          {"model", normal(context.model)},
          {"curves", curves}};
}

/// Level by level: of each of the methods that are compared there, and their mean.
Json hierarchy_json(const EvaluationReport& report) {
  if (report.hierarchy.empty()) return nullptr;
  const auto shown = hierarchy_methods(report);
  Json methods = Json::array(), levels = Json::array();
  for (const auto& [method, head] : shown) methods.push_back(report.methods[method].name);
  for (const LevelReport& level : report.hierarchy) {
    Json scores = Json::array();
    for (const auto& [method, head] : shown) {
      const Metrics& total = level.totals[method];
      scores.push_back({{"wrmsse", number(level.wrmsse[method])},
                        {"rmsse", number(total.rmsse)},
                        {"mase", number(total.mase)},
                        {"wape", number(total.wape)}});
    }
    levels.push_back({{"name", level.name}, {"series", level.series}, {"scores", scores}});
  }
  return {{"methods", methods}, {"levels", levels}};
}

}  // namespace

Json page_data(const Catalog& catalog, const CatalogNotes& notes, const Tally& tally,
               const BacktestResult& result, const HtmlContext& context,
               std::span<const std::int64_t> wanted) {
  const EvaluationReport& report = result.report;
  const std::size_t best = best_simple(report, &Metrics::mae);
  Json out;
  out["language"] = result.chinese ? "zh" : "en";
  out["model"] = report.model;
  out["horizon"] = report.K;
  out["season"] = report.season;
  out["series"] = report.series;
  out["targets"] = catalog.count(Role::target);
  out["windows"] = report.windows;
  out["levels"] = tally.levels();
  out["train_seconds"] = number(report.train_seconds, 4);
  out["forecast_seconds"] = number(report.forecast_seconds, 4);
  out["cutoffs"] = Json::array();
  for (std::size_t i = 0; i < std::min(report.cutoffs.size(), kMostCutoffs); ++i)
    out["cutoffs"].push_back(report.cutoffs[i].last);
  if (!report.cutoffs.empty() && report.cutoffs.back().at_last < report.cutoffs.back().series) {
    const WindowCutoffs& last = report.cutoffs.back();
    out["early"] = {
        {"series", last.series - last.at_last}, {"all", last.series}, {"first", last.first}};
  }
  out["methods"] = Json::array();
  for (const MethodReport& method : report.methods) {
    out["methods"].push_back({{"name", method.name}, {"total", metrics_json(method.total)}});
    if (method.processor_seconds > 0)
      out["methods"].back()["processor_seconds"] = number(method.processor_seconds, 4);
  }
  out["hierarchy"] = hierarchy_json(report);
  out["best_naive"] = best;
  out["means"] = means_json(report);
  out["rows"] = rows_json(report, best);
  out["total"] = slice_json(tally.total());
  out["steps"] = slices_json(tally.steps());
  out["weekdays"] = slices_json(tally.weekdays());
  out["groups"] = Json::array();
  for (std::size_t i = 0; i < std::min(tally.groups().size(), kMostGroups); ++i)
    out["groups"].push_back(group_json(tally.groups()[i]));
  out["more_groups"] = tally.groups().size() - out["groups"].size();
  out["probabilities"] = tally.probabilities();
  out["below"] = tally.total().below;
  out["sample"] = series_json(catalog, tally, report, best, wanted, context, out["dates"]);
  out["training"] = training_json(context);
  out["data"] = data_json(catalog, notes, report);
  out["settings"] = context.settings;
  out["versions"] = context.versions;
  return out;
}

std::string script_json(const Json& data) {
  std::string out;
  for (const char c : data.dump(-1, ' ', false, Json::error_handler_t::replace)) {
    // All three stand inside of strings only.
    switch (c) {
      case '<':
        out += "\\u003c";
        break;
      case '>':
        out += "\\u003e";
        break;
      case '&':
        out += "\\u0026";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace sluice::html
