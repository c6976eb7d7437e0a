// The frame round every call of the stand-in: errors, injected failures, the device's facts.
#include "standin/standin.hpp"

#include <algorithm>
#include <cstring>

#include "interpreter.hpp"
#include "standin/state.hpp"

namespace standin {

namespace {

std::unique_ptr<State>& the_state() {
  // Never destroyed: static owners may still release.
  static auto* const holder = new std::unique_ptr<State>(std::make_unique<State>());
  return *holder;
}

}  // namespace

State& state() { return *the_state(); }

std::recursive_mutex& mutex() {
  static auto* const the_mutex = new std::recursive_mutex;
  return *the_mutex;
}

namespace {

void throw_complaint() {
  if (state().complaint.empty()) return;
  const std::string what = std::exchange(state().complaint, {});
  throw std::logic_error(what);
}

}  // namespace

int current_device() {
  const auto& current = state().current;
  const auto found = current.find(std::this_thread::get_id());
  return found == current.end() ? 0 : found->second;
}

const Device& device() { return state().devices[static_cast<std::size_t>(current_device())]; }

void expect_current(int home, const char* kind) {
  if (home == current_device()) return;
  throw std::logic_error(std::string("a ") + kind + " of device " + std::to_string(home) +
                         " is used while device " + std::to_string(current_device()) +
                         " is current");
}

cudaError_t enter(const char* call) {
  State& s = state();
  throw_complaint();
  if (s.running) throw std::logic_error(std::string(call) + " called from inside a stream's work");
  ++s.calls;
  if (s.fail_in > 0 && --s.fail_in == 0) {
    if (s.fail_sticky) s.lost = s.fail_with;
    return s.fail_with;
  }
  if (s.lost != cudaSuccess) return s.lost;
  return device().present ? cudaSuccess : cudaErrorNoDevice;
}

cudaError_t keep(cudaError_t status) {
  if (status != cudaSuccess) state().last_error = status;
  return status;
}

void complain(const char* call, const std::string& what) {
  throw std::logic_error(std::string(call) + ": " + what);
}

void reset() {
  const std::lock_guard lock(mutex());
  release_all_memory();
  the_state() = std::make_unique<State>();
  seed(1);
}

void set_device(const Device& device) {
  const std::lock_guard lock(mutex());
  state().devices = {device};
}

void set_devices(const std::vector<Device>& devices) {
  const std::lock_guard lock(mutex());
  state().devices = devices;
}

void set_memory_bytes(std::int64_t bytes) {
  const std::lock_guard lock(mutex());
  state().memory_bytes = bytes;
}

void fail_after(int n, cudaError_t error, bool sticky) {
  const std::lock_guard lock(mutex());
  state().fail_in = n;
  state().fail_with = error;
  state().fail_sticky = sticky;
}

std::int64_t calls() {
  const std::lock_guard lock(mutex());
  return state().calls;
}

void seed(std::uint64_t seed) {
  const std::lock_guard lock(mutex());
  state().random.seed(seed);
  simt::seed(seed);
}

void check_memory() {
  const std::lock_guard lock(mutex());
  throw_complaint();
  check_redzones();
}

void finish() {
  const std::lock_guard lock(mutex());
  run_all();
  check_memory();
  check_freed();
  if (!state().captures.empty()) throw std::logic_error("a capture was begun and not ended");
}

std::int64_t enqueued(const std::string& what) {
  const std::lock_guard lock(mutex());
  const auto& counts = state().enqueued;
  const auto found = counts.find(what);
  return found == counts.end() ? 0 : found->second;
}

std::int64_t live_allocations() {
  const std::lock_guard lock(mutex());
  return static_cast<std::int64_t>(state().blocks.size());
}

std::int64_t live_handles() {
  const std::lock_guard lock(mutex());
  const State& s = state();
  return s.streams.live() + s.events.live() + s.graphs.live() + s.execs.live() + s.blas.live() +
         s.communicators.live();
}

std::int64_t live_on(int device) {
  const std::lock_guard lock(mutex());
  const State& s = state();
  std::int64_t count = s.streams.live_on(device) + s.events.live_on(device) +
                       s.execs.live_on(device) + s.blas.live_on(device);
  for (const auto& [address, block] : s.blocks) {
    count += block.device && block.home == device ? 1 : 0;
  }
  return count;
}

std::int64_t pending_work() {
  const std::lock_guard lock(mutex());
  std::int64_t count = 0;
  for (const CUstream_st* stream : all_streams()) {
    count += static_cast<std::int64_t>(stream->items.size());
  }
  return count;
}

}  // namespace standin

