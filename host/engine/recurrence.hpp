// The seam inside an engine: one LSTM stack over a batch of sequences. An implementation owns its
// own copies of the weights in whatever layout it likes; nothing of the library behind it shows
// here.
//
// x is an array, or made row by row while a recurrence walks: a batch of windows need never be in
// memory as a whole.
//
// All arrays are row-major, time-major, fp32: x [T,N,C], h [T,N,H], states [L,N,H]; gate order i,
// f, g, o. Weights are the LSTM's part of the flat buffer (model/params.hpp): per layer W [4H,C], R
// [4H,H], b [4H].
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sluice {

struct RecurrenceShape {
  int T = 1, N = 1, C = 1, H = 1, L = 1;
  bool operator==(const RecurrenceShape&) const = default;
};

/// Dropout between layers. Element (t,n,j) of layer l's output is kept if the Philox number of
/// (seed; step, layer, (t*N+n)*H+j) is at least `rate`, and then divided by 1-rate
/// (model/dropout.hpp). 0 <= rate < 1.
struct DropoutKey {
  float rate = 0;
  std::uint64_t seed = 0;
  std::int64_t step = 0;
  /// Where these N sequences lie in a larger batch of `sequences` (0: they are the batch): sequence
  /// n has the numbers of n + first there.
  std::int64_t first = 0, sequences = 0;
};

/// States before the first or after the last step, [L,N,H] each; empty spans mean zero (in) or not
/// wanted (out).
struct StateIn {
  std::span<const float> h, c;
};
struct StateOut {
  std::span<float> h, c;
};

/// Rows of x made on demand.
class InputRows {
 public:
  virtual ~InputRows() = default;
  /// Writes steps [t, t + steps) of sequences [first, first + count): row i of step t + j to
  /// out + j * out_step + i * C. Called by several threads at once; must not throw.
  virtual void write(int t, int steps, std::int64_t first, std::int64_t count, float* out,
                     std::int64_t out_step) const = 0;
};

/// x [T,N,C]: an array or rows on demand. A view, as a span is.
class Input {
 public:
  Input(std::span<const float> array) : array_(array) {}
  Input(std::span<float> array) : array_(array) {}
  Input(const std::vector<float>& array) : array_(array) {}
  Input(const InputRows& rows) : rows_(&rows) {}

  std::span<const float> array() const { return array_; }  ///< where rows() is null
  const InputRows* rows() const { return rows_; }

 private:
  std::span<const float> array_;
  const InputRows* rows_ = nullptr;
};

class Recurrence {
 public:
  virtual ~Recurrence() = default;
  virtual std::string name() const = 0;

  /// Makes ready for this shape, for infer() or, if `training`, for forward() and backward(): the
  /// only place that allocates. Shapes made ready before stay ready. Uses as many OpenMP threads as
  /// are set now. Not between forward() and backward() with `training`. Throws DeviceError if the
  /// shape is refused or memory does not suffice.
  virtual void prepare(int T, int N, bool training) = 0;
  /// Takes new weights. `weights`: [lstm_size], read during the call only.
  virtual void load(std::span<const float> weights) = 0;

  /// h of the top layer for all steps; an empty h is not wanted. (T,N) must have been prepared. No
  /// dropout, nothing is kept.
  virtual void infer(int T, int N, const Input& x, StateIn initial, std::span<float> h,
                     StateOut last) = 0;
  /// The same, keeping what backward needs; with dropout between layers. h, and x if it is an
  /// array, are read again by backward(): they stay where and as they are until then. Rows are made
  /// once.
  virtual void forward(int T, int N, const Input& x, StateIn initial, DropoutKey dropout,
                       std::span<float> h, StateOut last) = 0;
  /// Gradients of the last forward (no load() in between). dh [T,N,H] in; dlast: gradients of the
  /// last states, may be empty. dx [T,N,C] out, may be empty if not wanted; dweights [lstm_size]
  /// out (overwritten); dinitial out, may be empty.
  virtual void backward(std::span<const float> dh, StateIn dlast, std::span<float> dx,
                        std::span<float> dweights, StateOut dinitial) = 0;
};

/// Elements of the LSTM's parameters: sum over layers of 4H (C_l + H + 1).
std::int64_t recurrence_params(int C, int H, int L);

/// oneDNN's LSTM primitive, all sequences in one call. Throws DeviceError if oneDNN refuses.
std::unique_ptr<Recurrence> make_onednn_recurrence(int C, int H, int L);

/// The batch cut into shards of sequences, each walked through all T by one thread with a
/// recurrence of its own: no barrier between steps, so that a step costs the same when another
/// process takes a core. `make` makes the recurrence of a shard. The same bits for the same number
/// of threads.
std::unique_ptr<Recurrence> make_sharded_recurrence(
    int C, int H, int L, int threads, const std::function<std::unique_ptr<Recurrence>()>& make);

}  // namespace sluice
