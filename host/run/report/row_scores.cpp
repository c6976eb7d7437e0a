// The report's rows as a table: one line a row and method, for catalogues of any size.
#include <fmt/core.h>

#include <limits>

#include "run/provenance/table_notes.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/table.hpp"
#include "sluice/run/report.hpp"

namespace sluice {
namespace {

OutputColumn named(std::string name) {
  OutputColumn column;
  column.name = std::move(name);
  return column;
}

}  // namespace

void write_row_scores(const EvaluationReport& report, const std::filesystem::path& path) {
  OutputColumn name = named("row"), method = named("method"), points = named("points");
  name.text = report.row_names;
  struct Field {
    const char* name;
    double Metrics::*value;
  };
  static constexpr Field kFields[] = {
      {"mae", &Metrics::mae},   {"rmse", &Metrics::rmse},   {"smape", &Metrics::smape},
      {"mase", &Metrics::mase}, {"rmsse", &Metrics::rmsse}, {"wape", &Metrics::wape},
      {"bias", &Metrics::bias}, {"wql", &Metrics::wql},     {"nmse", &Metrics::nmse}};
  std::vector<OutputColumn> scores;
  for (const Field& field : kFields) scores.push_back(named(field.name));
  for (const double level : report.levels)
    scores.push_back(named(fmt::format("coverage_{:g}", level)));

  for (std::size_t m = 0; m < report.methods.size(); ++m) {
    const auto& rows = report.methods[m].rows;
    if (rows.size() != report.row_names.size())
      throw InternalError(fmt::format("report: {} row names, but {} rows of '{}'",
                                      report.row_names.size(), rows.size(),
                                      report.methods[m].name));
    method.text.push_back(report.methods[m].name);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      name.codes.push_back(static_cast<std::int32_t>(r));
      method.codes.push_back(static_cast<std::int32_t>(m));
      points.integers.push_back(rows[r].points);
      std::size_t c = 0;
      for (const Field& field : kFields) scores[c++].numbers.push_back(rows[r].*field.value);
      for (std::size_t i = 0; i < report.levels.size(); ++i)
        scores[c++].numbers.push_back(i < rows[r].coverage.size()
                                          ? rows[r].coverage[i]
                                          : std::numeric_limits<double>::quiet_NaN());
    }
  }
  std::vector<OutputColumn> columns = {std::move(name), std::move(method), std::move(points)};
  for (OutputColumn& column : scores) columns.push_back(std::move(column));
  write_table(path, columns, notes_of(report.provenance));
}

}  // namespace sluice
