#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "sluice/run/choice.hpp"

namespace sluice {
namespace {

std::string number(double x, int digits) {
  return std::isfinite(x) ? fmt::format("{:.{}f}", x, digits) : "-";
}

}  // namespace

std::vector<std::string> choice_lines(const Choice& choice) {
  std::vector<std::string> lines;
  if (choice.rows.empty()) return lines;
  lines.push_back(fmt::format("{:<38}{:>8}{:>10}{:>8}", "chosen by validation", choice.measure,
                              "wQL", "steps"));
  std::string before;
  for (const ChoiceRow& row : choice.rows) {
    lines.push_back(
        fmt::format("{:<16}{:<22}{:>8}{:>10}{:>8}{}", row.what == before ? "" : row.what, row.name,
                    number(row.score, 4), number(row.wql, 5),
                    row.steps > 0 ? fmt::format("{}", row.steps) : "-", row.kept ? "  <-" : ""));
    before = row.what;
  }
  lines.push_back(fmt::format("of {} forecast{}, in {:.1f} s", choice.windows,
                              choice.windows == 1 ? "" : "s", choice.seconds));
  return lines;
}

std::string choice_event(const Choice& choice, int refit) {
  const auto json_of = [](double x) {
    return std::isfinite(x) ? nlohmann::json(x) : nlohmann::json(nullptr);
  };
  nlohmann::json event = {{"event", "choice"},
                          {"measure", choice.measure},
                          {"windows", choice.windows},
                          {"seconds", choice.seconds},
                          {"rows", nlohmann::json::array()}};
  if (refit > 0) event["refit"] = refit;
  for (const ChoiceRow& row : choice.rows) {
    event["rows"].push_back({{"what", row.what},
                             {"name", row.name},
                             {"score", json_of(row.score)},
                             {"wql", json_of(row.wql)},
                             {"steps", row.steps},
                             {"kept", row.kept}});
  }
  return event.dump();
}

}  // namespace sluice
