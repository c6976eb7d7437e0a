#include "base/status_line.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/redrawn_line.hpp"
#include "base/steady_seconds.hpp"
#include "base/text.hpp"
#include "sluice/base/log.hpp"

namespace sluice {

StatusLine::StatusLine(std::string what) : what_(std::move(what)), start_(steady_seconds()) {}

void StatusLine::clear() { line_.clear(); }

void StatusLine::update(std::int64_t done, std::int64_t count) {
  const double now = steady_seconds();
  if (!log_is_interactive() || !line_.is_due(now)) return;
  line_.draw(status_text(what_, done, count, now - start_), now);
}

std::string status_text(std::string_view what, std::int64_t done, std::int64_t count,
                        double seconds) {
  constexpr int kColumns = 79;
  const double share = count > 0 ? static_cast<double>(done) / static_cast<double>(count) : 1;
  std::string line = bar_text(share) + "  ";
  if (done > 0 && done < count) line += "ETA " + clock_text(seconds * (1 - share) / share) + "  ";
  line += fmt::format("{} of {} {}", grouped(done), grouped(count), what);
  return cut_to_width(line, kColumns);
}

}  // namespace sluice
