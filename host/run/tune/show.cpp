#include "run/tune/show.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "base/redrawn_line.hpp"
#include "base/steady_seconds.hpp"
#include "base/text.hpp"
#include "sluice/base/log.hpp"

namespace sluice {
namespace {

constexpr int kColumns = 80;

std::string score_cell(double x, int digits) {
  constexpr int kWidth = 10;
  return std::isfinite(x) ? in_column(x, digits, kWidth) : fmt::format("{:>{}}", "-", kWidth);
}

std::string number(double x, int digits) {
  return std::isfinite(x) ? fmt::format("{:.{}f}", x, digits) : "-";
}

std::string settings_text(const FinishedRun& run) {
  if (run.run.trial == 0) return "as given";
  std::vector<std::string> parts;
  for (const auto& [key, value] : run.settings) {
    parts.push_back(fmt::format("{} {}", key.substr(key.find('.') + 1), value));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::int64_t entered(const std::vector<FinishedRun>& runs) {
  std::set<std::int64_t> trials;
  for (const FinishedRun& run : runs) {
    if (run.run.trial > 0) trials.insert(run.run.trial);
  }
  return std::ssize(trials);
}

/// Of each trial the longest training; those that came furthest first, then the better ones.
std::vector<const FinishedRun*> ranking(const std::vector<FinishedRun>& runs) {
  std::map<std::int64_t, const FinishedRun*> longest;
  for (const FinishedRun& run : runs) {
    const FinishedRun*& so_far = longest[run.run.trial];
    if (so_far == nullptr || run.run.rung > so_far->run.rung) so_far = &run;
  }
  std::vector<const FinishedRun*> out;
  for (const auto& [trial, run] : longest) out.push_back(run);
  std::ranges::sort(out, {}, [](const FinishedRun* run) {
    const bool scored = std::isfinite(run->score);
    return std::tuple(-run->run.rung, !scored, scored ? run->score : 0, run->run.trial);
  });
  return out;
}

}  // namespace

std::string run_text(const FinishedRun& run, const std::string& measure) {
  const std::string text = fmt::format(
      "trial {}: {} {} after {} steps, {:.1f} s; {}", run.run.trial, measure,
      std::isfinite(run.score) ? number(run.score, 4) : "none, its loss was not finite,", run.steps,
      run.seconds, settings_text(run));
  return wrapped(text, kColumns);
}

std::string tune_line(double done, std::int64_t in, std::int64_t trials, const FinishedRun* best,
                      const std::string& measure, double left) {
  std::string line = fmt::format("tune {}  {}/{} trials", bar_text(done), in, trials);
  if (best != nullptr) {
    line += fmt::format("  {} {:.4f} (trial {})", measure, best->score, best->run.trial);
  }
  if (left >= 0) line += "  ETA " + clock_text(left);
  return line.substr(0, kColumns);
}

TuneProgress::TuneProgress(std::string measure, std::int64_t trials,
                           std::vector<FinishedRun> finished)
    : measure_(std::move(measure)),
      trials_(trials),
      finished_(std::move(finished)),
      interactive_(log_is_interactive()),
      start_(steady_seconds()) {}

void TuneProgress::ended(const FinishedRun& run) {
  finished_.push_back(run);
  line_.clear();
  log_info(run_text(run, measure_));
}

void TuneProgress::at(double done) {
  constexpr double kFirstGuess = 1;
  const double now = steady_seconds() - start_;
  if (first_done_ < 0) first_done_ = done;
  if (!interactive_ || !line_.is_due(now)) return;
  const double made = done - first_done_;
  const double left = made > 0 && now > kFirstGuess ? now / made * (1 - done) : -1;
  line_.draw(tune_line(done, entered(finished_), trials_, best_of(finished_), measure_, left), now);
}

std::string tune_table(const std::vector<FinishedRun>& runs, const SearchStart& start,
                       std::size_t most) {
  std::string out = fmt::format("{:>5}{:>9}{:>10}{:>10}{:>10}  settings\n", "trial", "steps",
                                start.measure, "wQL", "seconds");
  const FinishedRun* best = best_of(runs);
  const std::vector<const FinishedRun*> all = ranking(runs);
  constexpr int kIndent = 46;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const FinishedRun& run = *all[i];
    if (i >= most && run.run.trial != 0) continue;
    const std::string head =
        fmt::format("{:>5}{:>9}{}{}{:>10.1f}  ", run.run.trial, run.steps, score_cell(run.score, 4),
                    score_cell(run.wql, 5), run.seconds);
    std::string settings = settings_text(run) + (&run == best ? " <-" : "");
    // Broken so that the later lines stand under the first one.
    settings = wrapped(settings, kColumns - kIndent);
    for (std::size_t at = 0; (at = settings.find("\n  ", at)) != std::string::npos; ++at) {
      settings.replace(at, 3, "\n" + std::string(kIndent, ' '));
    }
    out += head + settings + "\n";
  }
  if (all.size() > most) out += fmt::format("  the best {} of {} trials\n", most, all.size());
  for (const SimpleScore& one : start.beside) {
    out += fmt::format("{:>5}{:>9}{}{:>10}{:>10}  {}\n", "-", "-", score_cell(one.score, 4), "-",
                       "-", one.name);
  }
  return out + fmt::format("scored on {} forecast{} of the validation part\n",
                           grouped(start.windows), start.windows == 1 ? "" : "s");
}

}  // namespace sluice
