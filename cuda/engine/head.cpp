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
  const std::int64_t trained = training ? N * (spec_.patches() - spec_.first_head_step()) : 0;
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

struct DeviceHead::Chunk {
  std::int64_t row = 0, count = 0;
};

// What of the layer that reads [h, context] needs no h: the context, and its product.
void DeviceHead::gather(const WindowRows& rows, int first_step, std::int64_t row,
                        std::int64_t count, const float* params, float* out, float* target) {
  gather_head(rows, first_step, row, count, static_cast<int>(F_), context_rows_.data(),
              base_.data(), target, context_.stream());
  const std::int64_t n = G_ > 0 ? G_ : O_;
  const float* weight = params + (G_ > 0 ? hidden_layer_ : linear_).weight;
  product({.m = count, .n = n, .k = F_, .transpose_b = true, .lda = F_, .ldb = H_ + F_, .ldc = n},
          context_rows_.data(), weight + H_, G_ > 0 ? hidden_.data() : out);
}

// After gather(). out [count,O]: without the last bias.
void DeviceHead::forward(std::int64_t count, const float* params, const float* h, float* out) {
  const std::int64_t n = G_ > 0 ? G_ : O_;
  product({.m = count,
           .n = n,
           .k = H_,
           .transpose_b = true,
           .lda = H_,
           .ldb = H_ + F_,
           .ldc = n,
           .beta = F_ > 0 ? 1.0f : 0.0f},
          h, params + (G_ > 0 ? hidden_layer_ : linear_).weight, G_ > 0 ? hidden_.data() : out);
  if (G_ == 0) return;
  add_bias_relu(count, spec_.head_hidden, params + hidden_layer_.bias, hidden_.data(),
                context_.stream());
  product({.m = count, .n = O_, .k = G_, .transpose_b = true, .lda = G_, .ldb = G_, .ldc = O_},
          hidden_.data(), params + linear_.weight, out);
}

// From the outputs' gradient in out_ to that of h, which the recurrence waits for.
void DeviceHead::hidden_gradients(const Chunk& chunk, const float* params, float* dh) {
  const std::int64_t width = H_ + F_, count = chunk.count, n = G_ > 0 ? G_ : O_;
  const float* d = out_.data();  // gradient of the layer that reads [h, context]
  if (G_ > 0) {
    product({.m = count, .n = G_, .k = O_, .lda = O_, .ldb = G_, .ldc = G_}, out_.data(),
            params + linear_.weight, dhidden_.data());
    relu_backward(count, spec_.head_hidden, hidden_.data(), dhidden_.data(), context_.stream());
    d = dhidden_.data();
  }
  const float* weight = params + (G_ > 0 ? hidden_layer_ : linear_).weight;
  product({.m = count, .n = H_, .k = n, .lda = n, .ldb = width, .ldc = H_}, d, weight, dh);
}

// What nothing on the compute stream waits for, after hidden_gradients(); the first chunk
// overwrites, the rest add.
void DeviceHead::other_gradients(const Chunk& chunk, const float* params, const float* h,
                                 float* gradient, float* dcontext) {
  const std::int64_t width = H_ + F_, count = chunk.count, n = G_ > 0 ? G_ : O_;
  const bool first = chunk.row == 0;
  const auto add_columns = [&](const float* a, std::int64_t columns, float* sums) {
    column_sums({.rows = count, .columns = columns, .pitch = columns, .add = !first}, a, sums,
                columns_.span(), context_.stream());
  };
  const auto add_product = [&](std::int64_t outputs, std::int64_t inputs, std::int64_t pitch,
                               const float* d, const float* in, float* to) {
    product({.m = outputs,
             .n = inputs,
             .k = count,
             .transpose_a = true,
             .lda = outputs,
             .ldb = inputs,
             .ldc = pitch,
             .beta = first ? 0.0f : 1.0f},
            d, in, to);
  };
  add_columns(out_.data(), O_, gradient + linear_.bias);
  const float* d = out_.data();
  float* to = gradient + linear_.weight;
  if (G_ > 0) {
    add_product(O_, G_, G_, d, hidden_.data(), to);
    d = dhidden_.data(), to = gradient + hidden_layer_.weight;
    add_columns(d, G_, gradient + hidden_layer_.bias);
  }
  add_product(n, H_, width, d, h, to);
  add_product(n, F_, width, d, context_rows_.data(), to + H_);
  const float* weight = params + (G_ > 0 ? hidden_layer_ : linear_).weight;
  product({.m = count, .n = E_, .k = n, .lda = n, .ldb = width, .ldc = E_}, d, weight + width - E_,
          dcontext);
}

