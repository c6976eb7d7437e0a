#include "engine/head.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include "engine/gather.hpp"
#include "recurrence/shared/column_sums.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr std::int64_t kChunkRows = 64 << 10;
constexpr std::int64_t kChunkBytes = 256 << 20;

}  // namespace

// The head is small beside the recurrence and its inputs are fp32 (h as the recurrence hands it
// out, the context as it was gathered): in bf16 it would be no faster for the conversions, and its
// corrections would be coarser. So bf16 means tf32 here.
DeviceHead::DeviceHead(const ModelSpec& spec, Precision precision, DeviceContext& context,
                       std::int64_t chunk_rows)
    : spec_(spec),
      context_(context),
      precision_(precision == Precision::fp32 ? Precision::fp32 : Precision::tf32),
      H_(spec.H),
      F_(spec.head_context()),
      G_(spec.head_hidden),
      E_(spec.head_embeddings()),
      O_(spec.outputs()),
      outputs_{.loss = spec.loss,
               .targets = spec.K * spec.M,
               .Q = spec.Q(),
               .based = spec.based_outputs(),
               .power = static_cast<double>(spec.tweedie_power)} {
  const ParamLayout layout(spec);
  const auto at = [&](const char* name) { return layout.block(name).offset; };
  linear_ = {at("linear.weight"), at("linear.bias")};
  if (G_ > 0) hidden_layer_ = {at("hidden.weight"), at("hidden.bias")};
  const std::int64_t row_bytes =
      static_cast<std::int64_t>(sizeof(float)) * (F_ + 2 * outputs_.targets + 2 * G_ + O_);
  most_rows_ = chunk_rows > 0 ? chunk_rows
                              : std::clamp<std::int64_t>(kChunkBytes / row_bytes, 1, kChunkRows);
}

// Equal chunks, so that the last is no sliver.
std::int64_t DeviceHead::chunk_of(std::int64_t rows) const {
  const std::int64_t chunks = (rows + most_rows_ - 1) / most_rows_;
  return (rows + chunks - 1) / chunks;
}

void DeviceHead::prepare(std::int64_t N, bool training) {
  DeviceMemory& memory = context_.memory();
  const std::int64_t trained = training ? N * (spec_.T - spec_.first_head_step()) : 0;
  const std::int64_t chunk = std::max(chunk_of(N), trained > 0 ? chunk_of(trained) : 0);
  context_rows_.grow(memory, chunk * F_, "the head's context");
  base_.grow(memory, chunk * outputs_.targets, "the head's base");
  hidden_.grow(memory, chunk * G_, "the head's hidden layer");
  const auto parts_for = [&](std::int64_t rows) {
    const std::int64_t size = chunk_of(rows);
    return (rows + size - 1) / size * loss_parts(size, outputs_);
  };
  parts_.grow(memory, std::max(parts_for(N), trained > 0 ? parts_for(trained) : 0),
              "the loss of the head's blocks");
  if (training) {
    target_.grow(memory, chunk * outputs_.targets, "the head's targets");
    dhidden_.grow(memory, chunk * G_, "the gradient of the head's hidden layer");
    out_.grow(memory, chunk * O_, "the head's outputs");
    columns_.grow(memory, column_sums_workspace(chunk, std::max(O_, G_)),
                  "the head's bias gradients");
  }
  if (parameter_.empty()) {
    std::vector<float> parameter(static_cast<std::size_t>(outputs_.Q), spec_.huber_delta);
    if (spec_.loss == Loss::quantile) parameter = spec_.quantiles;
    parameter_ = DeviceBuffer<float>(memory, outputs_.Q, "the quantiles");
    copy_to_device(std::span<const float>(parameter), parameter_.span(), context_.stream());
    context_.synchronize();
    outputs_.parameter = parameter_.data();
  }
}

void DeviceHead::product(const MatmulShape& shape, const float* a, const float* b, float* c) {
  matmul(context_.blas(), shape, precision_, a, b, c);
}

// out [count,O]: without the last bias.
void DeviceHead::forward(std::int64_t count, const float* params, const float* h, float* out) {
  const std::int64_t width = H_ + F_, n = G_ > 0 ? G_ : O_;
  const float* weight = params + (G_ > 0 ? hidden_layer_ : linear_).weight;
  float* to = G_ > 0 ? hidden_.data() : out;
  product({.m = count, .n = n, .k = H_, .transpose_b = true, .lda = H_, .ldb = width, .ldc = n}, h,
          weight, to);
  product({.m = count,
           .n = n,
           .k = F_,
           .transpose_b = true,
           .lda = F_,
           .ldb = width,
           .ldc = n,
           .beta = 1},
          context_rows_.data(), weight + H_, to);
  if (G_ == 0) return;
  add_bias_relu(count, spec_.head_hidden, params + hidden_layer_.bias, hidden_.data(),
                context_.stream());
  product({.m = count, .n = O_, .k = G_, .transpose_b = true, .lda = G_, .ldb = G_, .ldc = O_},
          hidden_.data(), params + linear_.weight, out);
}

