// The readable fused recurrence: fp32 on any card, one launch for all steps of a layer. Up to 96
// units R lies in registers (register_kernels.cu), beyond that in shared memory with all four gates
// of a unit in one thread (kernels.cu).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "recurrence/device_recurrence.hpp"

namespace sluice {

/// Why fused_simt cannot run that on this device, or empty.
std::string fused_simt_refusal(const RecurrenceSpec& spec, const DeviceInfo& device);
/// Throws NotSupportedError with the refusal. The context outlives it.
std::unique_ptr<DeviceRecurrence> make_fused_simt(const RecurrenceSpec& spec,
                                                  DeviceContext& context);

namespace fused_simt {

/// The choices between ways to the same numbers.
struct Form {
  /// The input product of layer 0, of the other layers, is one GEMM before the walk, not part of
  /// it.
  bool hoist_first = false, hoist_upper = false;
  /// R lies in registers (register_kernels.cu), not in shared memory (kernels.cu): H is at most
  /// kMostRegisterUnits, and what has more than register_inputs(H) inputs is hoisted.
  bool registers = false;
  /// Gradients of weights from few rows are ours, not cuBLAS's (weight_gradients.hpp).
  bool own_gradients = false;
  /// Series are cut finer until there are so many CTAs, if possible.
  int least_blocks = 1;
  /// infer() hoists over so many steps at a time that their products take at most so many floats
  /// (but at least one step).
  std::int64_t product_floats = 64 << 20;
};

/// Whether batches of spec.N sequences are done here sooner than by fused_mma in tf32: R lies in
/// registers, and each sequence has a CTA of its own at once. Measured on an H200 with 16 to 96
/// units (docs/kernels.md).
bool is_fastest(const RecurrenceSpec& spec, const DeviceInfo& device);

/// What make_fused_simt takes for this shape and device; the shape is not refused.
Form choose_form(const RecurrenceSpec& spec, const DeviceInfo& device);
/// With a form of the caller's: for tests and measurements. The same errors.
std::unique_ptr<DeviceRecurrence> make(const RecurrenceSpec& spec, DeviceContext& context,
                                       const Form& form);

}  // namespace fused_simt
}  // namespace sluice
