// The LSTM stack on oneDNN: one primitive a layer, because dropout sits between layers. Plans (one
// per T, N and purpose) share the arrays here; prepare() makes plans and grows arrays, everything
// else only binds pointers and runs.
//
// The surprise: backward reads x and the top layer's h where the caller keeps them; only what lies
// between layers is kept here.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>

#include "engine/onednn/call.hpp"
#include "engine/onednn/plan.hpp"
#include "engine/shared/dropout.hpp"
#include "engine/shared/recurrence_check.hpp"

namespace sluice {
namespace {

/// States of all layers, [L,N,H] each, at one end of the sequence.
struct States {
  OneDnnBuffer h, c;
};

/// Arrays of one purpose; infer() has its own, so that it may run between forward and backward.
struct Arrays {
  States first, last;
  std::vector<OneDnnBuffer> output;   ///< [T,N,H] of layers below the top; infer() uses two in turn
  std::vector<OneDnnBuffer> dropped;  ///< training: the same after dropout
  std::vector<OneDnnBuffer> workspace;  ///< training: what oneDNN keeps of each layer
  OneDnnBuffer x;                       ///< where rows are made
  OneDnnBuffer h;                       ///< of infer(), where the caller wants none
  States dfirst, dlast;
  OneDnnBuffer doutput[2], dW, dR, dx;
};

class OneDnnRecurrence final : public Recurrence {
 public:
  OneDnnRecurrence(int C, int H, int L);
  std::string name() const override { return "onednn"; }
  void prepare(int T, int N, bool training) override;
  void load(std::span<const float> weights) override;
  void infer(int T, int N, const Input& x, StateIn initial, std::span<float> h,
             StateOut last) override;
  void forward(int T, int N, const Input& x, StateIn initial, DropoutKey dropout,
               std::span<float> h, StateOut last) override;
  void backward(std::span<const float> dh, StateIn dlast, std::span<float> dx,
                std::span<float> dweights, StateOut dinitial) override;

 private:
  OneDnnPlan& plan(int T, int N, bool training, const char* caller);
  void update_weights(OneDnnPlan& plan);
  void run_forward(OneDnnPlan& plan, Arrays& arrays, const Input& x, StateIn initial,
                   DropoutKey dropout, std::span<float> h, StateOut last);
  static const float* array_of(const Input& x, const OneDnnPlan& plan, const Arrays& arrays);
  bool reserve_arrays(const OneDnnPlan& plan);
  const float* W(int l) const { return weights_.data() + offset_[static_cast<std::size_t>(l)]; }
  const float* R(int l) const { return W(l) + 4 * H_ * layer_inputs(shape(1, 1), l); }
  const float* b(int l) const { return R(l) + 4 * H_ * H_; }
  RecurrenceShape shape(int T, int N) const {
    return {.T = T, .N = N, .C = C_, .H = static_cast<int>(H_), .L = L_};
  }

  int C_;
  std::int64_t H_;
  int L_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  std::vector<float> weights_;        ///< the flat buffer as loaded
  std::vector<std::int64_t> offset_;  ///< [L] of a layer's first weight
  std::int64_t version_ = 0;          ///< counts load(); 0: none yet
  std::vector<OneDnnWeightPool> pools_;
  std::map<std::tuple<int, int, bool>, std::unique_ptr<OneDnnPlan>> plans_;
  Arrays infer_, train_;
  OneDnnBuffer scratch_;

