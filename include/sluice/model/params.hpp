// All parameters of a model are one flat buffer; this is the map of it. Names, shapes and gate
// order (i, f, g, o) are PyTorch's, so that torch.nn.LSTM loads the tensors as they are. The
// recurrence comes first, layer after layer
//   lstm.weight_ih_l{k} [4H, C or H]   lstm.weight_hh_l{k} [4H, H]   lstm.bias_ih_l{k} [4H]
// (one bias a gate, as in the formula; a checkpoint adds PyTorch's second one as zeros), then the
// head
//   hidden.weight [G, H+F]  hidden.bias [G]    (only with a hidden layer of G units)
//   linear.weight [K*M*Q, G or H+F]  linear.bias [K*M*Q]
// then embedding.{i}.weight [cardinality, width], then step_embedding.{i}.weight likewise.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/model/spec.hpp"

namespace sluice {

struct ParamBlock {
  std::string name;
  std::vector<std::int64_t> shape;
  std::int64_t offset = 0;  ///< first element in the flat buffer
  std::int64_t size = 0;    ///< elements
};

class ParamLayout {
 public:
  explicit ParamLayout(const ModelSpec& spec);
  std::int64_t size() const { return size_; }            ///< P, elements of the buffer
  std::int64_t lstm_size() const { return lstm_size_; }  ///< the recurrence's part, from 0
  std::span<const ParamBlock> blocks() const { return blocks_; }
  bool has(std::string_view name) const;
  const ParamBlock& block(std::string_view name) const;  ///< throws InternalError if there is none

 private:
  std::vector<ParamBlock> blocks_;
  std::int64_t size_ = 0, lstm_size_ = 0;
};

/// PyTorch's ranges (uniform within 1/sqrt(H); 1/sqrt(fan-in) for linear layers), forget-gate bias
/// 1 (Gers 2000), the last linear layer zero if spec.head_starts_at_zero, embeddings uniform within
/// 0.1, but zero the row of a step's unknown word, which training may never meet. A pure function
/// of (spec, seed).
void init_params(const ModelSpec& spec, std::uint64_t seed, std::span<float> params);

}  // namespace sluice
