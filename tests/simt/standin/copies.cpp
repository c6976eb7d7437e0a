// Copies and fills of the stand-in. A copy's kind must be true; pageable memory is copied late as
// well, which is harsher than CUDA: there the call may wait until it has read the source.
#include <cstring>

#include "standin/state.hpp"

namespace standin {
namespace {

struct Copy {
  void* to;
  std::size_t to_pitch;
  const void* from;
  std::size_t from_pitch, width, height;

  std::size_t extent(std::size_t pitch) const {
    return width == 0 || height == 0 ? 0 : (height - 1) * pitch + width;
  }
  void run() const {
    for (std::size_t row = 0; row < height; ++row) {
      std::memcpy(static_cast<unsigned char*>(to) + row * to_pitch,
                  static_cast<const unsigned char*>(from) + row * from_pitch, width);
    }
  }
};

void expect_kind(cudaMemcpyKind kind, bool to_device, bool from_device) {
  bool fits = false;
  switch (kind) {
    case cudaMemcpyHostToHost:
      fits = !to_device && !from_device;
      break;
    case cudaMemcpyHostToDevice:
      fits = to_device && !from_device;
      break;
    case cudaMemcpyDeviceToHost:
      fits = !to_device && from_device;
      break;
    case cudaMemcpyDeviceToDevice:
      fits = to_device && from_device;
      break;
    case cudaMemcpyDefault:
      fits = true;
      break;
    default:
      throw Refusal{cudaErrorInvalidMemcpyDirection};
  }
  if (!fits) throw Refusal{cudaErrorInvalidValue};
}

cudaError_t queue_copy(const char* call, const Copy& copy, cudaMemcpyKind kind,
                       CUstream_st& stream) {
  if (copy.width > copy.to_pitch || copy.width > copy.from_pitch) {
    return cudaErrorInvalidPitchValue;
  }
  const std::size_t to_extent = copy.extent(copy.to_pitch);
  if (to_extent == 0) return cudaSuccess;
  const Range to = range_of(copy.to, to_extent);
  const Range from = range_of(copy.from, copy.extent(copy.from_pitch));
  expect_kind(kind, is_device(to), is_device(from));
  const auto* to_begin = static_cast<const unsigned char*>(to.pointer);
  const auto* from_begin = static_cast<const unsigned char*>(from.pointer);
  if (to_begin < from_begin + from.bytes && from_begin < to_begin + to.bytes && copy.height == 1) {
    throw std::logic_error("source and destination overlap");
  }
  if (stream.capture != nullptr && (to.block == 0 || from.block == 0)) {
    spoil(*stream.capture);
    return cudaErrorStreamCaptureUnsupported;
  }
  return submit(stream, {call, [copy] { copy.run(); }, {to, from}});
}

/// Runs the default stream's work up to here, as a call that waits does.
cudaError_t wait_for_default() {
  CUstream_st& legacy = state().legacy;
  run_until([&] { return legacy.items.empty(); }, &legacy);
  return cudaSuccess;
}

cudaError_t queue_fill(const char* call, void* pointer, int value, std::size_t bytes,
                       CUstream_st& stream) {
  if (bytes == 0) return cudaSuccess;
  const Range range = device_range(pointer, bytes);
  return submit(stream,
                {call, [pointer, value, bytes] { std::memset(pointer, value, bytes); }, {range}});
}

}  // namespace
}  // namespace standin

using namespace standin;

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return framed("cudaMemcpy", [&] {
    refuse_in_capture();
    const cudaError_t status =
        queue_copy("cudaMemcpy", {to, bytes, from, bytes, bytes, 1}, kind, stream_of(nullptr));
    return status == cudaSuccess ? wait_for_default() : status;
  });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return framed("cudaMemcpyAsync", [&] {
    return queue_copy("cudaMemcpyAsync", {to, bytes, from, bytes, bytes, 1}, kind,
                      stream_of(stream));
  });
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from,
                              std::size_t from_pitch, std::size_t width, std::size_t height,
                              cudaMemcpyKind kind, cudaStream_t stream) {
  return framed("cudaMemcpy2DAsync", [&] {
    return queue_copy("cudaMemcpy2DAsync", {to, to_pitch, from, from_pitch, width, height}, kind,
                      stream_of(stream));
  });
}

cudaError_t cudaMemset(void* pointer, int value, std::size_t bytes) {
  return framed("cudaMemset", [&] {
    refuse_in_capture();
    return queue_fill("cudaMemset", pointer, value, bytes, stream_of(nullptr));
  });
}

cudaError_t cudaMemsetAsync(void* pointer, int value, std::size_t bytes, cudaStream_t stream) {
  return framed("cudaMemsetAsync", [&] {
    return queue_fill("cudaMemsetAsync", pointer, value, bytes, stream_of(stream));
  });
}
