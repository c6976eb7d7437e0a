#include "base/redrawn_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace sluice {
namespace {

constexpr char kBegin[] = "\r\033[K";  // to the line's begin, and all of it gone

}  // namespace

RedrawnLine::~RedrawnLine() { clear(); }

bool RedrawnLine::is_due(double now) const {
  constexpr double kSecondsBetween = 0.2;
  return drawn_at_ < 0 || now - drawn_at_ >= kSecondsBetween;
}

void RedrawnLine::draw(const std::string& text, double now) {
  std::fputs((kBegin + text).c_str(), stderr);
  std::fflush(stderr);
  is_drawn_ = true;
  drawn_at_ = now;
}

void RedrawnLine::clear() {
  if (!is_drawn_) return;
  std::fputs(kBegin, stderr);
  std::fflush(stderr);
  is_drawn_ = false;
}

std::string bar_text(double share) {
  constexpr std::size_t kBar = 12;
  share = std::clamp(share, 0.0, 1.0);
  const auto full = static_cast<std::size_t>(share * static_cast<double>(kBar));
  return fmt::format("[{}{}] {:3.0f} %", std::string(full, '#'), std::string(kBar - full, '-'),
                     100 * share);
}

std::string clock_text(double seconds) {
  const auto total = std::lround(std::max(0.0, seconds));
  if (total < 3600) return fmt::format("{}:{:02}", total / 60, total % 60);
  return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
}

}  // namespace sluice
