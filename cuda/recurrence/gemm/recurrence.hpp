// The readable path on a GPU, for any H: the input product of many steps in one GEMM, then per step
// a GEMM of the states and one kernel for the cells. What the other recurrences are measured
// against.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/context.hpp"
#include "recurrence/device_recurrence.hpp"

namespace sluice {

/// Bytes that a share of the pre-activations [steps,N,4H] may take; at least one step is taken at a
/// time.
inline constexpr std::int64_t kGemmWorkspace = std::int64_t{256} << 20;

/// Throws DeviceError if memory does not suffice. The context outlives it. A prepare() for a larger
/// shape moves what was allocated before: graphs captured earlier are to be captured again.
std::unique_ptr<DeviceRecurrence> make_gemm_recurrence(const RecurrenceSpec& spec,
                                                       DeviceContext& context,
                                                       std::int64_t workspace = kGemmWorkspace);

}  // namespace sluice
