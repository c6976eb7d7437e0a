// Kernels of the benchmark's own arrays: filling, and reading a few series out of many.
#pragma once

#include <cstdint>

#include "base/device_buffer.hpp"
#include "sluice/base/host_device.hpp"
#include "sluice/base/rng.hpp"

namespace sluice::bench {

/// Uniform in [-range, range), a function of key and index, on host and device.
SLUICE_HD inline float random_value(std::uint64_t key, std::int64_t index, float range) {
  return range * (2 * to_uniform(philox(key, static_cast<std::uint64_t>(index), 0).v[0]) - 1);
}

constexpr int kMostProbes = 4;
/// A few series of a batch, in ascending order.
struct Probes {
  int count = 0;
  int series[kMostProbes] = {};
};

/// out[i] = random_value(key, i, range). Asynchronous, as are the others.
void fill_random(DeviceSpan<float> out, std::uint64_t key, float range, cudaStream_t stream);
/// array [rows,B,width]: zero but for the probes.
void keep_probes(DeviceSpan<float> array, int B, int width, const Probes& probes,
                 cudaStream_t stream);
/// out [rows,probes,width] from array [rows,B,width].
void gather_probes(DeviceSpan<const float> array, int B, int width, const Probes& probes,
                   DeviceSpan<float> out, cudaStream_t stream);

}  // namespace sluice::bench
