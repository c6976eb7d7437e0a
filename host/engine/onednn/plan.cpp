// The surprise: forward and backward primitives ask for different layouts of the same weights
// (usually [in][gate][out] forward, [gate][out][in] backward, both padded), and gradients come in a
// third. Initial and final states are always part of a primitive; where a caller has none they are
// zeros, which costs N*H of T*N*H.
#include "engine/onednn/plan.hpp"

#include <algorithm>

namespace sluice {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

constexpr auto kF32 = memory::data_type::f32;

memory empty_memory(const memory::desc& desc, const dnnl::engine& engine) {
  return memory(desc, engine, nullptr);
}

/// Descriptors of one layer's arrays; weights are left to the primitive.
struct LayerDescs {
  memory::desc src, dst, state, W, R, b, user_W, user_R;

  LayerDescs(const RecurrenceShape& shape, int inputs) {
    const memory::dim T = shape.T, N = shape.N, H = shape.H, I = inputs;
    src = {{T, N, I}, kF32, Tag::tnc};
    dst = {{T, N, H}, kF32, Tag::tnc};
    state = {{1, 1, N, H}, kF32, Tag::ldnc};
    W = {{1, 1, I, 4, H}, kF32, Tag::any};
    R = {{1, 1, H, 4, H}, kF32, Tag::any};
    b = {{1, 1, 4, H}, kF32, Tag::ldgo};
    user_W = {{1, 1, I, 4, H}, kF32, Tag::ldgoi};
    user_R = {{1, 1, H, 4, H}, kF32, Tag::ldgoi};
  }
};

dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

OneDnnWeights* find_or_add(OneDnnWeightPool& pool, const LayerDescs& descs, const memory::desc& W,
                           const memory::desc& R, const dnnl::engine& engine) {
  const auto found = std::find_if(pool.begin(), pool.end(),
                                  [&](const OneDnnWeights& known) { return known.fits(W, R); });
  if (found != pool.end()) return &*found;
  return &pool.emplace_back(engine, W, R, descs.user_W, descs.user_R);
}

OneDnnForward make_forward(const LayerDescs& descs, bool training, const dnnl::engine& engine,
                           OneDnnWeightPool& pool) {
  OneDnnForward layer;
  const auto kind =
      training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
  const dnnl::lstm_forward::desc desc(kind, dnnl::rnn_direction::unidirectional_left2right,
                                      descs.src, descs.state, descs.state, descs.W, descs.R,
                                      descs.b, descs.dst, descs.state, descs.state);
  layer.descriptor = dnnl::lstm_forward::primitive_desc(desc, user_scratchpad(), engine);
  const auto& chosen = layer.descriptor;
  layer.primitive = dnnl::lstm_forward(chosen);
  layer.weights =
      find_or_add(pool, descs, chosen.weights_layer_desc(), chosen.weights_iter_desc(), engine);
  layer.arguments = {{DNNL_ARG_SRC_LAYER, empty_memory(descs.src, engine)},
                     {DNNL_ARG_SRC_ITER, empty_memory(descs.state, engine)},
                     {DNNL_ARG_SRC_ITER_C, empty_memory(descs.state, engine)},
                     {DNNL_ARG_WEIGHTS_LAYER, layer.weights->W()},
                     {DNNL_ARG_WEIGHTS_ITER, layer.weights->R()},
                     {DNNL_ARG_BIAS, empty_memory(descs.b, engine)},
                     {DNNL_ARG_DST_LAYER, empty_memory(descs.dst, engine)},
                     {DNNL_ARG_DST_ITER, empty_memory(descs.state, engine)},
                     {DNNL_ARG_DST_ITER_C, empty_memory(descs.state, engine)},
                     {DNNL_ARG_SCRATCHPAD, empty_memory(chosen.scratchpad_desc(), engine)}};
  if (training) {
    layer.arguments.insert({DNNL_ARG_WORKSPACE, empty_memory(chosen.workspace_desc(), engine)});
  }
  return layer;
}

OneDnnBackward make_backward(const LayerDescs& descs, const OneDnnForward& forward,
                             const dnnl::engine& engine, OneDnnWeightPool& pool,
                             OneDnnPlanBytes& bytes) {
  OneDnnBackward layer;
  const dnnl::lstm_backward::desc desc(
      dnnl::prop_kind::backward, dnnl::rnn_direction::unidirectional_left2right, descs.src,
      descs.state, descs.state, descs.W, descs.R, descs.b, descs.dst, descs.state, descs.state,
      descs.src, descs.state, descs.state, descs.W, descs.R, descs.b, descs.dst, descs.state,
      descs.state);
  const dnnl::lstm_backward::primitive_desc chosen(desc, user_scratchpad(), engine,
                                                   forward.descriptor);
  layer.primitive = dnnl::lstm_backward(chosen);
  layer.weights =
      find_or_add(pool, descs, chosen.weights_layer_desc(), chosen.weights_iter_desc(), engine);
  layer.dW = empty_memory(chosen.diff_weights_layer_desc(), engine);
  layer.dR = empty_memory(chosen.diff_weights_iter_desc(), engine);
  layer.user_dW = empty_memory(descs.user_W, engine);
  layer.user_dR = empty_memory(descs.user_R, engine);
  layer.reorder_dW = dnnl::reorder(layer.dW, layer.user_dW);
  layer.reorder_dR = dnnl::reorder(layer.dR, layer.user_dR);
  layer.arguments = {{DNNL_ARG_WEIGHTS_LAYER, layer.weights->W()},
                     {DNNL_ARG_WEIGHTS_ITER, layer.weights->R()},
                     {DNNL_ARG_DIFF_SRC_LAYER, empty_memory(descs.src, engine)},
                     {DNNL_ARG_DIFF_SRC_ITER, empty_memory(descs.state, engine)},
                     {DNNL_ARG_DIFF_SRC_ITER_C, empty_memory(descs.state, engine)},
                     {DNNL_ARG_DIFF_WEIGHTS_LAYER, layer.dW},
                     {DNNL_ARG_DIFF_WEIGHTS_ITER, layer.dR},
                     {DNNL_ARG_DIFF_BIAS, empty_memory(descs.b, engine)},
                     {DNNL_ARG_DIFF_DST_LAYER, empty_memory(descs.dst, engine)},
                     {DNNL_ARG_DIFF_DST_ITER, empty_memory(descs.state, engine)},
                     {DNNL_ARG_DIFF_DST_ITER_C, empty_memory(descs.state, engine)},
                     {DNNL_ARG_SCRATCHPAD, empty_memory(chosen.scratchpad_desc(), engine)}};
  // What the forward pass read and wrote is the same memory: bound once, used by both.
  for (const int shared :
       {DNNL_ARG_SRC_LAYER, DNNL_ARG_SRC_ITER, DNNL_ARG_SRC_ITER_C, DNNL_ARG_BIAS,
        DNNL_ARG_DST_LAYER, DNNL_ARG_DST_ITER, DNNL_ARG_DST_ITER_C, DNNL_ARG_WORKSPACE}) {
    layer.arguments.insert({shared, forward.arguments.at(shared)});
  }
  bytes.scratch = std::max(bytes.scratch, chosen.scratchpad_desc().get_size());
  bytes.dW = std::max(bytes.dW, layer.dW.get_desc().get_size());
  bytes.dR = std::max(bytes.dR, layer.dR.get_desc().get_size());
  return layer;
}

}  // namespace

