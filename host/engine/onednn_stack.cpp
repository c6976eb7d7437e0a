// Runs a plan's primitives layer by layer. Only prepare() allocates; the rest binds pointers.
#include "engine/onednn_stack.hpp"

#include <algorithm>
#include <cstring>

#include "engine/dropout.hpp"

namespace sluice {
namespace {

std::int64_t elements(const RecurrenceShape& shape, int width) {
  return std::int64_t{shape.T} * shape.N * width;
}

/// Binds an argument to an array. oneDNN takes what it only reads as void*, too.
void bind(OneDnnArguments& arguments, int argument, const float* data) {
  arguments.at(argument).set_data_handle(const_cast<float*>(data));
}

/// The slice's series out of a [rows, total, width] array, to [rows, size, width].
void copy_out(const float* batch, float* own, std::int64_t rows, int width,
              const BatchSlice& slice) {
  const std::int64_t count = std::int64_t{slice.size} * width;
  for (std::int64_t row = 0; row < rows; ++row) {
    std::copy_n(batch + (row * slice.total + slice.begin) * width, count, own + row * count);
  }
}

/// And back.
void copy_back(const float* own, float* batch, std::int64_t rows, int width,
               const BatchSlice& slice) {
  const std::int64_t count = std::int64_t{slice.size} * width;
  for (std::int64_t row = 0; row < rows; ++row) {
    std::copy_n(own + row * count, count, batch + (row * slice.total + slice.begin) * width);
  }
}

}  // namespace

OneDnnStack::OneDnnStack(int C, int H, int L)
    : C_(C),
      H_(H),
      L_(L),
      engine_(dnnl::engine::kind::cpu, 0),
      stream_(engine_),
      pools_(static_cast<std::size_t>(L)) {}

void OneDnnStack::reserve_states(States& states, const RecurrenceShape& shape) {
  const std::int64_t size = std::int64_t{L_} * shape.N * H_;
  states.h.reserve(size, engine_);
  states.c.reserve(size, engine_);
}

void OneDnnStack::reserve(const OneDnnPlan& plan, const BatchSlice& slice) {
  const RecurrenceShape& shape = plan.shape;
  const std::int64_t hidden = elements(shape, H_), inputs = elements(shape, C_);
  Arrays& arrays = plan.training ? train_ : infer_;
  scratch_.reserve_bytes(plan.bytes.scratch, engine_);
  const auto below = static_cast<std::size_t>(L_ - 1);
  arrays.output.resize(plan.training ? below : std::min<std::size_t>(below, 2));
  for (OneDnnBuffer& output : arrays.output) output.reserve(hidden, engine_);
  reserve_states(arrays.first, shape);
  reserve_states(arrays.last, shape);
  if (!slice.whole()) {
    arrays.x.reserve(inputs, engine_);
    arrays.h.reserve(hidden, engine_);
  }
  if (!plan.training) return;

  arrays.dropped.resize(below);
  for (OneDnnBuffer& dropped : arrays.dropped) dropped.reserve(hidden, engine_);
  arrays.workspace.resize(static_cast<std::size_t>(L_));
  for (OneDnnBuffer& workspace : arrays.workspace) {
    workspace.reserve_bytes(plan.bytes.workspace, engine_);
  }
  reserve_states(arrays.dfirst, shape);
  reserve_states(arrays.dlast, shape);
  if (below > 0) {
    for (OneDnnBuffer& doutput : arrays.doutput) doutput.reserve(hidden, engine_);
  }
  arrays.dx.reserve(inputs, engine_);
  if (!slice.whole()) arrays.dh.reserve(hidden, engine_);
  arrays.dW.reserve_bytes(plan.bytes.dW, engine_);
  arrays.dR.reserve_bytes(plan.bytes.dR, engine_);
}

void OneDnnStack::prepare(int T, const BatchSlice& slice, bool training) {
  auto& plan = plans_[{T, slice.size, training}];
  if (plan == nullptr) {
    plan = make_onednn_plan({.T = T, .N = slice.size, .C = C_, .H = H_, .L = L_}, training, engine_,
                            pools_);
  }
  reserve(*plan, slice);
}

void OneDnnStack::put(StateIn from, const States& to, const BatchSlice& slice) const {
  const std::int64_t size = std::int64_t{L_} * slice.size * H_;
  const auto put_one = [&](std::span<const float> batch, float* own) {
    if (batch.empty()) {
      std::fill_n(own, size, 0.0f);
    } else {
      copy_out(batch.data(), own, L_, H_, slice);
    }
  };
  put_one(from.h, to.h.data());
  put_one(from.c, to.c.data());
}

void OneDnnStack::take(const States& from, StateOut to, const BatchSlice& slice) const {
  if (!to.h.empty()) copy_back(from.h.data(), to.h.data(), L_, H_, slice);
  if (!to.c.empty()) copy_back(from.c.data(), to.c.data(), L_, H_, slice);
}

void OneDnnStack::drop(const DropoutKey& dropout, int layer, const RecurrenceShape& shape,
                       const BatchSlice& slice, const float* in, float* out) const {
  const std::int64_t count = std::int64_t{slice.size} * H_;
  for (std::int64_t t = 0; t < shape.T; ++t) {
    const std::int64_t first = (t * slice.total + slice.begin) * H_;
    const auto size = static_cast<std::size_t>(count);
    apply_dropout(dropout, layer, first, {in + t * count, size}, {out + t * count, size});
  }
}

void OneDnnStack::run_layers(OneDnnPlan& plan, Arrays& arrays, const LoadedWeights& weights,
                             const float* x, float* h, const BatchSlice& slice,
                             const DropoutKey& dropout) {
  const std::int64_t state = std::int64_t{slice.size} * H_;
  const float* input = x;
  for (int l = 0; l < L_; ++l) {
    const auto index = static_cast<std::size_t>(l);
    const bool top = l == L_ - 1;
    float* output = top ? h : arrays.output[index % arrays.output.size()].data();
    const float* W = weights.flat.data() + offset(l);
    const float* R = W + W_size(l);
    OneDnnForward& layer = plan.forward[index];
    layer.weights->update(weights.version, W, R, stream_);
    if (plan.training) plan.backward[index].weights->update(weights.version, W, R, stream_);
    bind(layer.arguments, DNNL_ARG_SRC_LAYER, input);
    bind(layer.arguments, DNNL_ARG_SRC_ITER, arrays.first.h.data() + l * state);
    bind(layer.arguments, DNNL_ARG_SRC_ITER_C, arrays.first.c.data() + l * state);
    bind(layer.arguments, DNNL_ARG_BIAS, R + R_size());
    bind(layer.arguments, DNNL_ARG_DST_LAYER, output);
    bind(layer.arguments, DNNL_ARG_DST_ITER, arrays.last.h.data() + l * state);
    bind(layer.arguments, DNNL_ARG_DST_ITER_C, arrays.last.c.data() + l * state);
    bind(layer.arguments, DNNL_ARG_SCRATCHPAD, scratch_.data());
    if (plan.training) {
      bind(layer.arguments, DNNL_ARG_WORKSPACE, arrays.workspace[index].data());
    }
    layer.primitive.execute(stream_, layer.arguments);
    input = output;
    if (!top && dropout.rate > 0) {
      drop(dropout, l, plan.shape, slice, output, arrays.dropped[index].data());
      input = arrays.dropped[index].data();
    }
  }
  stream_.wait();
}

void OneDnnStack::forward(int T, const BatchSlice& slice, bool training,
                          const LoadedWeights& weights, std::span<const float> x, StateIn initial,
                          const DropoutKey& dropout, std::span<float> h, StateOut last) {
  OneDnnPlan& plan = *plans_.at({T, slice.size, training});
  Arrays& arrays = training ? train_ : infer_;
  put(initial, arrays.first, slice);
  if (slice.whole()) {
    run_layers(plan, arrays, weights, x.data(), h.data(), slice, dropout);
  } else {
    copy_out(x.data(), arrays.x.data(), T, C_, slice);
    run_layers(plan, arrays, weights, arrays.x.data(), arrays.h.data(), slice, dropout);
    copy_back(arrays.h.data(), h.data(), T, H_, slice);
  }
  take(arrays.last, last, slice);
  if (training) kept_ = {.plan = &plan, .slice = slice, .dropout = dropout};
}

void OneDnnStack::run_layer_backward(OneDnnBackward& layer, int l, const float* doutput,
                                     float* dinput, std::span<float> dweights) {
  const std::int64_t state = std::int64_t{kept_.slice.size} * H_;
  float* dW = dweights.data() + offset(l);
  float* dR = dW + W_size(l);
  float* db = dR + R_size();
  bind(layer.arguments, DNNL_ARG_DIFF_DST_LAYER, doutput);
  bind(layer.arguments, DNNL_ARG_DIFF_DST_ITER, train_.dlast.h.data() + l * state);
  bind(layer.arguments, DNNL_ARG_DIFF_DST_ITER_C, train_.dlast.c.data() + l * state);
  bind(layer.arguments, DNNL_ARG_DIFF_SRC_LAYER, dinput);
  bind(layer.arguments, DNNL_ARG_DIFF_SRC_ITER, train_.dfirst.h.data() + l * state);
  bind(layer.arguments, DNNL_ARG_DIFF_SRC_ITER_C, train_.dfirst.c.data() + l * state);
  bind(layer.arguments, DNNL_ARG_DIFF_WEIGHTS_LAYER, train_.dW.data());
  bind(layer.arguments, DNNL_ARG_DIFF_WEIGHTS_ITER, train_.dR.data());
  bind(layer.arguments, DNNL_ARG_DIFF_BIAS, db);
  bind(layer.arguments, DNNL_ARG_SCRATCHPAD, scratch_.data());
  // oneDNN adds to the gradients of the parameters.
  std::memset(train_.dW.data(), 0, layer.dW.get_desc().get_size());
  std::memset(train_.dR.data(), 0, layer.dR.get_desc().get_size());
  std::fill_n(db, 4 * H_, 0.0f);
  layer.primitive.execute(stream_, layer.arguments);
  layer.user_dW.set_data_handle(dW);
  layer.user_dR.set_data_handle(dR);
  layer.reorder_dW.execute(stream_, layer.dW, layer.user_dW);
  layer.reorder_dR.execute(stream_, layer.dR, layer.user_dR);
}

void OneDnnStack::backward(std::span<const float> dh, StateIn dlast, std::span<float> dx,
                           std::span<float> dweights, StateOut dinitial) {
  OneDnnPlan& plan = *kept_.plan;
  const BatchSlice& slice = kept_.slice;
  put(dlast, train_.dlast, slice);
  const float* doutput = dh.data();
  if (!slice.whole()) {
    copy_out(dh.data(), train_.dh.data(), plan.shape.T, H_, slice);
    doutput = train_.dh.data();
  }
  const bool into_dx = slice.whole() && !dx.empty();
  for (int l = L_ - 1; l >= 0; --l) {
    const auto index = static_cast<std::size_t>(l);
    float* dinput = l > 0     ? train_.doutput[index % 2].data()
                    : into_dx ? dx.data()
                              : train_.dx.data();
    run_layer_backward(plan.backward[index], l, doutput, dinput, dweights);
    if (l > 0 && kept_.dropout.rate > 0) {
      drop(kept_.dropout, l - 1, plan.shape, slice, dinput, dinput);
    }
    doutput = dinput;
  }
  stream_.wait();
  if (!into_dx && !dx.empty()) copy_back(train_.dx.data(), dx.data(), plan.shape.T, C_, slice);
  take(train_.dfirst, dinitial, slice);
}

}  // namespace sluice
