// Host arrays to the device and back, for tests: synchronous, so that a test reads top to bottom.
#pragma once

#include <span>
#include <vector>

#include "base/device_buffer.hpp"
#include "engine/device_context.hpp"

namespace sluice::testing {

template <typename T>
DeviceBuffer<T> to_device(DeviceContext& context, const std::vector<T>& values) {
  DeviceBuffer<T> buffer(context.memory(), static_cast<std::int64_t>(values.size()), "a test");
  if (!values.empty()) copy_to_device(std::span(values), buffer.span(), context.stream());
  context.synchronize();
  return buffer;
}

template <typename T>
std::vector<T> to_host(const DeviceContext& context, const DeviceBuffer<T>& buffer) {
  std::vector<T> values(static_cast<std::size_t>(buffer.size()));
  if (!values.empty()) {
    copy_to_host(DeviceSpan<const T>(buffer.span()), std::span(values), context.stream());
  }
  context.synchronize();
  return values;
}

}  // namespace sluice::testing
