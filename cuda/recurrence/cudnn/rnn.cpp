// The calls of cuDNN 9 ("v8" RNN interface), in the order in which its reference asks for them:
// forward, backward data, backward weights, with the same reserve space. Two things that it does
// not say where one looks: since 8.9.1 the sequence lengths on the device are to be null, and
// backward weights can only add, so the gradient space is set to zero before.
#include "recurrence/cudnn/rnn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "recurrence/shared/weights.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr int kGates = 4;

ElementType element_of(CudnnType type) {
  switch (type) {
    case CudnnType::bf16:
      return ElementType::bf16;
    case CudnnType::fp16:
      return ElementType::fp16;
    case CudnnType::fp32:
    case CudnnType::tf32:
      break;
  }
  return ElementType::fp32;
}

cudnnDataType_t data_type(CudnnType type) {
  switch (element_of(type)) {
    case ElementType::bf16:
      return CUDNN_DATA_BFLOAT16;
    case ElementType::fp16:
      return CUDNN_DATA_HALF;
    case ElementType::fp32:
      break;
  }
  return CUDNN_DATA_FLOAT;
}

/// By cuDNN's reference the default permits tf32 on 8.0 and newer, FMA_MATH forbids tensor cores,
/// and ALLOW_CONVERSION would round fp32 to half, which is neither fp32 nor tf32.
cudnnMathType_t math_type(CudnnType type) {
  switch (type) {
    case CudnnType::fp32:
      return CUDNN_FMA_MATH;
    case CudnnType::tf32:
      return CUDNN_DEFAULT_MATH;
    case CudnnType::bf16:
    case CudnnType::fp16:
      break;
  }
  return CUDNN_TENSOR_OP_MATH;
}

/// Ours is one bias a gate. The persistent algorithms take two or nothing (cuDNN 9.19 answers
/// NOT_SUPPORTED to all other modes); the second is zero then.
cudnnRNNBiasMode_t bias_mode(cudnnRNNAlgo_t algorithm) {
  return algorithm == CUDNN_RNN_ALGO_STANDARD ? CUDNN_RNN_SINGLE_INP_BIAS : CUDNN_RNN_DOUBLE_BIAS;
}

const char* name_of(CudnnType type) {
  switch (type) {
    case CudnnType::tf32:
      return "tf32";
    case CudnnType::bf16:
      return "bf16";
    case CudnnType::fp16:
      return "fp16";
    case CudnnType::fp32:
      break;
  }
  return "fp32";
}

std::int64_t cells(int a, int b, int c) { return std::int64_t{a} * b * c; }

RnnDataDescriptor sequences(CudnnType type, int T, int N, int width) {
  RnnDataDescriptor descriptor = make_rnn_data_descriptor();
  const std::vector<int> lengths(static_cast<std::size_t>(N), T);
  check(cudnnSetRNNDataDescriptor(descriptor.get(), data_type(type),
                                  CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED, T, N, width,
                                  lengths.data(), nullptr),
        "cudnnSetRNNDataDescriptor");
  return descriptor;
}

TensorDescriptor states(CudnnType type, int L, int N, int H) {
  TensorDescriptor descriptor = make_tensor_descriptor();
  const std::array<int, 3> sizes{L, N, H}, strides{N * H, H, 1};
  check(cudnnSetTensorNdDescriptor(descriptor.get(), data_type(type), 3, sizes.data(),
                                   strides.data()),
        "cudnnSetTensorNdDescriptor");
  return descriptor;
}

/// Elements that a descriptor from cudnnGetRNNWeightParams describes.
std::int64_t elements(const TensorDescriptor& descriptor) {
  cudnnDataType_t type{};
  int rank = 0;
  std::array<int, CUDNN_DIM_MAX> sizes{}, strides{};
  check(cudnnGetTensorNdDescriptor(descriptor.get(), CUDNN_DIM_MAX, &type, &rank, sizes.data(),
                                   strides.data()),
        "cudnnGetTensorNdDescriptor");
  std::int64_t count = 1;
  for (int i = 0; i < rank; ++i) count *= sizes[static_cast<std::size_t>(i)];
  return count;
}

}  // namespace

