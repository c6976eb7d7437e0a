// The CPU's own recurrence: what a thread owns, when it runs.
#pragma once

#include <memory>

#include "engine/fused/kernels.hpp"
#include "engine/recurrence.hpp"

namespace sluice {

/// Series dealt to OpenMP's threads in chunks of about 48; a thread takes a chunk through all
/// layers and steps, with the walks of kernels.hpp. Inside a parallel region it uses one
/// thread, so that it may be dealt by make_sharded_recurrence, too. The same bits for any number of
/// threads and any dealing of the series; the gradient's too, for one batch. Throws DeviceError if
/// memory does not suffice.
template <typename Number>
std::unique_ptr<Recurrence> make_fused_recurrence(int C, int H, int L,
                                                  const FusedKernels<Number>& kernels);
/// In fp32, with the kernels for this machine.
std::unique_ptr<Recurrence> make_fused_recurrence(int C, int H, int L);

}  // namespace sluice
