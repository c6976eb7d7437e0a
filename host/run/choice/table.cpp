#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "sluice/run/choice.hpp"

namespace sluice {
namespace {

std::string number(double x, int digits, int width) {
  return std::isfinite(x) ? in_column(x, digits, width) : fmt::format("{:>{}}", "-", width);
}

/// " (ETS + Theta, ETS, Theta: of 640)": of which rows fewer forecasts are known.
std::string fewer_text(const Choice& choice) {
  std::vector<std::string> names;
  std::int64_t fewer = choice.windows;
  for (const ChoiceRow& row : choice.rows) {
    if (row.windows == choice.windows) continue;
    names.push_back(row.name);
    fewer = row.windows;
  }
  return names.empty() ? "" : fmt::format(" ({}: of {})", fmt::join(names, ", "), fewer);
}

}  // namespace

std::vector<std::string> choice_lines(const Choice& choice) {
  std::vector<std::string> lines;
  const auto with_unchosen = [&] {
    if (!choice.unchosen.empty()) lines.push_back(choice.unchosen);
    return lines;
  };
  if (choice.rows.empty()) return with_unchosen();
  lines.push_back(fmt::format("{:<38}{:>8}{:>10}{:>8}", "chosen by validation", choice.measure,
                              "wQL", "steps"));
  std::string before;
  for (const ChoiceRow& row : choice.rows) {
    lines.push_back(fmt::format("{:<16}{:<22}{}{}{:>8}{}", row.what == before ? "" : row.what,
                                row.name, number(row.score, 4, 8), number(row.wql, 5, 10),
                                row.steps > 0 ? fmt::format("{}", row.steps) : "-",
                                row.kept ? "  <-" : ""));
    before = row.what;
  }
  lines.push_back(fmt::format("of {} forecast{}{}, in {:.1f} s", choice.windows,
                              choice.windows == 1 ? "" : "s", fewer_text(choice), choice.seconds));
  return with_unchosen();
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
                             {"windows", row.windows},
                             {"kept", row.kept}});
  }
  return event.dump();
}

}  // namespace sluice