CudnnModel cudnn_model(const std::string& name, const CudnnSpec& spec) {
  const auto found = std::find(kCudnnRecurrences.begin(), kCudnnRecurrences.end(), name);
  if (found == kCudnnRecurrences.end()) {
    throw DeviceError(fmt::format("'{}' is no recurrence of cuDNN; it has {}", name,
                                  fmt::join(kCudnnRecurrences, ", ")));
  }
  constexpr std::array<cudnnRNNAlgo_t, 4> kAlgorithms{
      CUDNN_RNN_ALGO_STANDARD, CUDNN_RNN_ALGO_PERSIST_STATIC, CUDNN_RNN_ALGO_PERSIST_DYNAMIC,
      CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H};
  CudnnModel model;
  model.words =
      fmt::format("{} ({}, C {}, H {}, L {})", name, name_of(spec.type), spec.C, spec.H, spec.L);
  model.algorithm = kAlgorithms[static_cast<std::size_t>(found - kCudnnRecurrences.begin())];
  model.type = spec.type;
  model.C = spec.C;
  model.H = spec.H;
  model.L = spec.L;
  model.own_type = spec.own_type;
  return model;
}

CudnnDropout::CudnnDropout(cudnnHandle_t handle, DeviceContext& context)
    : descriptor_(make_dropout_descriptor()) {
  std::size_t bytes = 0;
  check(cudnnDropoutGetStatesSize(handle, &bytes), "cudnnDropoutGetStatesSize");
  states_ = DeviceBuffer<std::byte>(context.memory(), static_cast<std::int64_t>(bytes),
                                    "the states of cuDNN's dropout");
  check(cudnnSetDropoutDescriptor(descriptor_.get(), handle, 0, states_.data(), bytes, 0),
        "cudnnSetDropoutDescriptor of rate 0");
}

cudnnStatus_t describe(const CudnnModel& model, cudnnDropoutDescriptor_t dropout,
                       RnnDescriptor& descriptor) {
  cudnnRNNDescriptor_t raw = nullptr;
  const cudnnStatus_t created = cudnnCreateRNNDescriptor(&raw);
  if (created != CUDNN_STATUS_SUCCESS) return created;
  descriptor = RnnDescriptor(raw);
  return cudnnSetRNNDescriptor_v8(raw, model.algorithm, CUDNN_LSTM, bias_mode(model.algorithm),
                                  CUDNN_UNIDIRECTIONAL, CUDNN_LINEAR_INPUT, data_type(model.type),
                                  CUDNN_DATA_FLOAT, math_type(model.type), model.C, model.H,
                                  model.H, model.L, dropout, CUDNN_RNN_PADDED_IO_ENABLED);
}

CudnnRnn::CudnnRnn(cudnnHandle_t handle, const CudnnDropout& dropout, CudnnModel model,
                   DeviceContext& context)
    : handle_(handle),
      dropout_(dropout),
      model_(std::move(model)),
      context_(context),
      element_(element_of(model_.type)),
      casts_(element_ != ElementType::fp32 && !model_.own_type) {
  check(describe(model_, dropout_.get(), descriptor_),
        "cudnnSetRNNDescriptor_v8 of " + model_.words);
  std::size_t bytes = 0;
  check(cudnnGetRNNWeightSpaceSize(handle_, descriptor_.get(), &bytes),
        "cudnnGetRNNWeightSpaceSize of " + model_.words);
  weights_ = DeviceBuffer<std::byte>(context_.memory(), static_cast<std::int64_t>(bytes),
                                     "the weights in cuDNN's order");
  set_zero(weights_.span(), context_.stream());
  blocks_ = weight_blocks(descriptor_.get());
  device_blocks_ =
      DeviceBuffer<WeightBlock>(context_.memory(), static_cast<std::int64_t>(blocks_.size()),
                                "the places of cuDNN's weights");
  copy_to_device(std::span<const WeightBlock>(blocks_), device_blocks_.span(), context_.stream());
  context_.synchronize();
  map_.blocks = device_blocks_.span();
  for (const WeightBlock& block : blocks_) map_.largest = std::max(map_.largest, block.count);
}

