// Where the forward kernel of fused_mma has x from: copied from memory, or put together from
// windows. Both fill slots of shared memory, [rows][pitch] a step, for steps to come.
#pragma once

#include <cstdint>

#include "base/ptx.cuh"
#include "recurrence/fused_mma/numbers.cuh"
#include "recurrence/shared/elements.hpp"

namespace sluice::mma {
namespace {

/// What the kernel is told beside Forward itself.
struct ForwardPlan {
  int tiles;       // of 16 series to a CTA
  int ahead;       // steps of x that are fetched together, into one of two halves of the slots
  int copy_shift;  // 2^copy_shift threads copy a row of x
  bool vector;     // whether rows of H floats may be moved in pairs
  int wanted, wanted_last;  // of Wanted: what a step stores, and what the last one does
  struct {                  // elements from a step to the next; 0 where there is no such array
    std::int64_t x, product, h, h_sequence, c_sequence, gates;
  } after_step;
};

/// The rows of a CTA, and the slots of x in its shared memory.
struct Slots {
  std::int64_t first;  // series
  int rows, live;      // of the CTA; of them, how many are series
  unsigned char* x;
  int pitch;  // bytes
};

/// x of coming steps is copied from memory, 16 bytes at a time.
template <Precision kPrecision>
struct CopiedInput {
  /// ForwardPlan::ahead is 1, and known to the compiler.
  static constexpr bool kOneAhead = true;

  const Element<kPrecision>* next = nullptr;  // x of the CTA's first series at the next step

  __device__ void begin(const Forward<Element<kPrecision>>& layer, std::int64_t first) {
    next = layer.x + first * layer.x_stride;
  }

  /// x of step `from`, which is one more at each call, into slot `slot`; no step beyond the last.
  template <int kThreads>
  __device__ void fetch(const Forward<Element<kPrecision>>& layer, const ForwardPlan& plan,
                        const Slots& to, int from, int slot) {
    if (from < layer.steps) {
      const int chunks = layer.x_pitch * element_bytes(kPrecision) / 16;
      const int stride = static_cast<int>(layer.x_stride) * element_bytes(kPrecision);
      const auto* x = reinterpret_cast<const unsigned char*>(next);
      const int thread = static_cast<int>(threadIdx.x);
      unsigned char* const slot_at = to.x + slot * to.rows * to.pitch;
      for (int row = thread >> plan.copy_shift; row < to.live; row += kThreads >> plan.copy_shift) {
        for (int chunk = thread & ((1 << plan.copy_shift) - 1); chunk < chunks;
             chunk += 1 << plan.copy_shift) {
          cp_async_16(slot_at + row * to.pitch + 16 * chunk, x + row * stride + 16 * chunk);
        }
      }
      next += plan.after_step.x;
    }
    cp_async_commit();
  }
};

/// Where input_row() puts a row: floats in, elements kept.
template <typename E>
class Writer {
 public:
  struct Place {
    E* at;
    __device__ void operator=(float x) const { *at = from_float<E>(x); }
  };
  __device__ explicit Writer(E* at) : at_(at) {}
  __device__ Place operator*() const { return {at_}; }
  __device__ Place operator[](int i) const { return {at_ + i}; }
  __device__ Writer operator++(int) {
    const Writer before = *this;
    ++at_;
    return before;
  }

 private:
  E* at_;
};

/// x is put together from the windows: a thread makes whole rows of single steps, and with enough
/// steps at a time all threads have one.
template <Precision kPrecision>
struct AssembledInput {
  static constexpr bool kOneAhead = false;

  WindowRows windows;
  int first_step;

  __device__ void begin(const Forward<Element<kPrecision>>&, std::int64_t) {}

  /// x of steps [from, from + ahead) into slots from `slot` on.
  template <int kThreads>
  __device__ void fetch(const Forward<Element<kPrecision>>& layer, const ForwardPlan& plan,
                        const Slots& to, int from, int slot) const {
    for (int i = static_cast<int>(threadIdx.x); i < plan.ahead * to.rows; i += kThreads) {
      const int after = i / to.rows, row = i - after * to.rows;
      if (from + after >= layer.steps) return;
      if (row >= to.live) continue;
      unsigned char* at = to.x + ((slot + after) * to.rows + row) * to.pitch;
      input_row(windows, to.first + row, first_step + from + after,
                Writer(reinterpret_cast<Element<kPrecision>*>(at)));
    }
  }
};

}  // namespace
}  // namespace sluice::mma
