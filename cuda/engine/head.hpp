// The head and the loss on the device: from h_t (and the context gathered beside it) to K x M x Q
// corrections of the base, and back. What it computes is what host/engine/cpu/head.hpp computes.
//
// Rows go chunk by chunk, so that the workspace is bounded however many steps are trained. The
// chunk's size depends on the shape alone: the same bits whatever was made ready before.
#pragma once

#include <cstdint>

#include "base/device_buffer.hpp"
#include "base/matmul.hpp"
#include "engine/context.hpp"
#include "engine/head_kernels.hpp"
#include "engine/loss_sums.hpp"
#include "engine/shared/window_rows.hpp"
#include "sluice/model/params.hpp"
#include "sluice/model/precision.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

class DeviceHead {
 public:
  /// `chunk_rows`: most rows of a chunk; 0: as many as a bounded workspace holds. The context
  /// outlives this.
  DeviceHead(const ModelSpec& spec, Precision precision, DeviceContext& context,
             std::int64_t chunk_rows = 0);
  /// Of its products: fp32 or tf32.
  Precision precision() const { return precision_; }

  /// Makes ready for batches of up to N windows: the only place that allocates, and a graph that
  /// was captured before has to be captured again. Blocks. Throws DeviceError.
  void prepare(std::int64_t N, bool training);

  /// The part of train() that needs no h, before it and with the same arguments: may run beside the
  /// recurrence.
  void begin(const WindowRows& rows, DeviceSpan<const float> params, DeviceSpan<float> dh);
  /// After begin(): forward, loss and backward at all steps from spec.first_head_step(). Sums, not
  /// means. All but dh is beside the compute stream when it returns: there after context.join().
  ///   rows      windows and catalogue in device memory; the struct itself on the host
  ///   params    [P]
  ///   h         [patches,N,H]           in
  ///   dh        [patches,N,H]           out: overwritten
  ///   gradient  [P]                     out: the head's part is overwritten, nothing else touched
  ///   dcontext  [rows,head_embeddings]  out: empty if there are no embeddings
  ///   sums      [1]                     out: overwritten
  void train(const WindowRows& rows, DeviceSpan<const float> params, DeviceSpan<const float> h,
             DeviceSpan<float> dh, DeviceSpan<float> gradient, DeviceSpan<float> dcontext,
             DeviceSpan<DeviceLossSums> sums);

  /// The part of infer() that needs no h, as begin().
  void begin_infer(const WindowRows& rows, DeviceSpan<const float> params, DeviceSpan<float> u,
                   DeviceSpan<float> target);
  /// After begin_infer(): forecasts in the model's space at the windows' last step.
  ///   h_last [N,H]      in
  ///   u      [N,K,M,Q]  out
  ///   target [N,K,M]    out, NaN where there is none; may be empty
  void infer(const WindowRows& rows, DeviceSpan<const float> params, DeviceSpan<const float> h_last,
             DeviceSpan<float> u, DeviceSpan<float> target);

  /// Adds the loss of u [N,K,M,Q] against target [N,K,M] to sums [1], so that batches accumulate.
  void validation_loss(const WindowRows& rows, DeviceSpan<const float> u,
                       DeviceSpan<const float> target, DeviceSpan<DeviceLossSums> sums);

  const HeadOutputs& outputs() const { return outputs_; }

  /// Sets sums [1] to "nothing seen".
  void clear(DeviceSpan<DeviceLossSums> sums);

 private:
  struct Linear {  // places of one layer in the flat buffer
    std::int64_t weight = 0, bias = 0;
  };
  std::int64_t chunk_of(std::int64_t rows) const;
  void product(const MatmulShape& shape, const float* a, const float* b, float* c);
  struct Chunk;  // of the rows that are trained
  std::int64_t trained_rows(const WindowRows& rows) const;
  void gather(const WindowRows& rows, int first_step, std::int64_t row, std::int64_t count,
              const float* params, float* out, float* target);
  void forward(std::int64_t count, const float* params, const float* h, float* out);
  std::int64_t inferred_chunk(const WindowRows& rows) const;
  void hidden_gradients(const Chunk& chunk, const float* params, float* dh);
  void other_gradients(const Chunk& chunk, const float* params, const float* h, float* gradient,
                       float* dcontext);

  const ModelSpec spec_;
  DeviceContext& context_;
  Precision precision_;
  std::int64_t H_, F_, G_, E_, O_;  ///< widths: h, context, hidden, embeddings, outputs
  Linear hidden_layer_, linear_;
  std::int64_t most_rows_;  ///< of a chunk
  HeadOutputs outputs_;

  // Workspace, of one chunk each but for parts_.
  DeviceBuffer<float> parameter_, context_rows_, base_, target_, hidden_, dhidden_, out_, columns_;
  DeviceBuffer<LossPart> parts_;
};

}  // namespace sluice
