// The recurrence with the whole sequence in one launch on tensor cores (mma.sync, sm_80 and newer):
// weights on chip, four gate products and the cell in one place. H <= 128, bf16 or tf32.
//
// All figures here are counted; docs/kernels.md has what an H200 measured.
//
// A CTA owns 16..64 series for all T; each warp owns 8 units. R stays in the warps' registers (in
// tf32 at H > 96: half of it in shared memory), W, h, x and c in shared memory; the layouts are in
// layout.hpp, a step in forward.cuh and backward.cuh, how many series a CTA takes in tiles.hpp.
// Inference reads x and writes h. Training keeps, per unit and step, h (bf16), c (fp32) and four
// gates (16 bits each); backward reads these and dh, and writes dA (bf16), which two products read:
// one for dR, db and dW together (rows.hpp), one for dx. In tf32 all of that is fp32.
//
// Floors on an H100 in bf16, ns per series and step of one layer, from 790 TFLOP/s (mma.sync
// reaches some 62 % of that), 3.7e12 special functions/s, 3.0 TB/s and 128 bytes of shared memory a
// clock:
//
//      H    I   mma.sync   special   shared   memory: infer   train forward   train backward
//     64   16       0.08      0.09     0.08            0.10            0.39             0.51
//    128   16       0.31      0.17     0.23            0.18            0.78             1.02
//    128  128       0.53      0.17     0.60            0.26            0.85             1.02
//
// So inference at H = 64 is bound by three things at once, at H = 128 by the matrix instructions or
// shared memory, and training by memory (the products after the backward walk come on top: some 18
// H bytes: 0.38 and 0.77 ns at H = 64 and 128).
//
// Registers of a thread as nvcc 13.0 reports them, sm_80 / sm_90a; no spills:
//
//      bf16
//      Hp   inference    training  assembling    backward
//      16     84 / 86     92 / 92     83 / 85     64 / 66
//      32     90 / 92   106 / 103     88 / 92     76 / 78
//      48   101 / 100   113 / 115    99 / 100     88 / 90
//      64   108 / 108   114 / 117   106 / 110     96 / 98
//      96   122 / 123   137 / 139   122 / 126   124 / 126
//     128   112 / 114   114 / 116   113 / 118   128 / 128
//      tf32
//      16     90 / 94   100 / 103   128 / 128     84 / 88
//      32   107 / 107   119 / 119   128 / 124   106 / 110
//      48   123 / 124   131 / 135   166 / 168   120 / 124
//      64   114 / 115   115 / 121   125 / 128   128 / 126
//      96   145 / 147   149 / 152   160 / 162   164 / 162
//     128   120 / 123   120 / 123   128 / 128   124 / 124
//
// What a step issues is counted by scripts/kernel_report (docs/kernels.md).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "recurrence/device_recurrence.hpp"

namespace sluice {

/// Why fused_mma cannot run that there ("fused_mma needs H <= 128, not 200"), or empty.
std::string fused_mma_refusal(const RecurrenceSpec& spec, const DeviceInfo& device);

/// What fused_mma chooses by itself, for tests and benchmarks that choose otherwise; results are
/// the same but for rounding of the input product.
struct FusedMmaChoices {
  bool hoist_input = false;  ///< x W^T before the kernel, even where W fits into shared memory
  int tiles = 0;             ///< of 16 series to a CTA; 0: by N (tiles.hpp)
  std::int64_t workspace_bytes = std::int64_t{256} << 20;  ///< decides into how many launches
                                                           ///< inference cuts a long sequence
};

/// Throws NotSupportedError with the refusal. The context outlives it.
std::unique_ptr<DeviceRecurrence> make_fused_mma(const RecurrenceSpec& spec, DeviceContext& context,
                                                 const FusedMmaChoices& choices = {});

}  // namespace sluice
