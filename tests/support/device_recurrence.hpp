// What the tests of device recurrences share: which recurrences there are to test, and one run of
// one on a problem, host arrays in and out.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "recurrence/cudnn/recurrence.hpp"
#include "recurrence/device_recurrence.hpp"
#include "support/device.hpp"
#include "support/recurrence_problem.hpp"

namespace sluice::testing {

struct TestedRecurrence {
  const char* name;
  Precision precision;
};

/// The recurrences to test: a further one is a line here. cuDNN's are left out where the build has
/// none, as they would refuse every test.
inline std::vector<TestedRecurrence> device_recurrences_to_test() {
  std::vector<TestedRecurrence> tested = {
      {"gemm", Precision::fp32},
      {"gemm", Precision::tf32},
      {"gemm", Precision::bf16},
      {"fused_simt", Precision::fp32},
      {"fused_mma", Precision::tf32},
      {"fused_mma", Precision::bf16},
      {"cudnn_standard", Precision::fp32},
      {"cudnn_standard", Precision::tf32},
      {"cudnn_standard", Precision::bf16},
      {"cudnn_persist_static", Precision::fp32},
      {"cudnn_persist_static", Precision::bf16},
      {"cudnn_persist_dynamic", Precision::fp32},
      {"cudnn_persist_static_small_h", Precision::fp32},
      {"cudnn_persist_static_small_h", Precision::bf16},
  };
  if (cudnn_version().empty()) {
    std::erase_if(tested, [](const TestedRecurrence& one) {
      return std::string_view(one.name).starts_with("cudnn");
    });
  }
  return tested;
}

inline std::string label(const TestedRecurrence& tested) {
  return std::string(tested.name) + "_" + std::string(to_string(tested.precision));
}

inline void PrintTo(const TestedRecurrence& tested, std::ostream* out) { *out << label(tested); }

inline DeviceBuffer<float> to_device(DeviceMemory& memory, const reference::Floats& values) {
  return values.empty() ? DeviceBuffer<float>() : upload(memory, values);
}

/// Device memory of `size` floats that are all kUnset.
inline constexpr float kUnset = -77;
inline DeviceBuffer<float> unset(DeviceMemory& memory, std::size_t size) {
  return upload(memory, reference::Floats(size, kUnset));
}

/// The arrays of a problem's batch on the device, results unset, and a recurrence made ready for
/// them.
struct DeviceRun {
  DeviceContext& context;
  int T, N;
  DeviceBuffer<float> weights, x, h0, c0, dh, dh_last, dc_last;
  DeviceBuffer<std::int64_t> step;
  DeviceBuffer<float> h, h_last, c_last, dx, dweights, dh0, dc0;
  std::uint64_t seed = 0;
  float rate = 0;
  std::unique_ptr<DeviceRecurrence> recurrence;

  DeviceRun(DeviceContext& a_context, const reference::RecurrenceProblem& problem,
            std::unique_ptr<DeviceRecurrence> a_recurrence);

  DeviceStateIn initial() const { return {h0.span(), c0.span()}; }
  DeviceStateIn dlast() const { return {dh_last.span(), dc_last.span()}; }
  DeviceDropout dropout() const { return {.rate = rate, .seed = seed, .step = step.data()}; }

  void load() { recurrence->load(weights.span()); }
  void infer() {
    recurrence->infer(T, N, {.x = x.span()}, initial(), h.span(), {h_last.span(), c_last.span()});
  }
  void forward() {
    recurrence->forward(T, N, x.span(), initial(), dropout(), h.span(),
                        {h_last.span(), c_last.span()});
  }
  void backward() {
    recurrence->backward(dh.span(), dlast(), dx.span(), dweights.span(), {dh0.span(), dc0.span()});
  }
  /// All results, in one vector a result.
  std::vector<reference::Floats> results() const {
    return {download(h),        download(h_last), download(c_last), download(dx),
            download(dweights), download(dh0),    download(dc0)};
  }
};

inline DeviceRun::DeviceRun(DeviceContext& a_context, const reference::RecurrenceProblem& problem,
                            std::unique_ptr<DeviceRecurrence> a_recurrence)
    : context(a_context),
      T(problem.shape.T),
      N(problem.batch),
      seed(problem.dropout.seed),
      rate(problem.dropout.rate),
      recurrence(std::move(a_recurrence)) {
  DeviceMemory& memory = context.memory();
  const reference::RecurrenceArrays all = problem.in_batch();
  const RecurrenceShape& s = all.shape;
  const auto size = [&](int outer, int width) {
    return static_cast<std::size_t>(outer) * static_cast<std::size_t>(N) *
           static_cast<std::size_t>(width);
  };
  weights = to_device(memory, all.weights);
  x = to_device(memory, all.x);
  h0 = to_device(memory, all.h0);
  c0 = to_device(memory, all.c0);
  dh = to_device(memory, all.dh);
  dh_last = to_device(memory, all.dh_last);
  dc_last = to_device(memory, all.dc_last);
  step = upload(memory, std::vector<std::int64_t>{problem.dropout.step});
  h = unset(memory, size(T, s.H));
  for (DeviceBuffer<float>* state : {&h_last, &c_last, &dh0, &dc0}) {
    *state = unset(memory, size(s.L, s.H));
  }
  dx = unset(memory, size(T, s.C));
  dweights = unset(memory, problem.weights.size());
  recurrence->prepare(T, N, false);
  recurrence->prepare(T, N, true);
  load();
}

}  // namespace sluice::testing
