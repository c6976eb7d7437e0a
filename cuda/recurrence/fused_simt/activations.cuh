// The sigmoid and tanh of kernels where a step's latency counts: a power and a reciprocal of the
// special-function unit in place of exp, tanh and a division in full precision (some 25
// instructions each). Absolute errors: the power's relative error of 2^-22, and |x| 2^-24 of its
// argument's rounding, reach the sigmoid times s (1 - s), at most 1/4: below 2^-23; the reciprocal
// adds an ulp. So a sigmoid is within 2e-7, a tanh within 4e-7, as the sums of products before them
// are. Near 0 a tanh has that absolute error too, not a relative one.
#pragma once

#include "base/ptx.cuh"

namespace sluice::fused_simt {

__device__ inline float quick_sigmoid(float x) {
  return reciprocal_approx(1.0f + exp2_approx(-1.44269504f * x));
}
__device__ inline float quick_tanh(float x) {
  return 2.0f * reciprocal_approx(1.0f + exp2_approx(-2.88539008f * x)) - 1.0f;
}

}  // namespace sluice::fused_simt
