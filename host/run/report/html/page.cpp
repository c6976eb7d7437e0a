// The page: a frame of HTML, style and script from files beside this one, the numbers as JSON. All
// that comes from a user is in that JSON, and the script sets it as text, never as HTML.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/output_file.hpp"
#include "run/config/named_series.hpp"
#include "run/report/html/assets.hpp"
#include "run/report/html/data.hpp"
#include "run/report/html/sample.hpp"
#include "run/report/html/tally.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/html_report.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {

struct HtmlReport::Parts {
  const Catalog& catalog;
  const CatalogNotes& notes;
  html::Tally tally;
  std::vector<std::int64_t> wanted;  ///< series of evaluate.show
};

namespace {

/// The scores of all methods, for where no script runs.
std::string scores(const EvaluationReport& report) {
  const auto cell = [](double value, double scale, std::string_view unit) {
    return std::isfinite(value) ? fmt::format("<td>{:.4g}{}</td>", scale * value, unit)
                                : std::string("<td>–</td>");
  };
  std::string out =
      fmt::format("<h1>{}</h1>\n<table><tr><th></th><th>MAE</th><th>WAPE</th><th>bias",
                  html::escaped(report.data));
  out += "</th></tr>\n";
  for (const MethodReport& method : report.methods) {
    out += fmt::format("<tr><th>{}</th>{}{}{}</tr>\n", html::escaped(method.name),
                       cell(method.total.mae, 1, ""), cell(method.total.wape, 100, "%"),
                       cell(method.total.bias, 100, "%"));
  }
  return out + "</table>\n";
}

}  // namespace

HtmlReport::HtmlReport(const Catalog& catalog, const CatalogNotes& notes, const Config& config)
    : parts_(std::make_unique<Parts>(
          Parts{catalog, notes,
                html::Tally(catalog, notes.id_columns, level_quantiles(config.forecast.levels),
                            config.forecast.levels),
                named_series(catalog, config.evaluate.show, "evaluate.show")})) {}

HtmlReport::~HtmlReport() = default;

void HtmlReport::add(const ScoredRow& row) { parts_->tally.add(row); }

std::vector<std::string> HtmlReport::explained(const BacktestResult& result) const {
  std::vector<std::string> ids;
  for (const std::int64_t series :
       html::explained_series(parts_->catalog, parts_->tally, result.report, parts_->wanted)) {
    ids.push_back(parts_->catalog.id(series));
  }
  return ids;
}

std::string HtmlReport::page(const BacktestResult& result, const HtmlContext& context) const {
  const html::Json data = html::page_data(parts_->catalog, parts_->notes, parts_->tally, result,
                                          context, parts_->wanted);
  const bool chinese = result.chinese;
  // Nothing may be loaded, nor sent by a form, whatever mistake were in this page.
  constexpr std::string_view kPolicy =
      "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
      "base-uri 'none'; form-action 'none'";
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<title>{}: {}</title>\n",
      chinese ? "zh" : "en", kPolicy, chinese ? "预测报告" : "Forecast report",
      html::escaped(result.report.data));
  const auto add = [&](std::string_view open, std::string_view text, std::string_view close) {
    out.append(open).append(text).append(close);
  };
  add("<style>\n", html::kDygraphsStyle, "\n");
  add("", html::kPageStyle, "</style>\n</head>\n<body>\n");
  add("<noscript><main><p>",
      chinese
          ? "此处（例如邮件的预览）未启用 JavaScript，只能显示得分。请保存此文件并用浏览器打开，"
            "即可看到图表与说明；本页不加载任何外部内容。"
          : "JavaScript is off here, as in a mail's preview, so there are the scores alone. Save "
            "this file and open it in a browser for its charts and words; it loads nothing from "
            "anywhere.",
      "</p>\n" + scores(result.report) + "</main></noscript>\n<main id=\"page\"></main>\n");
  add("<script type=\"application/json\" id=\"data\">", html::script_json(data), "</script>\n");
  add("<pre id=\"licence\" hidden>", html::escaped(html::kDygraphsLicence), "</pre>\n");
  add("<script>\n", html::kDygraphsScript, "\n</script>\n");
  add("<script>\n", html::kPageWords, "\n");
  add("", html::kPageCharts, "\n");
  add("", html::kPageScript, "</script>\n</body>\n</html>\n");
  return out;
}

void HtmlReport::write(const std::filesystem::path& path, const BacktestResult& result,
                       const HtmlContext& context) const {
  OutputFile file(path, "path.html");
  file.write(page(result, context));
  file.commit();
}

}  // namespace sluice