std::vector<WeightBlock> CudnnRnn::weight_blocks(cudnnRNNDescriptor_t descriptor) const {
  const TensorDescriptor matrix = make_tensor_descriptor(), bias = make_tensor_descriptor();
  std::vector<WeightBlock> blocks;
  const auto add = [&](const void* address, const TensorDescriptor& tensor, std::int64_t flat,
                       std::int64_t count) {
    const std::ptrdiff_t at = static_cast<const std::byte*>(address) - weights_.data();
    if (elements(tensor) != count || at < 0 ||
        at + count * element_bytes(element_) > weights_.size()) {
      throw InternalError(fmt::format(
          "{}: cuDNN has {} elements at byte {} of {} where {} are expected; please report the "
          "version of cuDNN ({})",
          model_.words, elements(tensor), at, weights_.size(), count, cudnn_version()));
    }
    blocks.push_back({flat, at / element_bytes(element_), count});
  };
  const std::int64_t H = model_.H;
  for (int l = 0; l < model_.L; ++l) {
    const LayerWeights at = layer_weights(model_.C, model_.H, l);
    for (int id = 0; id < 2 * kGates; ++id) {  // i, f, g, o of W, then of R: our order too
      void *matrix_address = nullptr, *bias_address = nullptr;
      check(cudnnGetRNNWeightParams(handle_, descriptor, l,
                                    static_cast<std::size_t>(weights_.size()), weights_.data(), id,
                                    matrix.get(), &matrix_address, bias.get(), &bias_address),
            "cudnnGetRNNWeightParams of " + model_.words);
      const std::int64_t gate = id % kGates;
      const bool recurrent = id >= kGates;
      const std::int64_t columns = recurrent ? H : at.inputs;
      add(matrix_address, matrix, (recurrent ? at.R : at.W) + gate * H * columns, H * columns);
      if (!recurrent) add(bias_address, bias, at.b + gate * H, H);
    }
  }
  return blocks;
}

void CudnnRnn::ask(cudnnStatus_t status, const char* call, const CudnnPlan& plan,
                   std::source_location where) const {
  if (status == CUDNN_STATUS_SUCCESS) return;
  check(status, fmt::format("{} of {} with T {}, N {}", call, model_.words, plan.T, plan.N), where);
}

CudnnPlan CudnnRnn::plan(int T, int N, bool training) const {
  // Strides of states and rows of sequences are ints to cuDNN.
  to_int(std::int64_t{N} * model_.H, "the elements of a layer's states in cuDNN");
  to_int(std::int64_t{T} * N, "the rows of a batch in cuDNN");
  CudnnPlan plan;
  plan.T = T;
  plan.N = N;
  plan.training = training;
  if (model_.algorithm == CUDNN_RNN_ALGO_PERSIST_DYNAMIC) {
    ask(describe(model_, dropout_.get(), plan.built), "cudnnSetRNNDescriptor_v8", plan);
    ask(cudnnBuildRNNDynamic(handle_, plan.built.get(), N), "cudnnBuildRNNDynamic", plan);
    const std::vector<WeightBlock> blocks = weight_blocks(plan.built.get());
    if (!std::equal(
            blocks.begin(), blocks.end(), blocks_.begin(), blocks_.end(),
            [](const WeightBlock& a, const WeightBlock& b) { return a.space == b.space; })) {
      throw InternalError(model_.words +
                          ": cuDNN places weights by the batch; please report its version");
    }
  }
  plan.x_layout = sequences(model_.type, T, N, model_.C);
  plan.y_layout = sequences(model_.type, T, N, model_.H);
  plan.state_layout = states(model_.type, model_.L, N, model_.H);
  ask(cudnnGetRNNTempSpaceSizes(handle_, rnn(plan),
                                training ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE,
                                plan.x_layout.get(), &plan.workspace_bytes, &plan.reserve_bytes),
      "cudnnGetRNNTempSpaceSizes", plan);

  const std::int64_t size = element_bytes(element_);
  const std::int64_t input = cells(T, N, model_.C) * size, output = cells(T, N, model_.H) * size;
  ArenaLayout layout;
  plan.workspace = layout.take(static_cast<std::int64_t>(plan.workspace_bytes));
  plan.y = layout.take(output);
  if (casts_) plan.x = layout.take(input);
  const int count = training ? CudnnPlan::kStates : CudnnPlan::dhy;
  for (int i = 0; i < count; ++i) {
    plan.states[static_cast<std::size_t>(i)] = layout.take(cells(model_.L, N, model_.H) * size);
  }
  if (training) {
    plan.reserve = layout.take(static_cast<std::int64_t>(plan.reserve_bytes));
    if (casts_) plan.dy = layout.take(output);
    plan.dx = layout.take(input);
    plan.dweights = layout.take(weights_.size());
  }
  plan.arena_bytes = layout.bytes();
  return plan;
}

