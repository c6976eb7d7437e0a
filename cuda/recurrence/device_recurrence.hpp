// The seam inside the CUDA engine: one LSTM stack over a batch of sequences, on the device. The
// host's seam is host/engine/recurrence.hpp; shapes, gate order (i, f, g, o), weights and dropout
// are as there. All calls are asynchronous on the context's stream and can be captured into a
// graph, but for prepare(), which allocates and may wait.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/device_buffer.hpp"
#include "engine/context.hpp"
#include "engine/recurrence.hpp"
#include "engine/shared/window_rows.hpp"
#include "sluice/model/precision.hpp"

namespace sluice {

/// x [T,N,C] in device memory; or, for a recurrence that assembles_input(), the windows that it is
/// assembled from (device memory; see engine/window_rows.hpp). One of the two is there.
struct RecurrenceInput {
  DeviceSpan<const float> x;
  const WindowRows* rows = nullptr;  ///< the struct on the host, its pointers into the device
};

/// Where a recurrence reads its x [T,N,C] in training, as it reads it: the element and the row
/// pitch are its own.
struct TrainingInput {
  void* data = nullptr;  ///< device memory; null: there is no such place
  bool bf16 = false;     ///< elements of Bf16, else float
  std::int64_t pitch = 0;
};

/// Dropout between layers as DropoutKey words it; the step is read from device memory when the
/// kernel runs, so that a replayed graph draws the masks of its own step.
struct DeviceDropout {
  float rate = 0;
  std::uint64_t seed = 0;
  const std::int64_t* step = nullptr;  ///< device memory; may be null if rate is 0
  /// Where these N sequences lie in a larger batch, as DropoutKey says it; N matters there alone.
  std::int64_t N = 0, first = 0, sequences = 0;
};

/// [L,N,H] each; empty: zero (in) or not wanted (out). `out` may be `in`.
struct DeviceStateIn {
  DeviceSpan<const float> h, c;
};
struct DeviceStateOut {
  DeviceSpan<float> h, c;
};

class DeviceRecurrence {
 public:
  virtual ~DeviceRecurrence() = default;
  virtual std::string name() const = 0;
  /// Whether infer() takes RecurrenceInput::rows: no x is ever written to memory then.
  virtual bool assembles_input() const { return false; }

  /// How graphs with its calls are to be captured: a library's call may do what a thread-local
  /// capture forbids.
  virtual cudaStreamCaptureMode capture_mode() const { return cudaStreamCaptureModeThreadLocal; }

  /// Whether the calls below can be captured at all; if not, they may wait.
  virtual bool capturable() const { return true; }

  /// Makes ready for this shape, for infer() or, if `training`, for forward() and backward(): the
  /// only place that allocates. Shapes made ready before stay ready. Throws DeviceError;
  /// NotSupportedError where a library refuses the shape only now.
  virtual void prepare(int T, int N, bool training) = 0;
  /// Takes new weights [lstm_size] (fp32), read on the stream; the caller may change them
  /// afterwards in stream order.
  virtual void load(DeviceSpan<const float> weights) = 0;

  /// h [T,N,H] of the top layer, or empty if only `last` is wanted. No dropout, nothing is kept.
  virtual void infer(int T, int N, const RecurrenceInput& input, DeviceStateIn initial,
                     DeviceSpan<float> h, DeviceStateOut last) = 0;
  /// Where forward() has its x for batches that are ready: what is written there, C elements of
  /// each row, needs not be given to it. Stays the same until prepare().
  virtual TrainingInput training_input() { return {}; }
  /// The same as infer(), keeping what backward needs; with dropout between layers. x and h stay as
  /// they are until backward() has run. x is empty if it was put where training_input() says.
  virtual void forward(int T, int N, DeviceSpan<const float> x, DeviceStateIn initial,
                       DeviceDropout dropout, DeviceSpan<float> h, DeviceStateOut last) = 0;
  /// Gradients of the last forward. dh [T,N,H] in; dlast may be empty; dx [T,N,C] out, may be
  /// empty; dweights [lstm_size] out (overwritten); dinitial out, may be empty. The same bits each
  /// time.
  virtual void backward(DeviceSpan<const float> dh, DeviceStateIn dlast, DeviceSpan<float> dx,
                        DeviceSpan<float> dweights, DeviceStateOut dinitial) = 0;

  /// Whether backward() is done with the gradients of one layer before it comes to the next, and
  /// says so.
  virtual bool tells_of_layers() const { return false; }
  /// `complete(l)` is called inside backward() by a recurrence that tells_of_layers(), the top
  /// layer first: all that writes layer l's part of dweights has then been put on the stream that
  /// the context has at that moment, or before it.
  void tell_of_layers(std::function<void(int l)> complete) { complete_ = std::move(complete); }

 protected:
  void complete(int l) const {
    if (complete_) complete_(l);
  }

 private:
  std::function<void(int l)> complete_;
};

/// What a recurrence is asked for.
struct RecurrenceSpec {
  int C = 1, H = 1, L = 1;
  Precision precision = Precision::fp32;
  bool dropout = true;  ///< whether forward() may be asked for dropout; without, less may be kept
  int N = 0;            ///< sequences that a batch is to have, for auto_precision(); 0: many
};

/// Names as engine.recurrence takes them, alone or two in "check:A,B": "gemm", "fused_simt",
/// "fused_mma", "cudnn_standard", ...
std::vector<std::string> device_recurrences();
/// Why this recurrence cannot run that on this device ("fused_mma needs H <= 128, not 200"), or
/// empty.
std::string refusal(const std::string& name, const RecurrenceSpec& spec, const DeviceInfo& device);
/// What "auto" (or "fused", "cudnn") means for this shape and device, by the table in
/// recurrence/selection.cpp, also within "check:A,B"; any other name is given back.
std::string choose_recurrence(const std::string& name, const RecurrenceSpec& spec,
                              const DeviceInfo& device);
/// What engine.precision = "auto" means with the recurrence of this name: tf32, which is also what
/// PyTorch gives cuDNN's LSTM by default; but fp32 where the recurrence is left to us as well and
/// batches are so small that fused_simt is the fastest.
Precision auto_precision(const std::string& name, const RecurrenceSpec& spec,
                         const DeviceInfo& device);
/// Throws NotSupportedError with the refusal, ConfigError for an unknown name. The context outlives
/// it.
std::unique_ptr<DeviceRecurrence> make_device_recurrence(const std::string& name,
                                                         const RecurrenceSpec& spec,
                                                         DeviceContext& context);

}  // namespace sluice
