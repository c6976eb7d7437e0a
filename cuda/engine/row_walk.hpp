// Rows of sample paths on their way through some steps, one after the other: a sequence of launches
// that nothing waits for, and that may be captured.
#pragma once

#include <cstdint>

#include "base/device_buffer.hpp"
#include "engine/context.hpp"
#include "engine/head.hpp"
#include "engine/shared/model_space.hpp"
#include "engine/shared/path_rows.hpp"
#include "recurrence/device_recurrence.hpp"

namespace sluice {

class DeviceRowWalk {
 public:
  /// All outlive it. `head`: precision of the head's products.
  DeviceRowWalk(const ModelSpace& space, DeviceRecurrence& recurrence, Precision head,
                DeviceContext& context);

  const ModelSpec& spec() const { return spec_; }  ///< of windows of one step
  /// Makes ready for R rows: the only place that allocates. Buffers of the recurrence may move.
  /// Throws DeviceError.
  void prepare(std::int64_t R);
  /// The states of R rows [L,R,H], the caller's to fill.
  DeviceSpan<float> h(std::int64_t R) const { return h_.first(spec_.L * R * spec_.H); }
  DeviceSpan<float> c(std::int64_t R) const { return c_.first(spec_.L * R * spec_.H); }

  /// paths.horizon steps of paths.rows.N rows, with the weights that the recurrence was given;
  /// params [P]. Asynchronous.
  void enqueue(const PathRows& paths, DeviceSpan<const float> params);

 private:
  ModelSpec spec_;
  DeviceRecurrence& recurrence_;
  DeviceContext& context_;
  DeviceHead head_;
  DeviceBuffer<float> x_, h_, c_, u_;
};

}  // namespace sluice
