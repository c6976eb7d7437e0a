// A catalogue in the model's space, resident on the device: the arrays of
// host/engine/model_space.hpp copied once, behind the same SpaceView.
#pragma once

#include <cstdint>

#include "engine/device_context.hpp"
#include "engine/window_rows.hpp"

namespace sluice {

/// Which arrays of a space go to the device.
enum class SpacePart {
  whole,   ///< all: the catalogue is resident
  shared,  ///< what all series share: calendar, lags, embeddings' places; the rest is streamed
};

class DeviceSpace {
 public:
  /// Copies what `space` (host pointers) points to. Blocks. Throws DeviceError if memory does not
  /// suffice. The context outlives it.
  DeviceSpace(const SpaceView& space, SpacePart part, DeviceContext& context);

  /// The same sizes with device pointers; what was not copied is null.
  const SpaceView& view() const { return view_; }
  static std::int64_t bytes(const SpaceView& space, SpacePart part);

 private:
  SpaceView view_;
  DeviceBuffer<std::byte> memory_;
};

}  // namespace sluice
