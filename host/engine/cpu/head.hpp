// The head and the loss: from h_t (and the context gathered beside it) to K x M x Q corrections of
// the base, at every trained step of every window. With forking that is a product over T N rows and
// costs as much as the recurrence, so it goes chunk by chunk: gather the context of some hundred
// rows beside h, the products, the loss, and the products back while all of it is in cache.
//
// Rows are dealt to a fixed number of groups, each with its own gradient, summed in the order of
// the groups: the same bits for any number of threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/cpu/head_layer.hpp"
#include "engine/shared/aligned_array.hpp"
#include "engine/shared/gather.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

/// Sums over the valid targets of one pass.
struct LossSums {
  double loss = 0;           ///< weighted
  std::int64_t targets = 0;  ///< valid target values
  std::int64_t bad_series = -1;
  void add(const LossSums& other);
};

/// The hidden layer, if there is one, and the linear one. Within the head outputs are in the order
/// [Q, K, M]: there is one base and one target to Q of them.
std::vector<HeadLayer> head_layers(const ModelSpec& spec);

class Head {
 public:
  Head(const ModelSpec& spec, int threads);

  /// Makes ready for batches of N windows, to be trained on or not: the only place that allocates.
  void prepare(std::int64_t N, bool training);

  /// Forward, loss and backward at all steps from spec.first_head_step(). h [patches,N,H] in; dh
  /// [patches,N,H] out (overwritten, sums, not means); gradient: the flat buffer's head part is
  /// overwritten, embeddings are not touched; dcontext [rows, head_embeddings] out.
  LossSums train(const Gather& gather, std::span<const float> params, std::span<const float> h,
                 std::span<float> dh, std::span<float> gradient, std::span<float> dcontext);

  /// At the last step only: u^ [N, K, M, Q] from h of that step [N,H]; targets in u [N, K, M] if
  /// wanted (empty: not).
  void infer(const Gather& gather, std::span<const float> params, std::span<const float> h,
             std::span<float> u, std::span<float> target);

 private:
  struct Buffers {  // of one thread, for one chunk of rows
    AlignedArray<float> input, base, target, hidden, dhidden, out;
  };
  struct Rows {  // of one chunk, from row `begin` on
    std::int64_t begin, count;
    const float* input;  ///< [count, H+F]: h and its context
    std::int64_t stride;
  };
  Rows gather_rows(const Gather& gather, std::span<const float> params, int first_step,
                   std::int64_t begin, std::int64_t count, const float* h, bool targets,
                   Buffers& b) const;
  /// `few`: without products that have to be made ready.
  void forward(const Rows& rows, bool few, Buffers& b) const;
  LossSums loss(const Gather& gather, const Rows& rows, Buffers& b, float* dbias) const;
  float row_loss(const float* distance, float share, float* out, float* dbias) const;
  double row_likelihood(const WindowRows& batch, std::int64_t n, std::int64_t t, const float* base,
                        const float* target, float weight, float* out, float* dbias) const;
  void backward(const Rows& rows, bool add, Buffers& b, float* dh, float* dcontext,
                float* gradient) const;
  const HeadLayer& reader() const { return layers_.front(); }  ///< of h and its context
  const HeadLayer& writer() const { return layers_.back(); }   ///< of the outputs
  /// The writer's part of a gradient of all layers.
  float* of_writer(float* gradient) const {
    return gradient + gradient_size_ - writer().gradient_size();
  }

  const ModelSpec spec_;
  const std::int64_t KM_;
  int threads_;
  std::int64_t N_ = 0;
  std::vector<HeadLayer> layers_;
  std::vector<float> output_parameter_;  ///< [Q]: the quantile, or Huber's delta
  std::vector<Buffers> buffers_;         ///< [threads]
  std::int64_t gradient_size_ = 0;       ///< of all layers
  AlignedArray<float> group_gradients_;  ///< [groups, gradient_size]
};

}  // namespace sluice
