// One LSTM stack in cuDNN, without dropout: descriptors, weights in cuDNN's order, and the calls.
// At its seam all arrays are fp32; with a 16-bit type it keeps casts of them, which backward reads.
//
// A plan is what depends on (T, N): descriptors and the layout of one piece of device memory, its
// arena. Plans that are not in use at the same time may share an arena; the addresses in it never
// change, so that a captured graph stays good.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/device_buffer.hpp"
#include "engine/context.hpp"
#include "recurrence/cudnn/handles.hpp"
#include "recurrence/cudnn/recurrence.hpp"
#include "recurrence/shared/weight_copy.hpp"

namespace sluice {

/// What cuDNN is asked for. `words` for messages: "cudnn_standard (fp32, C 16, H 64, L 1)".
struct CudnnModel {
  std::string words;
  cudnnRNNAlgo_t algorithm = CUDNN_RNN_ALGO_STANDARD;
  CudnnType type = CudnnType::fp32;
  int C = 1, H = 1, L = 1;
  bool own_type = false;  ///< no casts at the seam (CudnnSpec)
};

/// A dropout descriptor of rate 0 with states: our dropout lies between cuDNN's calls, but a
/// descriptor without one leaves cuDNN with a null that it may look behind. PyTorch gives one, too.
class CudnnDropout {
 public:
  /// Throws DeviceError. Asynchronous on the handle's stream.
  CudnnDropout(cudnnHandle_t handle, DeviceContext& context);
  cudnnDropoutDescriptor_t get() const { return descriptor_.get(); }

 private:
  DeviceBuffer<std::byte> states_;
  DropoutDescriptor descriptor_;
};

/// Throws DeviceError if `name` is none of kCudnnRecurrences.
CudnnModel cudnn_model(const std::string& name, const CudnnSpec& spec);

/// What cuDNN answers to the descriptor of this model; works without a device if `dropout` is null.
cudnnStatus_t describe(const CudnnModel& model, cudnnDropoutDescriptor_t dropout,
                       RnnDescriptor& descriptor);

/// Bump allocation within an arena that is yet to be made.
class ArenaLayout {
 public:
  std::int64_t take(std::int64_t bytes) {
    const std::int64_t at = bytes_;
    bytes_ += (bytes + 255) / 256 * 256;
    return at;
  }
  std::int64_t bytes() const { return bytes_; }

 private:
  std::int64_t bytes_ = 0;
};

struct CudnnPlan {
  int T = 0, N = 0;
  bool training = false;
  RnnDescriptor built;  ///< persist dynamic: compiled for this N; else empty
  RnnDataDescriptor x_layout, y_layout;
  TensorDescriptor state_layout;
  std::size_t workspace_bytes = 0, reserve_bytes = 0;

  enum State { hx, cx, hy, cy, dhy, dcy, dhx, dcx, kStates };
  /// Offsets in the arena. x and dx: casts, dx also where the caller wants none.
  std::int64_t workspace = 0, reserve = 0, x = 0, y = 0, dy = 0, dx = 0, dweights = 0;
  std::array<std::int64_t, kStates> states{};
  std::int64_t arena_bytes = 0;
  std::byte* arena = nullptr;  ///< of at least so many bytes, set by the owner of the plan

  /// What the last forward read and wrote.
  const void *last_x = nullptr, *last_y = nullptr, *last_hx = nullptr, *last_cx = nullptr;
};

class CudnnRnn {
 public:
  /// Handle, dropout and context outlive it. Throws DeviceError. Blocks.
  CudnnRnn(cudnnHandle_t handle, const CudnnDropout& dropout, CudnnModel model,
           DeviceContext& context);

  /// Throws DeviceError, also if cuDNN refuses. May compile for seconds (persist dynamic).
  CudnnPlan plan(int T, int N, bool training) const;
  /// One forward (and backward) over zeros: shows a refusal that comes only with the call, and
  /// makes cuDNN load and allocate before a graph is captured. `zeros`: [T,N] of the wider of C and
  /// H. Throws DeviceError. Blocks.
  void rehearse(CudnnPlan& plan, DeviceSpan<const float> zeros) const;

  void load(DeviceSpan<const float> weights);
  void infer(CudnnPlan& plan, DeviceSpan<const float> x, DeviceStateIn initial, DeviceSpan<float> h,
             DeviceStateOut last) const;
  void forward(CudnnPlan& plan, DeviceSpan<const float> x, DeviceStateIn initial,
               DeviceSpan<float> h, DeviceStateOut last) const;
  void backward(CudnnPlan& plan, DeviceSpan<const float> dh, DeviceStateIn dlast,
                DeviceSpan<float> dx, DeviceSpan<float> dweights, DeviceStateOut dinitial) const;

 private:
  cudnnRNNDescriptor_t rnn(const CudnnPlan& plan) const {
    return plan.built ? plan.built.get() : descriptor_.get();
  }
  /// Matrices and biases as cuDNN places them in weight spaces of this descriptor.
  std::vector<WeightBlock> weight_blocks(cudnnRNNDescriptor_t descriptor) const;
  void ask(cudnnStatus_t status, const char* call, const CudnnPlan& plan,
           std::source_location where = std::source_location::current()) const;

  /// Copies `from` to the plan's place for it, in cuDNN's type; null if it is empty.
  const void* take_state(CudnnPlan& plan, CudnnPlan::State which,
                         DeviceSpan<const float> from) const;
  /// Where cuDNN is to write a state; null if it is not wanted.
  void* state_place(CudnnPlan& plan, CudnnPlan::State which, DeviceSpan<float> to) const;
  void give_state(const void* from, DeviceSpan<float> to) const;
  void run_forward(CudnnPlan& plan, cudnnForwardMode_t mode, DeviceSpan<const float> x,
                   DeviceStateIn initial, DeviceSpan<float> h, DeviceStateOut last) const;

  cudnnHandle_t handle_;
  const CudnnDropout& dropout_;
  CudnnModel model_;
  DeviceContext& context_;
  ElementType element_;
  bool casts_;  ///< the seam is fp32 and cuDNN's arrays are not
  RnnDescriptor descriptor_;
  DeviceBuffer<std::byte> weights_;  ///< cuDNN's weight space; second biases stay zero
  std::vector<WeightBlock> blocks_;
  DeviceBuffer<WeightBlock> device_blocks_;
  WeightMap map_;
};

}  // namespace sluice