using namespace standin;

cudaError_t cudaGetLastError() {
  const std::lock_guard lock(mutex());
  const cudaError_t error = state().last_error;
  state().last_error = state().lost;
  return error;
}

cudaError_t cudaPeekAtLastError() {
  const std::lock_guard lock(mutex());
  return state().last_error;
}

namespace {

struct ErrorText {
  cudaError_t error;
  const char *name, *text;
};

// The texts are CUDA's, so that a message reads the same in a test and on a card.
constexpr ErrorText kErrors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInitializationError, "cudaErrorInitializationError", "initialization error"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration",
     "invalid configuration argument"},
    {cudaErrorInvalidPitchValue, "cudaErrorInvalidPitchValue", "invalid pitch argument"},
    {cudaErrorInvalidDevicePointer, "cudaErrorInvalidDevicePointer", "invalid device pointer"},
    {cudaErrorInvalidMemcpyDirection, "cudaErrorInvalidMemcpyDirection",
     "invalid copy direction for memcpy"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
     "CUDA driver version is insufficient for CUDA runtime version"},
    {cudaErrorDevicesUnavailable, "cudaErrorDevicesUnavailable",
     "CUDA-capable device(s) is/are busy or unavailable"},
    {cudaErrorInvalidDeviceFunction, "cudaErrorInvalidDeviceFunction", "invalid device function"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorNoKernelImageForDevice, "cudaErrorNoKernelImageForDevice",
     "no kernel image is available for execution on the device"},
    {cudaErrorECCUncorrectable, "cudaErrorECCUncorrectable", "uncorrectable ECC error encountered"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorIllegalState, "cudaErrorIllegalState",
     "the operation cannot be performed in the present state"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress",
     "an illegal memory access was encountered"},
    {cudaErrorLaunchOutOfResources, "cudaErrorLaunchOutOfResources",
     "too many resources requested for launch"},
    {cudaErrorLaunchTimeout, "cudaErrorLaunchTimeout", "the launch timed out and was terminated"},
    {cudaErrorMisalignedAddress, "cudaErrorMisalignedAddress", "misaligned address"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorNotPermitted, "cudaErrorNotPermitted", "operation not permitted"},
    {cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
     "operation not permitted when stream is capturing"},
    {cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated",
     "operation failed due to a previous error during capture"},
    {cudaErrorStreamCaptureMerge, "cudaErrorStreamCaptureMerge",
     "operation would result in a merge of separate capture sequences"},
    {cudaErrorStreamCaptureUnmatched, "cudaErrorStreamCaptureUnmatched",
     "capture was not ended in the same stream as it began"},
    {cudaErrorStreamCaptureUnjoined, "cudaErrorStreamCaptureUnjoined",
     "capturing stream has unjoined work"},
    {cudaErrorStreamCaptureIsolation, "cudaErrorStreamCaptureIsolation",
     "dependency created on uncaptured work in another stream"},
    {cudaErrorStreamCaptureImplicit, "cudaErrorStreamCaptureImplicit",
     "operation would make the legacy stream depend on a capturing blocking stream"},
    {cudaErrorCapturedEvent, "cudaErrorCapturedEvent",
     "operation not permitted on an event last recorded in a capturing stream"},
    {cudaErrorStreamCaptureWrongThread, "cudaErrorStreamCaptureWrongThread",
     "attempt to terminate a thread-local capture sequence from another thread"},
    {cudaErrorUnknown, "cudaErrorUnknown", "unknown error"},
};

const ErrorText& text_of(cudaError_t error) {
  constexpr static ErrorText kNone = {cudaErrorUnknown, "unrecognized error code",
                                      "unrecognized error code"};
  const auto* const found = std::find_if(std::begin(kErrors), std::end(kErrors),
                                         [&](const ErrorText& e) { return e.error == error; });
  return found == std::end(kErrors) ? kNone : *found;
}

