#include "gpu/bench.hpp"

#include <fmt/format.h>

namespace sluice::bench {

std::string_view to_string(Number number) {
  switch (number) {
    case Number::tf32:
      return "tf32";
    case Number::bf16:
      return "bf16";
    case Number::fp16:
      return "fp16";
    case Number::fp32:
      break;
  }
  return "fp32";
}

Number number_of(Precision precision) {
  switch (precision) {
    case Precision::tf32:
      return Number::tf32;
    case Precision::bf16:
      return Number::bf16;
    case Precision::fp32:
      break;
  }
  return Number::fp32;
}

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::backward:
      return "backward";
    case Phase::train:
      return "train";
    case Phase::forward:
      break;
  }
  return "forward";
}

GpuShape grid_shape(int H, int B) { return {.B = B, .T = 24, .I = 16, .H = H, .L = 1}; }

std::string name_of(const GpuCase& c) {
  const GpuShape& s = c.shape;
  return fmt::format("{}/{}/{}/{}/{},{},{},{},{}", c.section, c.method, to_string(c.number),
                     to_string(c.phase), s.B, s.T, s.I, s.H, s.L);
}

}  // namespace sluice::bench
