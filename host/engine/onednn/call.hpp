// Turns what oneDNN throws into Sluice's DeviceError, with the shape that it refused. Private to
// the sources that use oneDNN.
#pragma once

#include <fmt/format.h>
#include <oneapi/dnnl/dnnl_debug.h>

#include <new>
#include <oneapi/dnnl/dnnl.hpp>
#include <string_view>

#include "engine/recurrence.hpp"
#include "sluice/base/error.hpp"

namespace sluice {

/// Runs `call` and gives what it gives. `what` says what was tried ("make the LSTM's backward
/// primitive"). Throws DeviceError if oneDNN or the allocator refuses.
template <typename Call>
auto onednn_call(std::string_view what, const RecurrenceShape& shape, Call call) {
  const auto refuse = [&](std::string_view status, std::string_view message) {
    return DeviceError(fmt::format(
        "oneDNN {}.{}.{} cannot {} for T={} N={} C={} H={} L={}: {} ({}); try a smaller batch, "
        "window or hidden size",
        DNNL_VERSION_MAJOR, DNNL_VERSION_MINOR, DNNL_VERSION_PATCH, what, shape.T, shape.N, shape.C,
        shape.H, shape.L, status, message));
  };
  try {
    return call();
  } catch (const dnnl::error& error) {
    throw refuse(dnnl_status2str(error.status), error.what());
  } catch (const std::bad_alloc&) {
    throw refuse("out_of_memory", "an array could not be allocated");
  }
}

}  // namespace sluice
