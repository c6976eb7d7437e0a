#include "gpu/driver.hpp"

#include <cuda_runtime_api.h>
#include <dlfcn.h>

#include <cstring>

#include "base/check.hpp"

namespace sluice::bench {
namespace {

// From nvml.h, whose values are fixed by NVIDIA's interface: nvmlClockType_t and the sizes.
constexpr unsigned kMultiprocessorClock = 1, kMemoryClock = 2;
constexpr unsigned kVersionSize = 80;
constexpr int kSuccess = 0;

}  // namespace

struct Driver::Library {
  using Device = void*;
  using Plain = int (*)();
  using GetVersion = int (*)(char*, unsigned);
  using GetDevice = int (*)(const char*, Device*);
  using GetClock = int (*)(Device, unsigned, unsigned*);

  void* handle = nullptr;
  Device device = nullptr;
  Plain shutdown = nullptr;
  GetVersion version = nullptr;
  GetClock clock = nullptr, highest_clock = nullptr;

  ~Library() {
    if (shutdown != nullptr) static_cast<void>(shutdown());
    if (handle != nullptr) static_cast<void>(dlclose(handle));
  }

  template <typename Function>
  bool find(const char* name, Function& function) {
    void* address = dlsym(handle, name);
    static_assert(sizeof function == sizeof address);
    std::memcpy(&function, &address, sizeof address);
    return address != nullptr;
  }

  /// Whether all is there that is used. `bus`: the PCI bus id of the device, which both libraries
  /// know it by.
  bool open(const char* bus) {
    handle = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    Plain start = nullptr, stop = nullptr;
    GetDevice get_device = nullptr;
    if (handle == nullptr || !find("nvmlInit_v2", start) || !find("nvmlShutdown", stop) ||
        !find("nvmlSystemGetDriverVersion", version) ||
        !find("nvmlDeviceGetHandleByPciBusId_v2", get_device) ||
        !find("nvmlDeviceGetClockInfo", clock) ||
        !find("nvmlDeviceGetMaxClockInfo", highest_clock)) {
      return false;
    }
    if (start() != kSuccess) return false;
    shutdown = stop;
    return get_device(bus, &device) == kSuccess;
  }

  std::optional<ClockReading> read(GetClock get) const {
    unsigned multiprocessor = 0, memory = 0;
    if (get(device, kMultiprocessorClock, &multiprocessor) != kSuccess) return {};
    if (get(device, kMemoryClock, &memory) != kSuccess) return {};
    return ClockReading{static_cast<int>(multiprocessor), static_cast<int>(memory)};
  }
};

Driver::Driver() : library_(std::make_unique<Library>()) {
  char bus[32] = "";
  int device = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  check(cudaDeviceGetPCIBusId(bus, sizeof bus, device), "cudaDeviceGetPCIBusId");
  if (!library_->open(bus)) library_.reset();
}

Driver::~Driver() = default;

std::string Driver::version() const {
  char text[kVersionSize] = "";
  if (!library_ || library_->version(text, kVersionSize) != kSuccess) return {};
  return text;
}

std::optional<ClockReading> Driver::clocks() const {
  if (!library_) return {};
  return library_->read(library_->clock);
}

std::optional<ClockReading> Driver::highest_clocks() const {
  if (!library_) return {};
  return library_->read(library_->highest_clock);
}

}  // namespace sluice::bench