// From the outputs' gradient in out_ to all others; the first chunk overwrites, the rest add.
void DeviceHead::backward(std::int64_t count, bool first, const float* params, const float* h,
                          float* dh, float* gradient, float* dcontext) {
  const std::int64_t width = H_ + F_;
  const float add = first ? 0.0f : 1.0f;
  const auto add_columns = [&](const float* a, std::int64_t columns, float* sums) {
    column_sums({.rows = count, .columns = columns, .pitch = columns, .add = !first}, a, sums,
                columns_.span(), context_.stream());
  };
  add_columns(out_.data(), O_, gradient + linear_.bias);
  const float* d = out_.data();  // gradient of the layer that reads [h, context]
  std::int64_t n = O_;
  Linear reader = linear_;
  if (G_ > 0) {
    product({.m = O_,
             .n = G_,
             .k = count,
             .transpose_a = true,
             .lda = O_,
             .ldb = G_,
             .ldc = G_,
             .beta = add},
            out_.data(), hidden_.data(), gradient + linear_.weight);
    product({.m = count, .n = G_, .k = O_, .lda = O_, .ldb = G_, .ldc = G_}, out_.data(),
            params + linear_.weight, dhidden_.data());
    relu_backward(count, spec_.head_hidden, hidden_.data(), dhidden_.data(), context_.stream());
    add_columns(dhidden_.data(), G_, gradient + hidden_layer_.bias);
    d = dhidden_.data(), n = G_, reader = hidden_layer_;
  }
  const float* weight = params + reader.weight;
  float* dweight = gradient + reader.weight;
  product({.m = n,
           .n = H_,
           .k = count,
           .transpose_a = true,
           .lda = n,
           .ldb = H_,
           .ldc = width,
           .beta = add},
          d, h, dweight);
  product({.m = n,
           .n = F_,
           .k = count,
           .transpose_a = true,
           .lda = n,
           .ldb = F_,
           .ldc = width,
           .beta = add},
          d, context_rows_.data(), dweight + H_);
  product({.m = count, .n = H_, .k = n, .lda = n, .ldb = width, .ldc = H_}, d, weight, dh);
  product({.m = count, .n = E_, .k = n, .lda = n, .ldb = width, .ldc = E_}, d, weight + width - E_,
          dcontext);
}

void DeviceHead::train(const WindowRows& rows, DeviceSpan<const float> params,
                       DeviceSpan<const float> h, DeviceSpan<float> dh, DeviceSpan<float> gradient,
                       DeviceSpan<float> dcontext, DeviceSpan<DeviceLossSums> sums) {
  const cudaStream_t stream = context_.stream();
  const int first = spec_.first_head_step();
  const std::int64_t total = rows.N * (spec_.T - first), chunk = chunk_of(total);
  if (chunk * O_ > out_.size()) throw InternalError("the head was not made ready for this batch");
  set_zero(dh.first(first * rows.N * H_), stream);
  std::int64_t parts = 0;
  for (std::int64_t row = 0; row < total; row += chunk) {
    const HeadRowRange range{
        .first_step = first, .row = row, .count = std::min(chunk, total - row)};
    gather_head(rows, first, row, range.count, static_cast<int>(F_), context_rows_.data(),
                base_.data(), target_.data(), stream);
    const std::int64_t h_at = (first * rows.N + row) * H_;
    forward(range.count, params.data(), h.data() + h_at, out_.data());
    training_loss(rows, outputs_, range, params.data() + linear_.bias, base_.data(), target_.data(),
                  out_.data(), parts_.data() + parts, stream);
    parts += loss_parts(range.count, outputs_);
    backward(range.count, row == 0, params.data(), h.data() + h_at, dh.data() + h_at,
             gradient.data(), dcontext.data() + row * E_);
  }
  finish_loss(rows, parts_.data(), parts, false, sums.data(), stream);
}

void DeviceHead::infer(const WindowRows& rows, DeviceSpan<const float> params,
                       DeviceSpan<const float> h_last, DeviceSpan<float> u,
                       DeviceSpan<float> target) {
  const cudaStream_t stream = context_.stream();
  const std::int64_t chunk = chunk_of(rows.N);
  if (chunk * outputs_.targets > base_.size()) {
    throw InternalError("the head was not made ready for this batch");
  }
  for (std::int64_t row = 0; row < rows.N; row += chunk) {
    const std::int64_t count = std::min(chunk, rows.N - row);
    gather_head(rows, spec_.T - 1, row, count, static_cast<int>(F_), context_rows_.data(),
                base_.data(), target.empty() ? nullptr : target.data() + row * outputs_.targets,
                stream);
    float* out = u.data() + row * O_;
    forward(count, params.data(), h_last.data() + row * H_, out);
    add_bias_base(count, outputs_, params.data() + linear_.bias, base_.data(), out, stream);
  }
}

void DeviceHead::validation_loss(const WindowRows& rows, DeviceSpan<const float> u,
                                 DeviceSpan<const float> target, DeviceSpan<DeviceLossSums> sums) {
  const std::int64_t chunk = chunk_of(rows.N);
  if (chunk * outputs_.targets > base_.size()) {
    throw InternalError("the head was not made ready for this batch");
  }
  std::int64_t parts = 0;
  for (std::int64_t row = 0; row < rows.N; row += chunk) {
    const HeadRowRange range{
        .first_step = spec_.T - 1, .row = row, .count = std::min(chunk, rows.N - row)};
    forecast_loss(rows, outputs_, range, u.data() + row * O_,
                  target.data() + row * outputs_.targets, parts_.data() + parts, context_.stream());
    parts += loss_parts(range.count, outputs_);
  }
  finish_loss(rows, parts_.data(), parts, true, sums.data(), context_.stream());
}

void DeviceHead::clear(DeviceSpan<DeviceLossSums> sums) {
  clear_sums(sums.data(), context_.stream());
}

}  // namespace sluice
