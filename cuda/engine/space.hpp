// The catalogue in the model's space (host/engine/shared/model_space.hpp) in device memory: all of
// it, or, where its series come with each batch (streamer.hpp), only the tables that they share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/device_buffer.hpp"
#include "engine/context.hpp"
#include "engine/shared/model_space.hpp"

namespace sluice {

enum class Resident {
  everything,
  tables  ///< calendar, lags, places of embeddings; nothing of a series
};

class DeviceSpace {
 public:
  /// The context outlives it, `space` need not. Blocks. Throws DeviceError.
  DeviceSpace(const ModelSpace& space, Resident resident, DeviceContext& context);

  Resident resident() const { return resident_; }
  /// Pointers into device memory; what is not resident has null pointers.
  const SpaceView& view() const { return view_; }

  /// What it takes.
  static std::int64_t bytes(const ModelSpace& space, Resident resident = Resident::everything);

 private:
  Resident resident_;
  DeviceBuffer<std::byte> block_;
  SpaceView view_;
};

}  // namespace sluice
