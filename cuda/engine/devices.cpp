#include "engine/devices.hpp"

#include <fmt/core.h>

#include <charconv>
#include <cstddef>
#include <span>
#include <string_view>

#include "engine/context.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

struct Count {
  int devices = 0;
  std::string why_none;
};

Count count_devices() {
  Count count;
  const cudaError_t status = cudaGetDeviceCount(&count.devices);
  if (status == cudaSuccess && count.devices > 0) return count;
  static_cast<void>(cudaGetLastError());
  return {0, status != cudaSuccess ? cudaGetErrorString(status) : "there is no device"};
}

/// Asking a device for its facts makes it current; puts back what was.
class CurrentDevice {
 public:
  CurrentDevice() { check(cudaGetDevice(&before_), "cudaGetDevice"); }
  CurrentDevice(const CurrentDevice&) = delete;
  CurrentDevice& operator=(const CurrentDevice&) = delete;
  ~CurrentDevice() { static_cast<void>(cudaSetDevice(before_)); }

 private:
  int before_ = 0;
};

std::string text_of(int device) {
  try {
    const DeviceInfo info = use_device(device);
    return fmt::format(
        "cuda:{}  {}, compute capability {}.{}, {} multiprocessors, {:.1f} GiB, CUDA {}.{} "
        "(driver {}.{})",
        device, info.name, info.compute_capability / 10, info.compute_capability % 10,
        info.multiprocessors, static_cast<double>(info.memory_bytes) / (1 << 30),
        info.runtime / 1000, info.runtime % 1000 / 10, info.driver / 1000, info.driver % 1000 / 10);
  } catch (const DeviceError& error) {
    return fmt::format("cuda:{}  cannot be used: {}", device, error.what());
  }
}

}  // namespace

int device_number(const std::string& name) {
  if (name == "cuda") return 0;
  constexpr std::string_view kPrefix = "cuda:";
  if (!name.starts_with(kPrefix)) return -1;
  const char *begin = name.data() + kPrefix.size(), *end = name.data() + name.size();
  int number = -1;
  const auto [rest, error] = std::from_chars(begin, end, number);
  return error == std::errc() && rest == end ? number : -1;
}

int own_device(int place) {
  const int devices = count_devices().devices;
  return devices > 0 ? place % devices : 0;  // which says that there is none
}

void check_usable_alike(Ranks& ranks, bool usable) {
  char first = usable ? 1 : 0;
  ranks.broadcast(std::as_writable_bytes(std::span(&first, 1)));
  if ((first == 1) == usable) return;
  throw DeviceError(fmt::format(
      "engine.device = \"auto\": there is {} CUDA device that can be used here, and the first "
      "process has {}; set engine.device = \"cpu\", or start all processes where there are GPUs",
      usable ? "a" : "no", usable ? "none" : "one"));
}

bool has_usable_device() {
  if (count_devices().devices == 0) return false;
  const CurrentDevice current;
  try {
    use_device(0);
    return true;
  } catch (const DeviceError&) {
    return false;  // too old, which device_texts() says
  }
}

std::vector<std::string> device_texts() {
  const Count count = count_devices();
  if (count.devices == 0) return {"none: " + count.why_none};
  const CurrentDevice current;
  std::vector<std::string> texts;
  for (int device = 0; device < count.devices; ++device) texts.push_back(text_of(device));
  return texts;
}

}  // namespace sluice