void CudnnRnn::rehearse(CudnnPlan& plan, DeviceSpan<const float> zeros) const {
  if (plan.training) {
    forward(plan, zeros, {}, {}, {});
    backward(plan, zeros, {}, {}, {}, {});
  } else {
    infer(plan, zeros, {}, {}, {});
  }
  context_.synchronize();
}

void CudnnRnn::load(DeviceSpan<const float> weights) {
  scatter_weights(map_, element_, weights.data(), weights_.data(), context_.stream());
}

const void* CudnnRnn::take_state(CudnnPlan& plan, CudnnPlan::State which,
                                 DeviceSpan<const float> from) const {
  if (from.empty()) return nullptr;
  void* place = plan.arena + plan.states[which];
  const std::int64_t count = cells(model_.L, plan.N, model_.H);
  if (casts_) {
    copy_as(element_, count, from.data(), place, context_.stream());
  } else {
    check(cudaMemcpyAsync(place, from.data(),
                          static_cast<std::size_t>(count * element_bytes(element_)),
                          cudaMemcpyDeviceToDevice, context_.stream()),
          "cudaMemcpyAsync of states");
  }
  return place;
}

void* CudnnRnn::state_place(CudnnPlan& plan, CudnnPlan::State which, DeviceSpan<float> to) const {
  if (to.empty()) return nullptr;
  return casts_ ? plan.arena + plan.states[which] : static_cast<void*>(to.data());
}

void CudnnRnn::give_state(const void* from, DeviceSpan<float> to) const {
  if (casts_ && !to.empty()) copy_from(element_, to.size(), from, to.data(), context_.stream());
}

void CudnnRnn::run_forward(CudnnPlan& plan, cudnnForwardMode_t mode, DeviceSpan<const float> x,
                           DeviceStateIn initial, DeviceSpan<float> h, DeviceStateOut last) const {
  cudaStream_t stream = context_.stream();
  const void* x_here = x.data();
  if (casts_) {
    copy_as(element_, cells(plan.T, plan.N, model_.C), x.data(), plan.arena + plan.x, stream);
    x_here = plan.arena + plan.x;
  }
  void* y = casts_ || h.empty() ? plan.arena + plan.y : static_cast<void*>(h.data());
  const void* hx = take_state(plan, CudnnPlan::hx, initial.h);
  const void* cx = take_state(plan, CudnnPlan::cx, initial.c);
  void* hy = state_place(plan, CudnnPlan::hy, last.h);
  void* cy = state_place(plan, CudnnPlan::cy, last.c);
  ask(cudnnRNNForward(handle_, rnn(plan), mode, nullptr, plan.x_layout.get(), x_here,
                      plan.y_layout.get(), y, plan.state_layout.get(), hx, hy,
                      plan.state_layout.get(), cx, cy, static_cast<std::size_t>(weights_.size()),
                      weights_.data(), plan.workspace_bytes, plan.arena + plan.workspace,
                      plan.training ? plan.reserve_bytes : 0,
                      plan.training ? plan.arena + plan.reserve : nullptr),
      "cudnnRNNForward", plan);
  if (casts_ && !h.empty()) {
    copy_from(element_, cells(plan.T, plan.N, model_.H), y, h.data(), stream);
  }
  give_state(hy, last.h);
  give_state(cy, last.c);
  plan.last_x = x_here;
  plan.last_y = y;
  plan.last_hx = hx;
  plan.last_cx = cx;
}