const Device& expect_device(int device) {
  const std::vector<Device>& devices = state().devices;
  if (device < 0 || device >= static_cast<int>(devices.size())) {
    throw Refusal{cudaErrorInvalidDevice};
  }
  return devices[static_cast<std::size_t>(device)];
}

constexpr int kCudaVersion = 13000;

}  // namespace

const char* cudaGetErrorName(cudaError_t error) { return text_of(error).name; }
const char* cudaGetErrorString(cudaError_t error) { return text_of(error).text; }

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  return framed("cudaGetDeviceCount", [&] {
    *count = static_cast<int>(state().devices.size());
    return cudaSuccess;
  });
}

cudaError_t cudaGetDevice(int* device) {
  return framed("cudaGetDevice", [&] {
    *device = current_device();
    return cudaSuccess;
  });
}

cudaError_t cudaSetDevice(int device) {
  return framed("cudaSetDevice", [&] {
    expect_device(device);
    state().current[std::this_thread::get_id()] = device;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  return framed("cudaGetDeviceProperties", [&] {
    const Device& d = expect_device(device);
    *properties = {};
    properties->uuid.bytes[0] = static_cast<char>(device + 1);
    std::strncpy(properties->name, d.name.c_str(), sizeof properties->name - 1);
    properties->totalGlobalMem = static_cast<std::size_t>(state().memory_bytes);
    properties->sharedMemPerBlock = 48 * 1024;
    properties->warpSize = 32;
    properties->maxThreadsPerBlock = 1024;
    properties->major = d.compute_capability / 10;
    properties->minor = d.compute_capability % 10;
    properties->multiProcessorCount = d.multiprocessors;
    properties->ECCEnabled = 1;
    properties->asyncEngineCount = 2;
    properties->memoryBusWidth = 5120;
    properties->l2CacheSize = 50 << 20;
    properties->maxThreadsPerMultiProcessor = 2048;
    properties->sharedMemPerMultiprocessor = static_cast<std::size_t>(d.shared_bytes + 1024);
    properties->sharedMemPerBlockOptin = static_cast<std::size_t>(d.shared_bytes);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  return framed("cudaDeviceGetAttribute", [&] {
    const Device& d = expect_device(device);
    const auto answer = [&]() -> int {
      switch (attribute) {
        case cudaDevAttrMaxThreadsPerBlock:
          return 1024;
        case cudaDevAttrMaxSharedMemoryPerBlock:
          return 48 * 1024;
        case cudaDevAttrWarpSize:
          return 32;
        case cudaDevAttrClockRate:
          return 1'980'000;
        case cudaDevAttrMultiProcessorCount:
          return d.multiprocessors;
        case cudaDevAttrMemoryClockRate:
          return 2'619'000;
        case cudaDevAttrGlobalMemoryBusWidth:
          return 5120;
        case cudaDevAttrL2CacheSize:
          return 50 << 20;
        case cudaDevAttrMaxThreadsPerMultiProcessor:
          return 2048;
        case cudaDevAttrAsyncEngineCount:
          return 2;
        case cudaDevAttrComputeCapabilityMajor:
          return d.compute_capability / 10;
        case cudaDevAttrComputeCapabilityMinor:
          return d.compute_capability % 10;
        case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
          return d.shared_bytes + 1024;
        case cudaDevAttrMaxSharedMemoryPerBlockOptin:
          return d.shared_bytes;
      }
      throw Refusal{cudaErrorInvalidValue};
    };
    *value = answer();
    return cudaSuccess;
  });
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = device().present ? kCudaVersion : 0;  // works without a device, as CUDA's
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = kCudaVersion;
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute attribute, int value) {
  return framed("cudaFuncSetAttribute", [&] {
    if (function == nullptr) return cudaErrorInvalidDeviceFunction;
    const bool fits = attribute != cudaFuncAttributeMaxDynamicSharedMemorySize ||
                      (value >= 0 && value <= device().shared_bytes);
    return fits ? cudaSuccess : cudaErrorInvalidValue;
  });
}