  /// The forward pass that backward() belongs to.
  struct Kept {
    OneDnnPlan* plan = nullptr;  ///< null: there is none
    std::int64_t version = 0;
    DropoutKey dropout;
  };
  Kept kept_;
};

std::int64_t elements(const RecurrenceShape& shape, int width) {
  return std::int64_t{shape.T} * shape.N * width;
}

/// Points an argument at an array. oneDNN takes what it only reads as void*, too. (Not named bind:
/// std::bind would be found for the map's sake and silently preferred.)
void set_array(OneDnnArguments& arguments, int argument, const float* data) {
  arguments.at(argument).set_data_handle(const_cast<float*>(data));
}

void copy_or_zero(std::span<const float> from, const OneDnnBuffer& to, std::int64_t count) {
  if (from.empty()) {
    std::fill_n(to.data(), count, 0.0f);
  } else {
    std::copy(from.begin(), from.end(), to.data());
  }
}

void put(StateIn from, const States& to, const RecurrenceShape& shape) {
  copy_or_zero(from.h, to.h, state_elements(shape));
  copy_or_zero(from.c, to.c, state_elements(shape));
}

void take(const States& from, StateOut to) {
  std::copy_n(from.h.data(), to.h.size(), to.h.data());
  std::copy_n(from.c.data(), to.c.size(), to.c.data());
}

bool reserve_states(States& states, const RecurrenceShape& shape, const dnnl::engine& engine) {
  const bool h_grew = states.h.reserve(state_elements(shape), engine);
  return states.c.reserve(state_elements(shape), engine) || h_grew;
}

OneDnnRecurrence::OneDnnRecurrence(int C, int H, int L)
    : C_(C),
      H_(H),
      L_(L),
      engine_(dnnl::engine::kind::cpu, 0),
      stream_(engine_),
      weights_(static_cast<std::size_t>(recurrence_params(C, H, L))),
      pools_(static_cast<std::size_t>(L)) {
  for (int l = 0; l < L; ++l) offset_.push_back(recurrence_params(C, H, l));
}

bool OneDnnRecurrence::reserve_arrays(const OneDnnPlan& plan) {
  const RecurrenceShape& shape = plan.shape;
  Arrays& arrays = plan.training ? train_ : infer_;
  bool grew = scratch_.reserve_bytes(plan.bytes.scratch, engine_);
  const auto grow = [&](OneDnnBuffer& buffer, std::int64_t floats) {
    grew = buffer.reserve(floats, engine_) || grew;
  };
  const auto below = static_cast<std::size_t>(shape.L - 1);
  arrays.output.resize(plan.training ? below : std::min<std::size_t>(below, 2));
  for (OneDnnBuffer& output : arrays.output) grow(output, elements(shape, shape.H));
  grew = reserve_states(arrays.first, shape, engine_) || grew;
  grew = reserve_states(arrays.last, shape, engine_) || grew;
  grow(arrays.x, elements(shape, shape.C));
  if (!plan.training) {
    grow(arrays.h, elements(shape, shape.H));
    return grew;
  }

  arrays.dropped.resize(below);
  for (OneDnnBuffer& dropped : arrays.dropped) grow(dropped, elements(shape, shape.H));
  arrays.workspace.resize(static_cast<std::size_t>(shape.L));
  for (OneDnnBuffer& workspace : arrays.workspace) {
    grew = workspace.reserve_bytes(plan.bytes.workspace, engine_) || grew;
  }
  grew = reserve_states(arrays.dfirst, shape, engine_) || grew;
  grew = reserve_states(arrays.dlast, shape, engine_) || grew;
  if (below > 0) {
    for (OneDnnBuffer& doutput : arrays.doutput) grow(doutput, elements(shape, shape.H));
  }
  grow(arrays.dx, elements(shape, shape.C));
  arrays.dW.reserve_bytes(plan.bytes.dW, engine_);
  arrays.dR.reserve_bytes(plan.bytes.dR, engine_);
  return grew;
}

void OneDnnRecurrence::prepare(int T, int N, bool training) {
  if (T < 1 || N < 1) {
    throw InternalError(fmt::format("prepare: T={} N={}, both must be at least 1", T, N));
  }
  const auto key = std::make_tuple(T, N, training);
  if (plans_.contains(key)) return;
  onednn_call("prepare", shape(T, N), [&] {
    auto plan = make_onednn_plan(shape(T, N), training, engine_, pools_);
    if (training) kept_.plan = nullptr;  // arrays that grow lose what the last forward kept
    reserve_arrays(*plan);
    plans_.emplace(key, std::move(plan));
  });
}

void OneDnnRecurrence::load(std::span<const float> weights) {
  check_size("load", "weights", weights.size(), recurrence_params(C_, static_cast<int>(H_), L_),
             shape(1, 1));
  std::copy(weights.begin(), weights.end(), weights_.begin());
  ++version_;
}

OneDnnPlan& OneDnnRecurrence::plan(int T, int N, bool training, const char* caller) {
  if (version_ == 0) throw InternalError(fmt::format("{}: no weights; call load() first", caller));
  const auto found = plans_.find({T, N, training});
  if (found == plans_.end()) {
    throw InternalError(fmt::format("{}: T={} N={} was not made ready; call prepare({}, {}, {})",
                                    caller, T, N, T, N, training));
  }
  return *found->second;
}

const float* OneDnnRecurrence::array_of(const Input& x, const OneDnnPlan& plan,
                                        const Arrays& arrays) {
  if (x.rows() == nullptr) return x.array().data();
  const RecurrenceShape& shape = plan.shape;
  x.rows()->write(0, shape.T, 0, shape.N, arrays.x.data(), std::int64_t{shape.N} * shape.C);
  return arrays.x.data();
}

void OneDnnRecurrence::update_weights(OneDnnPlan& plan) {
  for (int l = 0; l < L_; ++l) {
    const auto index = static_cast<std::size_t>(l);
    plan.forward[index].weights->update(version_, W(l), R(l), stream_);
    if (plan.training) plan.backward[index].weights->update(version_, W(l), R(l), stream_);
  }
}

void OneDnnRecurrence::run_forward(OneDnnPlan& plan, Arrays& arrays, const Input& x,
                                   StateIn initial, DropoutKey dropout, std::span<float> h,
                                   StateOut last) {
  const RecurrenceShape& shape = plan.shape;
  const std::int64_t state = std::int64_t{shape.N} * shape.H;
  update_weights(plan);
  put(initial, arrays.first, shape);
  const float* input = array_of(x, plan, arrays);
  for (int l = 0; l < L_; ++l) {
    const auto index = static_cast<std::size_t>(l);
    const bool top = l == L_ - 1;
    float* top_output = h.empty() ? arrays.h.data() : h.data();
    float* output = top ? top_output : arrays.output[index % arrays.output.size()].data();
    OneDnnForward& layer = plan.forward[index];
    set_array(layer.arguments, DNNL_ARG_SRC_LAYER, input);
    set_array(layer.arguments, DNNL_ARG_SRC_ITER, arrays.first.h.data() + l * state);
    set_array(layer.arguments, DNNL_ARG_SRC_ITER_C, arrays.first.c.data() + l * state);
    set_array(layer.arguments, DNNL_ARG_BIAS, b(l));
    set_array(layer.arguments, DNNL_ARG_DST_LAYER, output);
    set_array(layer.arguments, DNNL_ARG_DST_ITER, arrays.last.h.data() + l * state);
    set_array(layer.arguments, DNNL_ARG_DST_ITER_C, arrays.last.c.data() + l * state);
    set_array(layer.arguments, DNNL_ARG_SCRATCHPAD, scratch_.data());
    if (plan.training) {
      set_array(layer.arguments, DNNL_ARG_WORKSPACE, arrays.workspace[index].data());
    }
    layer.primitive.execute(stream_, layer.arguments);
    input = output;
    if (!top && dropout.rate > 0) {
      float* dropped = arrays.dropped[index].data();
      apply_dropout(dropout, l, shape.T, shape.N, shape.H, output, dropped);
      input = dropped;
    }
  }
  stream_.wait();
  take(arrays.last, last);
}

void OneDnnRecurrence::infer(int T, int N, const Input& x, StateIn initial, std::span<float> h,
                             StateOut last) {
  OneDnnPlan& ready = plan(T, N, false, "infer");
  check_input("infer", x, ready.shape);
  if (!h.empty()) {
    check_size("infer", "h", h.size(), elements(ready.shape, ready.shape.H), ready.shape);
  }
  check_states("infer", "an initial state", initial, ready.shape);
  check_states("infer", "a last state", last, ready.shape);
  onednn_call("run the LSTM forward", ready.shape,
              [&] { run_forward(ready, infer_, x, initial, DropoutKey{}, h, last); });
}

void OneDnnRecurrence::forward(int T, int N, const Input& x, StateIn initial, DropoutKey dropout,
                               std::span<float> h, StateOut last) {
  OneDnnPlan& ready = plan(T, N, true, "forward");
  check_input("forward", x, ready.shape);
  check_size("forward", "h", h.size(), elements(ready.shape, ready.shape.H), ready.shape);
  check_states("forward", "an initial state", initial, ready.shape);
  check_states("forward", "a last state", last, ready.shape);
  if (!(dropout.rate >= 0 && dropout.rate < 1)) {
    throw InternalError(fmt::format("forward: dropout rate {} is not in [0, 1)", dropout.rate));
  }
  kept_.plan = nullptr;
  onednn_call("run the LSTM forward", ready.shape,
              [&] { run_forward(ready, train_, x, initial, dropout, h, last); });
  kept_ = {.plan = &ready, .version = version_, .dropout = dropout};
}

void OneDnnRecurrence::backward(std::span<const float> dh, StateIn dlast, std::span<float> dx,
                                std::span<float> dweights, StateOut dinitial) {
  if (kept_.plan == nullptr || kept_.version != version_) {
    throw InternalError(
        "backward: no forward pass is kept; call forward() first, with no load() or "
        "prepare() in between");
  }
  OneDnnPlan& plan = *kept_.plan;
  const RecurrenceShape& shape = plan.shape;
  check_size("backward", "dh", dh.size(), elements(shape, shape.H), shape);
  if (!dx.empty()) check_size("backward", "dx", dx.size(), elements(shape, C_), shape);
  check_size("backward", "dweights", dweights.size(), static_cast<std::int64_t>(weights_.size()),
             shape);
  check_states("backward", "a last state's gradient", dlast, shape);
  check_states("backward", "an initial state's gradient", dinitial, shape);
  const std::int64_t state = std::int64_t{shape.N} * shape.H;
  onednn_call("run the LSTM backward", shape, [&] {
    put(dlast, train_.dlast, shape);
    const float* doutput = dh.data();
    for (int l = L_ - 1; l >= 0; --l) {
      const auto index = static_cast<std::size_t>(l);
      float* dinput = l > 0        ? train_.doutput[index % 2].data()
                      : dx.empty() ? train_.dx.data()
                                   : dx.data();
      OneDnnBackward& layer = plan.backward[index];
      float* dW = dweights.data() + offset_[index];
      float* dR = dW + 4 * H_ * layer_inputs(shape, l);
      float* db = dR + 4 * H_ * H_;
      set_array(layer.arguments, DNNL_ARG_DIFF_DST_LAYER, doutput);
      set_array(layer.arguments, DNNL_ARG_DIFF_DST_ITER, train_.dlast.h.data() + l * state);
      set_array(layer.arguments, DNNL_ARG_DIFF_DST_ITER_C, train_.dlast.c.data() + l * state);
      set_array(layer.arguments, DNNL_ARG_DIFF_SRC_LAYER, dinput);
      set_array(layer.arguments, DNNL_ARG_DIFF_SRC_ITER, train_.dfirst.h.data() + l * state);
      set_array(layer.arguments, DNNL_ARG_DIFF_SRC_ITER_C, train_.dfirst.c.data() + l * state);
      set_array(layer.arguments, DNNL_ARG_DIFF_WEIGHTS_LAYER, train_.dW.data());
      set_array(layer.arguments, DNNL_ARG_DIFF_WEIGHTS_ITER, train_.dR.data());
      set_array(layer.arguments, DNNL_ARG_DIFF_BIAS, db);
      set_array(layer.arguments, DNNL_ARG_SCRATCHPAD, scratch_.data());
      // oneDNN adds to the gradients of the parameters.
      std::memset(train_.dW.data(), 0, layer.dW.get_desc().get_size());
      std::memset(train_.dR.data(), 0, layer.dR.get_desc().get_size());
      std::fill_n(db, 4 * H_, 0.0f);
      layer.primitive.execute(stream_, layer.arguments);
      layer.user_dW.set_data_handle(dW);
      layer.user_dR.set_data_handle(dR);
      layer.reorder_dW.execute(stream_, layer.dW, layer.user_dW);
      layer.reorder_dR.execute(stream_, layer.dR, layer.user_dR);
      if (l > 0 && kept_.dropout.rate > 0) {
        apply_dropout(kept_.dropout, l - 1, shape.T, shape.N, shape.H, dinput, dinput);
      }
      doutput = dinput;
    }
    stream_.wait();
    take(train_.dfirst, dinitial);
  });
}

}  // namespace

std::unique_ptr<Recurrence> make_onednn_recurrence(int C, int H, int L) {
  const RecurrenceShape shape{.T = 1, .N = 1, .C = C, .H = H, .L = L};
  if (C < 1 || H < 1 || L < 1) {
    throw InternalError(
        fmt::format("make_onednn_recurrence: C={} H={} L={}, each must be at least 1", C, H, L));
  }
  return onednn_call("start", shape, [&]() -> std::unique_ptr<Recurrence> {
    return std::make_unique<OneDnnRecurrence>(C, H, L);
  });
}

}  // namespace sluice
