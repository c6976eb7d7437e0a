// What the tests of the CPU's recurrences share: which recurrences there are to test, and one run
// of one, arrays in and out.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "engine/fused/bf16/bf16.hpp"
#include "engine/fused/recurrence.hpp"
#include "engine/recurrence.hpp"
#include "support/recurrence_problem.hpp"

namespace sluice::testing {

struct HostRecurrence {
  std::string name;
  Precision precision;
  std::function<std::unique_ptr<Recurrence>(int C, int H, int L)> make;
};

inline void PrintTo(const HostRecurrence& tested, std::ostream* out) { *out << tested.name; }

/// Sequences dealt to three threads, uneven shares included, as the engine does it.
inline HostRecurrence dealt(const HostRecurrence& one) {
  return {one.name + "_dealt", one.precision, [make = one.make](int C, int H, int L) {
            return make_sharded_recurrence(C, H, L, 3, [=] { return make(C, H, L); });
          }};
}

/// `fused` on every instruction set that this machine has, the best first; then in bf16, where it
/// multiplies that (cpu_precision_test says so where it does not).
inline std::vector<HostRecurrence> fused_recurrences() {
  std::vector<HostRecurrence> all;
  for (const FusedKernels<float>* kernels : all_fused_kernels()) {
    all.push_back(
        {std::string("fused_") + kernels->target, Precision::fp32,
         [kernels](int C, int H, int L) { return make_fused_recurrence(C, H, L, *kernels); }});
  }
  if (const FusedKernels<Bf16>* kernels = fused_bf16_kernels()) {
    all.push_back({"fused_bf16", Precision::bf16, [kernels](int C, int H, int L) {
                     return make_fused_recurrence(C, H, L, *kernels);
                   }});
  }
  return all;
}

/// The recurrences to test. In host_recurrence.cpp, and in tests/arm64/ what can be tested there.
std::vector<HostRecurrence> recurrences_to_test();

/// Everything that an inference and a training step give; kUnset where nothing was written.
inline constexpr float kUnset = -77;
struct Answers {
  reference::Floats infer_h, infer_h_last, infer_c_last;
  reference::Floats h, h_last, c_last, dx, dweights, dh0, dc0;
};

/// Of a recurrence that is ready and has its weights.
inline Answers answers_of(Recurrence& recurrence, const reference::RecurrenceArrays& in) {
  const RecurrenceShape& s = in.shape;
  const auto size = [&](int outer, int width) {
    return static_cast<std::size_t>(outer) * static_cast<std::size_t>(s.N) *
           static_cast<std::size_t>(width);
  };
  const reference::Floats h(size(s.T, s.H), kUnset), states(size(s.L, s.H), kUnset);
  Answers a{.infer_h = h,
            .infer_h_last = states,
            .infer_c_last = states,
            .h = h,
            .h_last = states,
            .c_last = states,
            .dx = reference::Floats(in.x.size(), kUnset),
            .dweights = reference::Floats(in.weights.size(), kUnset),
            .dh0 = states,
            .dc0 = states};
  const StateIn initial{in.h0, in.c0};
  recurrence.infer(s.T, s.N, in.x, initial, a.infer_h, {a.infer_h_last, a.infer_c_last});
  recurrence.forward(s.T, s.N, in.x, initial, in.dropout, a.h, {a.h_last, a.c_last});
  recurrence.backward(in.dh, {in.dh_last, in.dc_last}, a.dx, a.dweights, {a.dh0, a.dc0});
  return a;
}

/// Of a new recurrence.
inline Answers answers_of(const HostRecurrence& tested, const reference::RecurrenceArrays& in) {
  const RecurrenceShape& s = in.shape;
  const auto recurrence = tested.make(s.C, s.H, s.L);
  recurrence->prepare(s.T, s.N, false);
  recurrence->prepare(s.T, s.N, true);
  recurrence->load(in.weights);
  return answers_of(*recurrence, in);
}

}  // namespace sluice::testing
