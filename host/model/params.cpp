// The map of the flat parameter buffer, and its first values.
#include "sluice/model/params.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "sluice/base/error.hpp"
#include "sluice/base/rng.hpp"

namespace sluice {

ParamLayout::ParamLayout(const ModelSpec& spec) {
  const auto add = [this](std::string name, std::vector<std::int64_t> shape) {
    std::int64_t size = 1;
    for (const std::int64_t n : shape) size *= n;
    blocks_.push_back({std::move(name), std::move(shape), size_, size});
    size_ += size;
  };
  const std::int64_t H = spec.H;
  for (int l = 0; l < spec.L; ++l) {
    add(fmt::format("lstm.weight_ih_l{}", l), {4 * H, l == 0 ? spec.inputs() : H});
    add(fmt::format("lstm.weight_hh_l{}", l), {4 * H, H});
    add(fmt::format("lstm.bias_ih_l{}", l), {4 * H});
  }
  lstm_size_ = size_;
  std::int64_t width = H + spec.head_context();
  if (spec.head_hidden > 0) {
    add("hidden.weight", {spec.head_hidden, width});
    add("hidden.bias", {spec.head_hidden});
    width = spec.head_hidden;
  }
  add("linear.weight", {spec.outputs(), width});
  add("linear.bias", {spec.outputs()});
  for (std::size_t e = 0; e < spec.embeddings.size(); ++e) {
    add(fmt::format("embedding.{}.weight", e),
        {spec.embeddings[e].cardinality, spec.embeddings[e].width});
  }
  for (std::size_t e = 0; e < spec.step_embeddings.size(); ++e) {
    add(fmt::format("step_embedding.{}.weight", e),
        {spec.step_embeddings[e].cardinality, spec.step_embeddings[e].width});
  }
}

bool ParamLayout::has(std::string_view name) const {
  return std::any_of(blocks_.begin(), blocks_.end(),
                     [&](const ParamBlock& b) { return b.name == name; });
}

const ParamBlock& ParamLayout::block(std::string_view name) const {
  for (const ParamBlock& b : blocks_) {
    if (b.name == name) return b;
  }
  throw InternalError(fmt::format("there is no parameter '{}'", name));
}

void init_params(const ModelSpec& spec, std::uint64_t seed, std::span<float> params) {
  const ParamLayout layout(spec);
  if (static_cast<std::int64_t>(params.size()) != layout.size()) {
    throw InternalError(
        fmt::format("parameter buffer of {} for {} parameters", params.size(), layout.size()));
  }
  for (const ParamBlock& block : layout.blocks()) {
    double bound = 0;
    if (block.name.starts_with("lstm.")) {
      bound = 1.0 / std::sqrt(static_cast<double>(spec.H));
    } else if (block.name.starts_with("embedding.") || block.name.starts_with("step_embedding.")) {
      bound = 0.1;
    } else if (block.name.starts_with("linear.") && spec.head_starts_at_zero) {
      bound = 0;
    } else {
      const std::string weight = block.name.substr(0, block.name.find('.')) + ".weight";
      bound = 1.0 / std::sqrt(static_cast<double>(layout.block(weight).shape[1]));
    }
    for (std::int64_t i = 0; i < block.size; ++i) {
      const auto at = static_cast<std::uint64_t>(block.offset + i);
      const Philox4 bits = philox(seed, at / 4, static_cast<std::uint64_t>(RandomUse::weights));
      const double u = static_cast<double>(to_uniform(bits.v[at % 4]));
      params[at] = static_cast<float>((2.0 * u - 1.0) * bound);
    }
    if (block.name.starts_with("lstm.bias")) {  // forget gate: rows H .. 2H
      std::fill_n(params.begin() + block.offset + spec.H, spec.H, 1.0f);
    }
    if (block.name.starts_with("step_embedding.")) {
      std::fill_n(params.begin() + block.offset, block.shape[1], 0.0f);
    }
  }
}

}  // namespace sluice