/// Rows of a training step. Throws InternalError unless prepare() was told of them.
std::int64_t DeviceHead::trained_rows(const WindowRows& rows) const {
  const std::int64_t total = rows.N * (spec_.patches() - spec_.first_head_step());
  if (chunk_of(total) * O_ > out_.size()) {
    throw InternalError("the head was not made ready for this batch");
  }
  return total;
}

// Where there are several chunks, they share the workspace: train() gathers them.
void DeviceHead::begin(const WindowRows& rows, DeviceSpan<const float> params,
                       DeviceSpan<float> dh) {
  const int first = spec_.first_head_step();
  const std::int64_t total = trained_rows(rows);
  set_zero(dh.first(first * rows.N * H_), context_.stream());
  if (chunk_of(total) < total) return;
  gather(rows, first, 0, total, params.data(), out_.data(), target_.data());
}

void DeviceHead::train(const WindowRows& rows, DeviceSpan<const float> params,
                       DeviceSpan<const float> h, DeviceSpan<float> dh, DeviceSpan<float> gradient,
                       DeviceSpan<float> dcontext, DeviceSpan<DeviceLossSums> sums) {
  const int first = spec_.first_head_step();
  const std::int64_t total = trained_rows(rows), most = chunk_of(total);
  std::int64_t parts = 0;
  for (std::int64_t row = 0; row < total; row += most) {
    const Chunk chunk{.row = row, .count = std::min(most, total - row)};
    if (most < total) {
      context_.join();  // the chunk before is done with the workspace
      gather(rows, first, row, chunk.count, params.data(), out_.data(), target_.data());
    }
    const std::int64_t h_at = (first * rows.N + row) * H_;
    forward(chunk.count, params.data(), h.data() + h_at, out_.data());
    const HeadRowRange range{.first_step = first, .row = row, .count = chunk.count};
    training_loss(rows, outputs_, range, params.data() + linear_.bias, base_.data(), target_.data(),
                  out_.data(), parts_.data() + parts, context_.stream());
    parts += loss_parts(chunk.count, outputs_);
    hidden_gradients(chunk, params.data(), dh.data() + h_at);
    context_.beside([&] {
      other_gradients(chunk, params.data(), h.data() + h_at, gradient.data(),
                      dcontext.data() + row * E_);
    });
  }
  context_.beside(
      [&] { finish_loss(rows, parts_.data(), parts, false, sums.data(), context_.stream()); });
}

/// Rows of a chunk of an inference. Throws InternalError unless prepare() was told of them.
std::int64_t DeviceHead::inferred_chunk(const WindowRows& rows) const {
  const std::int64_t chunk = chunk_of(rows.N);
  if (chunk * outputs_.targets > base_.size()) {
    throw InternalError("the head was not made ready for this batch");
  }
  return chunk;
}

// As begin().
void DeviceHead::begin_infer(const WindowRows& rows, DeviceSpan<const float> params,
                             DeviceSpan<float> u, DeviceSpan<float> target) {
  if (inferred_chunk(rows) < rows.N) return;
  gather(rows, spec_.patches() - 1, 0, rows.N, params.data(), u.data(),
         target.empty() ? nullptr : target.data());
}

void DeviceHead::infer(const WindowRows& rows, DeviceSpan<const float> params,
                       DeviceSpan<const float> h_last, DeviceSpan<float> u,
                       DeviceSpan<float> target) {
  const std::int64_t chunk = inferred_chunk(rows);
  for (std::int64_t row = 0; row < rows.N; row += chunk) {
    const std::int64_t count = std::min(chunk, rows.N - row);
    float* out = u.data() + row * O_;
    if (chunk < rows.N) {
      gather(rows, spec_.patches() - 1, row, count, params.data(), out,
             target.empty() ? nullptr : target.data() + row * outputs_.targets);
    }
    forward(count, params.data(), h_last.data() + row * H_, out);
    add_bias_base(count, outputs_, params.data() + linear_.bias, base_.data(), out,
                  context_.stream());
  }
}

void DeviceHead::validation_loss(const WindowRows& rows, DeviceSpan<const float> u,
                                 DeviceSpan<const float> target, DeviceSpan<DeviceLossSums> sums) {
  const std::int64_t chunk = inferred_chunk(rows);
  std::int64_t parts = 0;
  for (std::int64_t row = 0; row < rows.N; row += chunk) {
    const HeadRowRange range{
        .first_step = spec_.patches() - 1, .row = row, .count = std::min(chunk, rows.N - row)};
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
