// The words for a model's choices, in the order of their values: as settings take them and model
// files have them.
#pragma once

#include <array>
#include <string_view>

#include "sluice/data/covariates.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

constexpr std::array<std::string_view, 3> names_of(Space) { return {"linear", "log", "asinh"}; }
constexpr std::array<std::string_view, 2> names_of(Decoding) { return {"direct", "recursive"}; }
constexpr std::array<std::string_view, 3> names_of(Level) { return {"none", "mean", "smoothing"}; }
constexpr std::array<std::string_view, 5> names_of(Base) {
  return {"none", "last", "seasonal", "smoothing", "trend"};
}
constexpr std::array<std::string_view, 5> names_of(Encoding) {
  return {"standard", "binary", "ratio", "difference", "amount"};
}
constexpr std::array<std::string_view, 9> names_of(Loss) {
  return {"mse",      "mae",       "huber",   "quantile",
          "gaussian", "student_t", "poisson", "negative_binomial",
          "tweedie"};
}
constexpr std::array<std::string_view, 4> names_of(WindowScaling) {
  return {"none", "mean", "standard", "robust"};
}

}  // namespace sluice
