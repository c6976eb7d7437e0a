// Which of a catalogue's series a model knows, by their ids, and how far.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/run/checkpoint.hpp"

namespace sluice {

/// Series of a model by id: those that the training has scaled. `model` must live as long.
class ScaledSeries {
 public:
  explicit ScaledSeries(const Model& model) : model_(model) {}
  /// Where the model has `id`. Data that were trained on have their series in the same order: by
  /// `place`, that in the catalogue, it is found at once.
  std::optional<std::int64_t> find(const std::string& id, std::int64_t place);

 private:
  const Model& model_;
  /// Views into the model; made when a series stands elsewhere.
  std::optional<std::unordered_map<std::string_view, std::int64_t>> places_;
};

/// Steps of each of the catalogue's series, from its own first one, up to which the model has been
/// trained or chosen ([S]; 0 or less: on none). These data may begin elsewhere than the training's:
/// the periods count.
std::vector<std::int64_t> seen_steps(const Model& model, const Catalog& catalog);

}  // namespace sluice
