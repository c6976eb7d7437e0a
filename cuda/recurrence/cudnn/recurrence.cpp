// cuDNN as a DeviceRecurrence. All layers are one cuDNN call, so that it may overlap them; with
// dropout each layer is a call of its own with our dropout between them, because cuDNN's own draws
// other masks. Which of the two is known only in forward(), so prepare() lays out both over the
// same memory.
#include "recurrence/cudnn/recurrence.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "recurrence/cudnn/library.hpp"
#include "recurrence/cudnn/rnn.hpp"
#include "recurrence/shared/dropout.hpp"
#include "recurrence/shared/weights.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

CudnnSpec cudnn_spec(const RecurrenceSpec& spec) {
  CudnnSpec out;
  out.C = spec.C;
  out.H = spec.H;
  out.L = spec.L;
  out.type = spec.precision == Precision::bf16   ? CudnnType::bf16
             : spec.precision == Precision::tf32 ? CudnnType::tf32
                                                 : CudnnType::fp32;
  out.dropout = spec.dropout;
  return out;
}

class CudnnRecurrence final : public DeviceRecurrence {
 public:
  CudnnRecurrence(std::string name, const CudnnSpec& spec, DeviceContext& context)
      : name_(std::move(name)),
        spec_(spec),
        context_(context),
        handle_(make_cudnn_handle(context.stream())),
        dropout_states_(handle_.get(), context),
        stack_(handle_.get(), dropout_states_, cudnn_model(name_, spec), context) {
    if (spec.L == 1 || !spec.dropout) return;
    for (int l = 0; l < spec.L; ++l) {
      CudnnSpec layer = spec;
      layer.C = l == 0 ? spec.C : spec.H;
      layer.L = 1;
      layers_.emplace_back(handle_.get(), dropout_states_, cudnn_model(name_, layer), context);
    }
  }

  std::string name() const override { return name_; }
  // cuDNN may allocate or ask events in a call; what is captured is still only what it enqueues.
  cudaStreamCaptureMode capture_mode() const override { return cudaStreamCaptureModeRelaxed; }

  void prepare(int T, int N, bool training) override {
    if (shapes_.count({T, N, training}) != 0) return;
    Shape shape;
    shape.stack = stack_.plan(T, N, training);
    std::int64_t bytes = shape.stack.arena_bytes;
    if (training && !layers_.empty()) bytes = std::max(bytes, plan_layers(shape));
    shape.arena = DeviceBuffer<std::byte>(context_.memory(), bytes, "the work space of cuDNN");
    shape.place();

    DeviceBuffer<float> zeros(context_.memory(), std::int64_t{T} * N * std::max(spec_.C, spec_.H),
                              "the rehearsal of cuDNN");
    set_zero(zeros.span(), context_.stream());
    stack_.rehearse(shape.stack, zeros.span());
    for (std::size_t l = 0; l < shape.layers.size(); ++l) {
      layers_[l].rehearse(shape.layers[l], zeros.span());
    }
    shapes_.emplace(Key{T, N, training}, std::move(shape));
  }

  void load(DeviceSpan<const float> weights) override {
    stack_.load(weights);
    for (int l = 0; l < static_cast<int>(layers_.size()); ++l) {
      layers_[static_cast<std::size_t>(l)].load(part(weights, l));
    }
  }

  void infer(int T, int N, const RecurrenceInput& input, DeviceStateIn initial, DeviceSpan<float> h,
             DeviceStateOut last) override {
    if (input.rows != nullptr) {
      throw InternalError(name_ + " does not assemble its input: give x, not rows");
    }
    stack_.infer(prepared(T, N, false).stack, input.x, initial, h, last);
  }

  void forward(int T, int N, DeviceSpan<const float> x, DeviceStateIn initial,
               DeviceDropout dropout, DeviceSpan<float> h, DeviceStateOut last) override {
    Shape& shape = prepared(T, N, true);
    current_ = &shape;
    dropout_ = dropout;
    if (!by_layers()) {
      stack_.forward(shape.stack, x, initial, h, last);
      return;
    }
    if (layers_.empty()) {
      throw InternalError(name_ + " was made without dropout (CudnnSpec::dropout)");
    }
    const int top = spec_.L - 1;
    for (int l = 0; l <= top; ++l) {
      const DeviceSpan<const float> in = l == 0 ? x : shape.dropped(l - 1);
      const DeviceSpan<float> out = l == top ? h : shape.output(l);
      layers_[static_cast<std::size_t>(l)].forward(shape.layers[static_cast<std::size_t>(l)], in,
                                                   of_layer(initial, N, l), out,
                                                   of_layer(last, N, l));
      if (l < top) drop(shape, l, out.data(), shape.dropped(l).data());
    }
  }

  void backward(DeviceSpan<const float> dh, DeviceStateIn dlast, DeviceSpan<float> dx,
                DeviceSpan<float> dweights, DeviceStateOut dinitial) override {
    if (current_ == nullptr) throw InternalError(name_ + ": backward() before forward()");
    Shape& shape = *current_;
    if (!by_layers()) {
      stack_.backward(shape.stack, dh, dlast, dx, dweights, dinitial);
      return;
    }
    for (int l = spec_.L - 1; l >= 0; --l) {
      const DeviceSpan<float> din = l == 0 ? dx : shape.gradient(l % 2);
      layers_[static_cast<std::size_t>(l)].backward(
          shape.layers[static_cast<std::size_t>(l)], dh, of_layer(dlast, shape.stack.N, l), din,
          part(dweights, l), of_layer(dinitial, shape.stack.N, l));
      if (l == 0) break;
      drop(shape, l - 1, din.data(), din.data());
      dh = din;
    }
  }