bool OneDnnBuffer::reserve_bytes(std::size_t bytes, const dnnl::engine& engine) {
  if (bytes <= bytes_) return false;
  const auto count = static_cast<memory::dim>(bytes);
  memory_ = memory({{count}, memory::data_type::u8, Tag::a}, engine);
  data_ = static_cast<float*>(memory_.get_data_handle());
  bytes_ = bytes;
  return true;
}

OneDnnWeights::OneDnnWeights(const dnnl::engine& engine, const memory::desc& W,
                             const memory::desc& R, const memory::desc& user_W,
                             const memory::desc& user_R)
    : W_(W, engine),
      R_(R, engine),
      user_W_(empty_memory(user_W, engine)),
      user_R_(empty_memory(user_R, engine)),
      reorder_W_(user_W_, W_),
      reorder_R_(user_R_, R_) {}

bool OneDnnWeights::fits(const memory::desc& W, const memory::desc& R) const {
  return W_.get_desc() == W && R_.get_desc() == R;
}

void OneDnnWeights::update(std::int64_t version, const float* W, const float* R,
                           const dnnl::stream& stream) {
  if (version == version_) return;
  user_W_.set_data_handle(const_cast<float*>(W));  // read only: the source of a reorder
  user_R_.set_data_handle(const_cast<float*>(R));
  reorder_W_.execute(stream, user_W_, W_);
  reorder_R_.execute(stream, user_R_, R_);
  version_ = version;
}

std::unique_ptr<OneDnnPlan> make_onednn_plan(const RecurrenceShape& shape, bool training,
                                             const dnnl::engine& engine,
                                             std::span<OneDnnWeightPool> pools) {
  auto plan = std::make_unique<OneDnnPlan>();
  plan->shape = shape;
  plan->training = training;
  OneDnnPlanBytes& bytes = plan->bytes;
  for (int l = 0; l < shape.L; ++l) {
    OneDnnWeightPool& pool = pools[static_cast<std::size_t>(l)];
    const LayerDescs descs(shape, layer_inputs(shape, l));
    plan->forward.push_back(make_forward(descs, training, engine, pool));
    const auto& chosen = plan->forward.back().descriptor;
    bytes.scratch = std::max(bytes.scratch, chosen.scratchpad_desc().get_size());
    if (!training) continue;
    bytes.workspace = std::max(bytes.workspace, chosen.workspace_desc().get_size());
    plan->backward.push_back(make_backward(descs, plan->forward.back(), engine, pool, bytes));
  }
  return plan;
}

}  // namespace sluice
