// The head and the loss: from h_t (and the context gathered beside it) to K x M x Q corrections of
// the base, at every trained step of every window. With forking that is a product over T N rows and
// costs as much as the recurrence, so it goes chunk by chunk: gather the context of some hundred
// rows, three products, the loss, and the products back while all of it is in cache.
//
// Rows are dealt to a fixed number of groups, each with its own gradient, summed in the order of
// the groups: the same bits for any number of threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gather.hpp"
#include "sluice/model/params.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

/// Sums over the valid targets of one pass.
struct LossSums {
  double loss = 0;           ///< weighted
  std::int64_t targets = 0;  ///< valid target values
  std::int64_t bad_series = -1;
  void add(const LossSums& other);
};

class Head {
 public:
  Head(const ModelSpec& spec, int threads);

  /// Makes ready for batches of N windows: the only place that allocates.
  void prepare(std::int64_t N);

  /// Forward, loss and backward at all steps from spec.first_head_step(). h [T,N,H] in; dh [T,N,H]
  /// out (overwritten, sums, not means); gradient: the flat buffer's head part is overwritten,
  /// embeddings are not touched; dcontext [rows, embedding_width] out.
  LossSums train(const Gather& gather, std::span<const float> params, std::span<const float> h,
                 std::span<float> dh, std::span<float> gradient, std::span<float> dcontext);

  /// At the last step only: u^ [N, K, M, Q] from h of that step [N,H]; targets in u [N, K, M] if
  /// wanted (empty: not).
  void infer(const Gather& gather, std::span<const float> params, std::span<const float> h,
             std::span<float> u, std::span<float> target);

 private:
  struct Buffers {  // of one thread, for one chunk of rows
    std::vector<float> context, base, target, hidden, out, dout, dhidden;
  };
  struct Weights;  // the head's blocks inside the flat buffer
  Weights weights(std::span<const float> params) const;
  void forward(const Weights& w, std::int64_t rows, const float* h, Buffers& b) const;
  LossSums loss(const Gather& gather, std::int64_t row, std::int64_t rows, Buffers& b) const;

  float row_loss_of(const float* target, const float* out, float share, float* dout) const;

  const ModelSpec spec_;
  const ParamLayout layout_;
  int threads_;
  std::int64_t N_ = 0, chunk_ = 0;
  std::int64_t head_size_ = 0;  ///< parameters of the head
  std::vector<float>
      output_parameter_;          ///< [K, M, Q]: the quantile of each output, or Huber's delta
  std::vector<Buffers> buffers_;  ///< [threads]
  std::vector<float> group_gradients_;  ///< [groups, head_size]
};

}  // namespace sluice
