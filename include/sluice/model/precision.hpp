// In which numbers the recurrence's products are computed. Sums, the cell state c and the master
// weights are fp32 in all of them.
//   fp32  fp32 products
//   tf32  inputs of products rounded to 10 bits of mantissa (NVIDIA tensor cores)
//   bf16  weights, h and the gates kept for backward in bfloat16 (tensor cores; x86's AVX-512 BF16)
#pragma once

#include <string_view>

namespace sluice {

enum class Precision { fp32, tf32, bf16 };

constexpr std::string_view to_string(Precision precision) {
  switch (precision) {
    case Precision::tf32:
      return "tf32";
    case Precision::bf16:
      return "bf16";
    case Precision::fp32:
      break;
  }
  return "fp32";
}

}  // namespace sluice
