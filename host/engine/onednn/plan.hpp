// oneDNN's LSTM primitives for one (T, N), layer by layer, with the memory descriptors that they
// chose. A plan owns no arrays: memory objects are made without one, and bound before each run to
// the buffers of the recurrence, so that plans of different shapes share them.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/recurrence.hpp"

namespace sluice {

/// An array that only grows; its old contents are lost when it does. 64-byte aligned (oneDNN's
/// own allocation), untouched pages cost nothing.
class OneDnnBuffer {
 public:
  /// True if the array was replaced by a larger one.
  bool reserve_bytes(std::size_t bytes, const dnnl::engine& engine);
  bool reserve(std::int64_t floats, const dnnl::engine& engine) {
    return reserve_bytes(static_cast<std::size_t>(floats) * sizeof(float), engine);
  }
  float* data() const { return data_; }

 private:
  dnnl::memory memory_;
  float* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// One layer's weights W and R in a layout that some primitive asked for. Shared by all plans that
/// ask for the same layout; brought up to date when a plan runs after load().
class OneDnnWeights {
 public:
  OneDnnWeights(const dnnl::engine& engine, const dnnl::memory::desc& W,
                const dnnl::memory::desc& R, const dnnl::memory::desc& user_W,
                const dnnl::memory::desc& user_R);
  bool fits(const dnnl::memory::desc& W, const dnnl::memory::desc& R) const;
  /// Reorders from the user's layout unless `version` was reordered before.
  void update(std::int64_t version, const float* W, const float* R, const dnnl::stream& stream);

  const dnnl::memory& W() const { return W_; }
  const dnnl::memory& R() const { return R_; }

 private:
  dnnl::memory W_, R_, user_W_, user_R_;
  dnnl::reorder reorder_W_, reorder_R_;
  std::int64_t version_ = -1;
};

/// All layouts of one layer's weights that are in use.
using OneDnnWeightPool = std::list<OneDnnWeights>;

using OneDnnArguments = std::unordered_map<int, dnnl::memory>;

struct OneDnnForward {
  dnnl::lstm_forward::primitive_desc descriptor;
  dnnl::lstm_forward primitive;
  OneDnnWeights* weights = nullptr;
  OneDnnArguments arguments;
};

struct OneDnnBackward {
  dnnl::lstm_backward primitive;
  OneDnnWeights* weights = nullptr;
  OneDnnArguments arguments;
  /// Gradients of W and R come in the primitive's layout and are reordered to the user's.
  dnnl::memory dW, dR, user_dW, user_dR;
  dnnl::reorder reorder_dW, reorder_dR;
};

/// What one plan needs in shared arrays, bytes.
struct OneDnnPlanBytes {
  std::size_t scratch = 0, workspace = 0, dW = 0, dR = 0;
};

struct OneDnnPlan {
  RecurrenceShape shape;
  bool training = false;
  std::vector<OneDnnForward> forward;    ///< [L]
  std::vector<OneDnnBackward> backward;  ///< [L] if training
  OneDnnPlanBytes bytes;                 ///< the most that a layer needs
};

/// Input width of layer l.
inline int layer_inputs(const RecurrenceShape& shape, int l) { return l == 0 ? shape.C : shape.H; }

/// Makes the primitives. Layouts of weights that the pools (one a layer) lack are added to them.
/// Throws dnnl::error.
std::unique_ptr<OneDnnPlan> make_onednn_plan(const RecurrenceShape& shape, bool training,
                                             const dnnl::engine& engine,
                                             std::span<OneDnnWeightPool> pools);

}  // namespace sluice
