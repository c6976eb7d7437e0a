#include "engine/cpu/pasts.hpp"

#include <algorithm>

#include "engine/shared/drawn_pasts.hpp"
#include "engine/shared/path_batch.hpp"

namespace sluice {
namespace {

/// Numbers of rows that a batch is walked with, at most: each is a shape that stays ready.
constexpr std::int64_t kShapes = 4;

}  // namespace

DrawnPasts::DrawnPasts(const ModelSpace& space, Recurrence& recurrence, std::uint64_t seed,
                       int threads)
    : space_(space),
      recurrence_(recurrence),
      threads_(threads),
      slices_(Slices::for_drawn_pasts(space, threads)),
      numbers_(past_rows(space, seed)),
      walk_(space, recurrence, threads) {}

Gather& DrawnPasts::draw(std::span<const Window> windows, std::span<const std::int64_t> limit,
                         std::int64_t first, std::int64_t step, std::span<const float> params) {
  place(windows, limit);
  choose_rows(windows, first, step);
  if (!rows_.empty()) walk(params);
  gather_->begin(slots_, limit_);
  return *gather_;
}

// The batch in slices of its own.
void DrawnPasts::place(std::span<const Window> windows, std::span<const std::int64_t> limit) {
  const auto N = static_cast<std::int64_t>(windows.size());
  if (shape_.batch != N) {
    shape_ = slices_.shape(N);
    block_.reserve(shape_.bytes());
    gather_.emplace(slices_.view(shape_, space_.view(), block_.data()), space_.spec());
  }
  slots_.resize(windows.size());
  slices_.pack(windows, shape_, block_.data(), slots_);
  limit_.clear();
  for (std::size_t n = 0; n < windows.size(); ++n) {
    const std::int64_t begin = windows[n].origin - slots_[n].origin;  // of the slice
    limit_.push_back(limit[static_cast<std::size_t>(windows[n].series)] - begin);
  }
}

// Those that are drawn, and rows that stand still up to the next number there are shapes for.
void DrawnPasts::choose_rows(std::span<const Window> windows, std::int64_t first,
                             std::int64_t step) {
  const auto M = static_cast<std::size_t>(space_.spec().M);
  states_.assign(windows.size() * M, {});
  streams_.assign(states_.size(), 0);
  begin_pasts(space_, windows, first, step, threads_, states_, streams_);
  rows_.clear();
  for (std::size_t n = 0; n < slots_.size(); ++n) {
    const Window from = before_drawn(slots_[n], space_.drawn_steps());
    if (from.origin < 0) continue;
    std::copy_n(states_.begin() + static_cast<std::ptrdiff_t>(n * M), M,
                states_.begin() + static_cast<std::ptrdiff_t>(rows_.size() * M));
    std::copy_n(streams_.begin() + static_cast<std::ptrdiff_t>(n * M), M,
                streams_.begin() + static_cast<std::ptrdiff_t>(rows_.size() * M));
    rows_.push_back(from);
  }
  const std::size_t piece = (slots_.size() + kShapes - 1) / kShapes;
  rows_.resize((rows_.size() + piece - 1) / piece * piece, {.origin = -1});
  states_.resize(rows_.size() * M);
  streams_.resize(rows_.size() * M);
}

void DrawnPasts::walk(std::span<const float> params) {
  const auto R = static_cast<std::int64_t>(rows_.size());
  SpaceView view = slices_.view(shape_, space_.view(), block_.data());
  view.T -= numbers_.horizon;
  walk_.prepare(R);
  recurrence_.prepare(view.T, static_cast<int>(R), false);
  Gather before(view, space_.spec());
  before.begin(rows_, {});
  recurrence_.infer(view.T, static_cast<int>(R), before.inputs(params), {}, {},
                    {walk_.h(), walk_.c()});
  view.T = 1;
  PathRows paths = numbers_;
  paths.rows.space = view;
  paths.rows.windows = rows_.data();
  paths.rows.N = R;
  paths.rows.params = params.data();
  paths.arrays = path_arrays(view, rows_.data());
  paths.states = states_.data();
  paths.streams = streams_.data();
  walk_.walk(paths, rows_, params);
}

}  // namespace sluice
