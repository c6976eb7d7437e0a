// What the machine's cores can do at most: products and sums of full vectors from registers to
// registers, on all threads. A recurrence's GFLOP/s are a share of this.
#include <omp.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "cpu/bench.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/peak_hwy.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sluice::bench {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Twelve chains hide the latency on two units and leave registers for the factors.
constexpr int kChains = 12;

/// Where chain i begins: elsewhere than the others, or compilers make one chain of them all.
template <typename D>
auto begin_of(D d, float value, int i) {
  return hn::Set(d, value + static_cast<float>(i));
}

/// Returns the floating point operations done; `value` keeps the compiler from dropping them.
double multiply_add(std::int64_t repeats, float* value) {
  const hn::CappedTag<float, 16> d;
  using V = hn::Vec<decltype(d)>;
  const V factor = hn::Set(d, 0.999f), addend = hn::Set(d, *value);
  V a0 = begin_of(d, *value, 0), a1 = begin_of(d, *value, 1), a2 = begin_of(d, *value, 2);
  V a3 = begin_of(d, *value, 3), a4 = begin_of(d, *value, 4), a5 = begin_of(d, *value, 5);
  V a6 = begin_of(d, *value, 6), a7 = begin_of(d, *value, 7), a8 = begin_of(d, *value, 8);
  V a9 = begin_of(d, *value, 9), a10 = begin_of(d, *value, 10), a11 = begin_of(d, *value, 11);
  for (std::int64_t i = 0; i < repeats; ++i) {
    a0 = hn::MulAdd(a0, factor, addend), a1 = hn::MulAdd(a1, factor, addend);
    a2 = hn::MulAdd(a2, factor, addend), a3 = hn::MulAdd(a3, factor, addend);
    a4 = hn::MulAdd(a4, factor, addend), a5 = hn::MulAdd(a5, factor, addend);
    a6 = hn::MulAdd(a6, factor, addend), a7 = hn::MulAdd(a7, factor, addend);
    a8 = hn::MulAdd(a8, factor, addend), a9 = hn::MulAdd(a9, factor, addend);
    a10 = hn::MulAdd(a10, factor, addend), a11 = hn::MulAdd(a11, factor, addend);
  }
  const V sum =
      hn::Add(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)), hn::Add(hn::Add(a4, a5), hn::Add(a6, a7)));
  *value = hn::GetLane(hn::Add(sum, hn::Add(hn::Add(a8, a9), hn::Add(a10, a11))));
  return 2.0 * kChains * static_cast<double>(hn::MaxLanes(d)) * static_cast<double>(repeats);
}

}  // namespace HWY_NAMESPACE
}  // namespace sluice::bench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sluice::bench {

HWY_EXPORT(multiply_add);

Benchmark peak_benchmark() {
  constexpr std::int64_t kRepeats = 1'000'000;
  float once = 1;
  Benchmark benchmark;
  benchmark.group = "peak";
  benchmark.kind = kPeak;
  benchmark.unit = "GFLOP/s";
  benchmark.work =
      HWY_DYNAMIC_DISPATCH(multiply_add)(1, &once) * kRepeats * omp_get_max_threads() / 1e9;
  benchmark.make = [] {
    const auto threads = static_cast<std::size_t>(omp_get_max_threads());
    const auto values = std::make_shared<std::vector<float>>(threads, 1.0f);
    return timed([values] {
#pragma omp parallel for schedule(static, 1)
      for (float& value : *values) HWY_DYNAMIC_DISPATCH(multiply_add)(kRepeats, &value);
    });
  };
  return benchmark;
}

}  // namespace sluice::bench
#endif
