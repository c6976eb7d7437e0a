#include "base/status_line.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <utility>

#include "base/steady_seconds.hpp"
#include "base/text.hpp"
#include "sluice/base/log.hpp"

namespace sluice {

StatusLine::StatusLine(std::string what) : what_(std::move(what)), start_(steady_seconds()) {}

StatusLine::~StatusLine() { clear(); }

void StatusLine::clear() {
  if (!is_drawn_) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  is_drawn_ = false;
}

void StatusLine::update(std::int64_t done, std::int64_t count) {
  constexpr double kSecondsBetween = 0.2;
  const double now = steady_seconds();
  if (!log_is_interactive() || (drawn_at_ >= 0 && now - drawn_at_ < kSecondsBetween)) return;
  std::fputs(("\r\033[K" + status_text(what_, done, count, now - start_)).c_str(), stderr);
  std::fflush(stderr);
  is_drawn_ = true;
  drawn_at_ = now;
}

std::string status_text(std::string_view what, std::int64_t done, std::int64_t count,
                        double seconds) {
  constexpr std::size_t kBar = 12;
  constexpr int kColumns = 79;
  const double share = count > 0 ? static_cast<double>(done) / static_cast<double>(count) : 1;
  const auto full = static_cast<std::size_t>(share * static_cast<double>(kBar));
  std::string line = fmt::format("[{}{}] {:3.0f} %  ", std::string(full, '#'),
                                 std::string(kBar - full, '-'), 100 * share);
  if (done > 0 && done < count) {
    const auto left = std::lround(seconds * (1 - share) / share);
    line += left >= 3600
                ? fmt::format("ETA {}:{:02}:{:02}  ", left / 3600, left / 60 % 60, left % 60)
                : fmt::format("ETA {}:{:02}  ", left / 60, left % 60);
  }
  line += fmt::format("{} of {} {}", grouped(done), grouped(count), what);
  return cut_to_width(line, kColumns);
}

}  // namespace sluice