void CudnnRnn::infer(CudnnPlan& plan, DeviceSpan<const float> x, DeviceStateIn initial,
                     DeviceSpan<float> h, DeviceStateOut last) const {
  run_forward(plan, CUDNN_FWD_MODE_INFERENCE, x, initial, h, last);
}

void CudnnRnn::forward(CudnnPlan& plan, DeviceSpan<const float> x, DeviceStateIn initial,
                       DeviceSpan<float> h, DeviceStateOut last) const {
  run_forward(plan, CUDNN_FWD_MODE_TRAINING, x, initial, h, last);
}

void CudnnRnn::backward(CudnnPlan& plan, DeviceSpan<const float> dh, DeviceStateIn dlast,
                        DeviceSpan<float> dx, DeviceSpan<float> dweights,
                        DeviceStateOut dinitial) const {
  cudaStream_t stream = context_.stream();
  const void* dy = dh.data();
  if (casts_) {
    copy_as(element_, cells(plan.T, plan.N, model_.H), dh.data(), plan.arena + plan.dy, stream);
    dy = plan.arena + plan.dy;
  }
  void* dx_here = casts_ || dx.empty() ? plan.arena + plan.dx : static_cast<void*>(dx.data());
  const void* dhy = take_state(plan, CudnnPlan::dhy, dlast.h);
  const void* dcy = take_state(plan, CudnnPlan::dcy, dlast.c);
  void* dhx = state_place(plan, CudnnPlan::dhx, dinitial.h);
  void* dcx = state_place(plan, CudnnPlan::dcx, dinitial.c);
  const auto weight_bytes = static_cast<std::size_t>(weights_.size());
  ask(cudnnRNNBackwardData_v8(
          handle_, rnn(plan), nullptr, plan.y_layout.get(), plan.last_y, dy, plan.x_layout.get(),
          dx_here, plan.state_layout.get(), plan.last_hx, dhy, dhx, plan.state_layout.get(),
          plan.last_cx, dcy, dcx, weight_bytes, weights_.data(), plan.workspace_bytes,
          plan.arena + plan.workspace, plan.reserve_bytes, plan.arena + plan.reserve),
      "cudnnRNNBackwardData_v8", plan);
  if (casts_ && !dx.empty()) {
    copy_from(element_, cells(plan.T, plan.N, model_.C), dx_here, dx.data(), stream);
  }
  give_state(dhx, dinitial.h);
  give_state(dcx, dinitial.c);

  std::byte* gradients = plan.arena + plan.dweights;
  set_zero(DeviceSpan<std::byte>(gradients, weights_.size()), stream);
  ask(cudnnRNNBackwardWeights_v8(handle_, rnn(plan), CUDNN_WGRAD_MODE_ADD, nullptr,
                                 plan.x_layout.get(), plan.last_x, plan.state_layout.get(),
                                 plan.last_hx, plan.y_layout.get(), plan.last_y, weight_bytes,
                                 gradients, plan.workspace_bytes, plan.arena + plan.workspace,
                                 plan.reserve_bytes, plan.arena + plan.reserve),
      "cudnnRNNBackwardWeights_v8", plan);
  if (!dweights.empty()) gather_weights(map_, element_, gradients, dweights.data(), stream);
}

}  // namespace sluice