 private:
  /// What is ready for one (T, N). With layers, `width` = T N H floats each: the outputs and the
  /// dropped outputs of all layers but the last, and two gradients between layers.
  struct Shape {
    CudnnPlan stack;
    std::vector<CudnnPlan> layers;
    std::vector<std::int64_t> layer_at;
    std::int64_t width = 0, between = 0;
    DeviceBuffer<std::byte> arena;

    void place() {
      stack.arena = arena.data();
      for (std::size_t l = 0; l < layers.size(); ++l) layers[l].arena = arena.data() + layer_at[l];
    }
    DeviceSpan<float> array(int index) const {
      return {reinterpret_cast<float*>(arena.data() + between) + index * width, width};
    }
    DeviceSpan<float> gradient(int index) const { return array(index); }
    DeviceSpan<float> output(int l) const { return array(2 + 2 * l); }
    DeviceSpan<float> dropped(int l) const { return array(3 + 2 * l); }
  };
  using Key = std::tuple<int, int, bool>;

  /// Lays out the way with dropout; gives the bytes that it needs.
  std::int64_t plan_layers(Shape& shape) const {
    ArenaLayout layout;
    const int T = shape.stack.T, N = shape.stack.N;
    for (const CudnnRnn& layer : layers_) {
      shape.layers.push_back(layer.plan(T, N, true));
      shape.layer_at.push_back(layout.take(shape.layers.back().arena_bytes));
    }
    shape.width = std::int64_t{T} * N * spec_.H;
    shape.between = layout.take(2 * spec_.L * shape.width * 4);
    return layout.bytes();
  }

  Shape& prepared(int T, int N, bool training) {
    const auto found = shapes_.find({T, N, training});
    if (found == shapes_.end()) {
      throw InternalError(fmt::format("{} was not prepared for T {}, N {}{}", name_, T, N,
                                      training ? " with training" : ""));
    }
    return found->second;
  }

  bool by_layers() const { return dropout_.rate > 0 && spec_.L > 1; }

  void drop(const Shape& shape, int l, const float* from, float* to) const {
    apply_dropout(dropout_, l,
                  {.rows = std::int64_t{shape.stack.T} * shape.stack.N,
                   .H = spec_.H,
                   .from_pitch = spec_.H,
                   .to_pitch = spec_.H},
                  from, to, context_.stream());
  }

  /// Layer l's part of the flat weights or their gradients.
  template <typename T>
  DeviceSpan<T> part(DeviceSpan<T> weights, int l) const {
    if (weights.empty()) return {};
    const LayerWeights at = layer_weights(spec_.C, spec_.H, l);
    return weights.subspan(at.W, at.end(spec_.H) - at.W);
  }

  /// Layer l's [1,N,H] of states [L,N,H].
  template <typename State>
  State of_layer(const State& states, int N, int l) const {
    const std::int64_t size = std::int64_t{N} * spec_.H;
    State layer;
    if (!states.h.empty()) layer.h = states.h.subspan(l * size, size);
    if (!states.c.empty()) layer.c = states.c.subspan(l * size, size);
    return layer;
  }

  std::string name_;
  CudnnSpec spec_;
  DeviceContext& context_;
  CudnnHandle handle_;
  CudnnDropout dropout_states_;  ///< of no dropout; what drops is `drop`
  CudnnRnn stack_;
  std::vector<CudnnRnn> layers_;  ///< empty if there is nothing to drop between
  std::map<Key, Shape> shapes_;
  Shape* current_ = nullptr;  ///< of the last forward
  DeviceDropout dropout_;     ///< of the last forward
};

}  // namespace

std::string cudnn_listing() { return cudnn_library().listing(); }

std::string cudnn_version() {
  if (!cudnn_library().trouble().empty()) return {};
  const std::size_t version = cudnnGetVersion();
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

std::string cudnn_refusal(const std::string& name, const CudnnSpec& spec) {
  const CudnnModel model = cudnn_model(name, spec);
  if (!cudnn_library().trouble().empty()) return cudnn_library().trouble();
  RnnDescriptor descriptor;
  const cudnnStatus_t status = describe(model, nullptr, descriptor);
  if (status == CUDNN_STATUS_SUCCESS) return {};
  return fmt::format("cuDNN {} refuses {}: {}", cudnn_version(), model.words, words_of(status));
}

std::string cudnn_refusal(const std::string& name, const RecurrenceSpec& spec, const DeviceInfo&) {
  return cudnn_refusal(name, cudnn_spec(spec));
}

std::unique_ptr<DeviceRecurrence> make_cudnn_recurrence(const std::string& name,
                                                        const CudnnSpec& spec,
                                                        DeviceContext& context) {
  const std::string refusal = cudnn_refusal(name, spec);
  if (!refusal.empty()) {
    throw NotSupportedError(refusal + "; choose cudnn_standard, gemm or fused (engine.recurrence)");
  }
  return std::make_unique<CudnnRecurrence>(name, spec, context);
}

std::unique_ptr<DeviceRecurrence> make_cudnn_recurrence(const std::string& name,
                                                        const RecurrenceSpec& spec,
                                                        DeviceContext& context) {
  return make_cudnn_recurrence(name, cudnn_spec(spec), context);
}

}  // namespace sluice
