// The recurrence with the whole sequence in one launch on tensor cores (mma.sync, sm_80 and newer):
// weights on chip, four gate products and the cell in one place. H <= 128, bf16 or tf32.
//
// It has never run on a GPU. What is known: nvcc compiles it, and its source has been run on a CPU
// by tests/simt. The figures below are counted, not measured.
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
  int tiles = 0;             ///< of 16 series to a CTA, at most; 0: by N
  std::int64_t workspace_bytes = std::int64_t{256} << 20;  ///< decides into how many launches
                                                           ///< inference cuts a long sequence
};

/// Throws DeviceError with the refusal. The context outlives it.
std::unique_ptr<DeviceRecurrence> make_fused_mma(const RecurrenceSpec& spec, DeviceContext& context,
                                                 const FusedMmaChoices& choices = {});

}  // namespace sluice
