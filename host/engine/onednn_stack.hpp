// The LSTM stack over one slice of the batch, on oneDNN: one primitive a layer, because dropout
// sits between layers. Plans (one per T, slice size and purpose) share the arrays here.
//
// It sees the caller's whole arrays and copies its own series out of them and back, unless the
// slice is the whole batch.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <tuple>
#include <vector>

#include "engine/onednn_plan.hpp"
#include "engine/recurrence.hpp"

namespace sluice {

/// Series begin .. begin+size-1 of a batch of `total`.
struct BatchSlice {
  int begin = 0, size = 1, total = 1;
  bool whole() const { return size == total; }
};

/// The flat buffer as loaded, and a number that grows with each load.
struct LoadedWeights {
  std::span<const float> flat;
  std::int64_t version = 0;
};

class OneDnnStack {
 public:
  OneDnnStack(int C, int H, int L);

  /// Makes the primitives and grows the arrays. Throws dnnl::error.
  void prepare(int T, const BatchSlice& slice, bool training);

  /// x, h and states are the whole batch's, of sizes that the caller has checked; this slice's part
  /// is read and written. `training`: what backward() needs is kept. Throws dnnl::error.
  void forward(int T, const BatchSlice& slice, bool training, const LoadedWeights& weights,
               std::span<const float> x, StateIn initial, const DropoutKey& dropout,
               std::span<float> h, StateOut last);
  /// Of the last forward with `training`. dweights: this slice's sum. Throws dnnl::error.
  void backward(std::span<const float> dh, StateIn dlast, std::span<float> dx,
                std::span<float> dweights, StateOut dinitial);

 private:
  /// States of all layers, [L,n,H] each, at one end of the sequence.
  struct States {
    OneDnnBuffer h, c;
  };
  /// Arrays of one purpose; inference has its own, so that it may run between forward and backward.
  struct Arrays {
    OneDnnBuffer x, h;  ///< of the slice; unused if it is the whole batch
    States first, last;
    std::vector<OneDnnBuffer> output;   ///< [T,n,H] of layers below the top; inference: two in turn
    std::vector<OneDnnBuffer> dropped;  ///< training: the same after dropout
    std::vector<OneDnnBuffer> workspace;  ///< training: what oneDNN keeps of each layer
    States dfirst, dlast;
    OneDnnBuffer doutput[2], dW, dR, dx, dh;
  };

  void reserve(const OneDnnPlan& plan, const BatchSlice& slice);
  void reserve_states(States& states, const RecurrenceShape& shape);
  void put(StateIn from, const States& to, const BatchSlice& slice) const;
  void take(const States& from, StateOut to, const BatchSlice& slice) const;
  void run_layers(OneDnnPlan& plan, Arrays& arrays, const LoadedWeights& weights, const float* x,
                  float* h, const BatchSlice& slice, const DropoutKey& dropout);
  void run_layer_backward(OneDnnBackward& layer, int l, const float* doutput, float* dinput,
                          std::span<float> dweights);
  void drop(const DropoutKey& dropout, int layer, const RecurrenceShape& shape,
            const BatchSlice& slice, const float* in, float* out) const;
  std::int64_t W_size(int l) const { return 4 * std::int64_t{H_} * (l == 0 ? C_ : H_); }
  std::int64_t R_size() const { return 4 * std::int64_t{H_} * H_; }
  std::int64_t offset(int l) const { return recurrence_params(C_, H_, l); }

  int C_, H_, L_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  std::vector<OneDnnWeightPool> pools_;
  std::map<std::tuple<int, int, bool>, std::unique_ptr<OneDnnPlan>> plans_;
  Arrays infer_, train_;
  OneDnnBuffer scratch_;

  /// The forward pass that backward() belongs to.
  struct Kept {
    OneDnnPlan* plan = nullptr;
    BatchSlice slice;
    DropoutKey dropout;
  };
  Kept kept_;
};

}  // namespace sluice
