// Sample paths on the device, as host/engine/cpu/paths.hpp walks them on the host. The steps of all
// paths of a part are one CUDA graph, which the host launches once and waits for once, for the
// values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <tuple>

#include "base/device_buffer.hpp"
#include "base/graph.hpp"
#include "engine/context.hpp"
#include "engine/row_walk.hpp"
#include "engine/shared/path_batch.hpp"
#include "engine/space.hpp"
#include "recurrence/device_recurrence.hpp"

namespace sluice {

class DevicePaths {
 public:
  /// All outlive it. `threads` put parts together on the host.
  DevicePaths(const ModelSpace& space, const DeviceSpace& resident, DeviceRecurrence& recurrence,
              Precision head, DeviceContext& context, int threads);

  /// Makes ready for `count` paths of each of N windows. True if buffers of the recurrence may have
  /// moved: graphs that hold their addresses are void then. Blocks. Throws DeviceError.
  bool prepare(std::int64_t N, std::int64_t count);

  /// Of N windows whose states after their last step are `last` [L,N,H], with the weights that the
  /// recurrence was given; params [P]; out [N, settings.count, K, M]. prepare() was told of them.
  /// Blocks.
  void walk(std::span<const Window> windows, const PathSettings& settings,
            DeviceSpan<const float> params, DeviceStateIn last, std::span<float> out);

  /// Where a buffer that the steps read or write has moved: graphs hold addresses.
  void drop_graphs();

 private:
  /// What differs between the steps of two parts and is no number in device memory: rows, paths of
  /// a window, the first of them, the seed, where the parameters are.
  using Steps = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::uint64_t, const float*>;

  void extend(const PathRows& paths, DeviceSpan<const float> params);
  PathRows to_device(DeviceSpan<const float> params, std::int64_t R);

  const DeviceSpace& resident_;
  DeviceRecurrence& recurrence_;
  DeviceContext& context_;
  PathBatch batch_;
  DeviceRowWalk rows_;
  std::set<std::int64_t> ready_;  ///< numbers of rows
  DeviceBuffer<std::byte> block_;
  PinnedBuffer<std::byte> staged_;
  DeviceBuffer<float> out_;
  PinnedBuffer<float> fetched_;
  std::set<Steps> warm_;  ///< that have run once, outside of a graph
  std::map<Steps, GraphExec> graphs_;
};

}  // namespace sluice
