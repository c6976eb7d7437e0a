// What the device itself can do, one rate a case: the roofs of roof.hpp, and the price of a launch.
#include <algorithm>
#include <memory>

#include "gpu/bench.hpp"
#include "gpu/rates.hpp"

namespace sluice::bench {
namespace {

constexpr int kBlocksPerMultiprocessor = 8;

using Spend = void (*)(RateShape, DeviceSpan<float>, cudaStream_t);

RateCase spending(const char* name, const char* unit, Spend spend, double work_of_thread_round,
                  RateShape shape) {
  const double threads = static_cast<double>(shape.blocks) * kRateThreads;
  RateCase c;
  c.name = name, c.unit = unit;
  c.work = work_of_thread_round * kChains * shape.rounds * threads;
  c.make = [=](DeviceContext& context) {
    auto out = std::make_shared<DeviceBuffer<float>>(
        context.memory(), std::int64_t{shape.blocks} * kRateThreads, "results of a rate");
    GpuWork work;
    work.run = [=, stream = context.stream()] { spend(shape, out->span(), stream); };
    return work;
  };
  return c;
}

RateCase device_copy(std::int64_t bytes) {
  RateCase c;
  c.name = "device copy", c.unit = "B";
  c.work = 2 * static_cast<double>(bytes);  // read and written
  c.make = [bytes](DeviceContext& context) {
    struct Pair {
      DeviceBuffer<std::byte> from, to;
    };
    auto pair = std::make_shared<Pair>();
    pair->from = DeviceBuffer<std::byte>(context.memory(), bytes, "a copy's source");
    pair->to = DeviceBuffer<std::byte>(context.memory(), bytes, "a copy's target");
    set_zero(pair->from.span(), context.stream());
    GpuWork work;
    work.run = [pair, stream = context.stream()] {
      check(cudaMemcpyAsync(pair->to.data(), pair->from.data(), pair->from.span().bytes(),
                            cudaMemcpyDeviceToDevice, stream),
            "cudaMemcpyAsync on the device");
    };
    return work;
  };
  return c;
}

RateCase empty_kernels() {
  constexpr int kLaunches = 100;
  RateCase c;
  c.name = "empty kernel", c.unit = "launch", c.work = kLaunches;
  c.make = [](DeviceContext& context) {
    GpuWork work;
    work.run = [stream = context.stream()] {
      for (int i = 0; i < kLaunches; ++i) launch_nothing(stream);
    };
    return work;
  };
  return c;
}

}  // namespace

/// The names are read by measured_rates(). A device of one multiprocessor gets little work: that is
/// the stand-in of the tests.
std::vector<RateCase> rate_cases(const DeviceInfo& device) {
  const bool small = device.multiprocessors <= 1;
  const RateShape shape{device.multiprocessors * (small ? 1 : kBlocksPerMultiprocessor),
                        small ? 2 : 2000};
  constexpr double kFmaFlops = 2, kBf16 = 2.0 * 16 * 8 * 16 / 32, kTf32 = 2.0 * 16 * 8 * 8 / 32;
  constexpr std::int64_t kLargestCopy = 1 << 30;
  const std::int64_t copy = std::min(kLargestCopy, device.memory_bytes / 8);
  return {spending("tanh.approx", "op", spend_tanh, 1, shape),
          spending("fma fp32", "FLOP", spend_fma, kFmaFlops, shape),
          spending("mma.sync bf16", "FLOP", spend_mma_bf16, kBf16, shape),
          spending("mma.sync tf32", "FLOP", spend_mma_tf32, kTf32, shape),
          device_copy(copy),
          empty_kernels()};
}

}  // namespace sluice::bench
