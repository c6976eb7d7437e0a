// The CUDA devices of this machine, as names of engine.device and as `sluice info` lists them.
#pragma once

#include <string>
#include <vector>

#include "base/ranks/ranks.hpp"

namespace sluice {

/// The device that "cuda" (the first one) or "cuda:N" means; -1 if `name` is no such name. Whether
/// there is such a device is not asked.
int device_number(const std::string& name);

/// The device of the process with this place among those of its machine, from 0: each takes one,
/// and where there are fewer, they share them.
int own_device(int place);

/// Throws DeviceError unless "auto" means a GPU on all ranks, or on none: `usable` here. Called by
/// all. Blocks.
void check_usable_alike(Ranks& ranks, bool usable);

/// Whether "auto" takes the first device: it is there, and new enough.
bool has_usable_device();

/// "cuda:0  NVIDIA H100 80GB HBM3, compute capability 9.0, ..." of each device, or why it cannot be
/// used; one line, "none: ...", where there are none. The calling thread's current device stays.
std::vector<std::string> device_texts();

}  // namespace sluice
