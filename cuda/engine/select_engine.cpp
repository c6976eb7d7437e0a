// Which engine a device name means in a build with CUDA (host/engine/cpu/only.cpp is the other
// one).
#include <fmt/core.h>

#include "engine/context.hpp"
#include "sluice/base/error.hpp"
#include "sluice/engine/engine.hpp"

namespace sluice {
namespace {

/// The device, or nothing and why.
struct Found {
  bool usable = false;
  std::string text;
};

Found find_device() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || count == 0) {
    static_cast<void>(cudaGetLastError());
    return {false, status != cudaSuccess ? cudaGetErrorString(status) : "there is no device"};
  }
  try {
    const DeviceInfo info = current_device();
    return {true,
            fmt::format("{}, compute capability {}.{}, {} multiprocessors, {:.1f} GiB, CUDA "
                        "{}.{} (driver {}.{})",
                        info.name, info.compute_capability / 10, info.compute_capability % 10,
                        info.multiprocessors, static_cast<double>(info.memory_bytes) / (1 << 30),
                        info.runtime / 1000, info.runtime % 1000 / 10, info.driver / 1000,
                        info.driver % 1000 / 10)};
  } catch (const DeviceError& error) {
    return {false, error.what()};
  }
}

}  // namespace

std::unique_ptr<Engine> make_engine(const std::string& device, const EngineSetup& setup) {
  if (device == "cpu") return make_cpu_engine(setup);
  if (device == "cuda") return make_cuda_engine(setup);
  if (device != "auto") {
    throw DeviceError(fmt::format(
        "engine.device = \"{}\": there is no such engine; choose auto, cpu or cuda", device));
  }
  return find_device().usable ? make_cuda_engine(setup) : make_cpu_engine(setup);
}

std::string cuda_device_text() {
  const Found found = find_device();
  return found.usable ? found.text : "none: " + found.text;
}

}  // namespace sluice
