// As host/engine/shared/checked.cpp: the other recurrence always runs first and into arrays of its
// own, because results may be written over inputs.
#include "recurrence/checked.hpp"

#include <fmt/core.h>

#include <utility>
#include <vector>

namespace sluice {
namespace {

using Buffer = DeviceBuffer<float>;
constexpr const char* kPurpose = "the arrays of a check";

/// As much of the buffer as `like` has; empty if that is.
DeviceSpan<float> room(const Buffer& buffer, DeviceSpan<const float> like) {
  return like.empty() ? DeviceSpan<float>() : buffer.first(like.size());
}

/// What the other recurrence writes.
struct Results {
  Buffer h, h_last, c_last;
  DeviceStateOut states(const DeviceStateOut& like) const {
    return {room(h_last, like.h), room(c_last, like.c)};
  }
};

class CheckedDeviceRecurrence final : public DeviceRecurrence {
 public:
  CheckedDeviceRecurrence(const RecurrenceSpec& spec, std::unique_ptr<DeviceRecurrence> used,
                          std::unique_ptr<DeviceRecurrence> other, DeviceContext& context,
                          RecurrenceComparison::Say say)
      : spec_(spec),
        context_(context),
        used_(std::move(used)),
        other_(std::move(other)),
        comparison_(used_->name(), other_->name(), std::move(say)) {}

  std::string name() const override {
    return fmt::format("check:{},{}", used_->name(), other_->name());
  }
  bool assembles_input() const override {
    return used_->assembles_input() && other_->assembles_input();
  }
  bool capturable() const override { return false; }

  void prepare(int T, int N, bool training) override {
    used_->prepare(T, N, training);
    other_->prepare(T, N, training);
    DeviceMemory& memory = context_.memory();
    const std::int64_t TN = std::int64_t{T} * N, states = std::int64_t{spec_.L} * N * spec_.H;
    Results& results = training ? trained_ : inferred_;
    results.h.grow(memory, TN * spec_.H, kPurpose);
    results.h_last.grow(memory, states, kPurpose);
    results.c_last.grow(memory, states, kPurpose);
    if (!training) return;
    dx_.grow(memory, TN * spec_.C, kPurpose);
    dweights_.grow(memory, recurrence_params(spec_.C, spec_.H, spec_.L), kPurpose);
    dh_first_.grow(memory, states, kPurpose);
    dc_first_.grow(memory, states, kPurpose);
  }

  void load(DeviceSpan<const float> weights) override {
    used_->load(weights);
    other_->load(weights);
  }

  void infer(int T, int N, const RecurrenceInput& input, DeviceStateIn initial, DeviceSpan<float> h,
             DeviceStateOut last) override {
    const DeviceSpan<float> other_h = room(inferred_.h, h);
    const DeviceStateOut other_last = inferred_.states(last);
    other_->infer(T, N, input, initial, other_h, other_last);
    used_->infer(T, N, input, initial, h, last);
    compare("h", h, other_h);
    compare("h of the last step", last.h, other_last.h);
    compare("c of the last step", last.c, other_last.c);
    comparison_.end_inference();
  }

  // The states are compared at once: they may have been written over by the time of backward().
  void forward(int T, int N, DeviceSpan<const float> x, DeviceStateIn initial,
               DeviceDropout dropout, DeviceSpan<float> h, DeviceStateOut last) override {
    const DeviceSpan<float> other_h = room(trained_.h, h);
    const DeviceStateOut other_last = trained_.states(last);
    other_->forward(T, N, x, initial, dropout, other_h, other_last);
    used_->forward(T, N, x, initial, dropout, h, last);
    forward_.clear();
    keep("h", h, other_h);
    keep("h of the last step", last.h, other_last.h);
    keep("c of the last step", last.c, other_last.c);
  }

  void backward(DeviceSpan<const float> dh, DeviceStateIn dlast, DeviceSpan<float> dx,
                DeviceSpan<float> dweights, DeviceStateOut dinitial) override {
    const DeviceSpan<float> other_dx = room(dx_, dx), other_dweights = room(dweights_, dweights);
    const DeviceStateOut other_initial{room(dh_first_, dinitial.h), room(dc_first_, dinitial.c)};
    other_->backward(dh, dlast, other_dx, other_dweights, other_initial);
    used_->backward(dh, dlast, dx, dweights, dinitial);
    for (const Kept& kept : forward_) comparison_.add(kept.name, kept.used, kept.other);
    compare("dx", dx, other_dx);
    compare("dweights", dweights, other_dweights);
    compare("dh of the first step", dinitial.h, other_initial.h);
    compare("dc of the first step", dinitial.c, other_initial.c);
    comparison_.end_training_batch();
  }

 private:
  /// Results of the last forward, in host memory until its backward completes the batch.
  struct Kept {
    const char* name;
    std::vector<float> used, other;
  };

  std::vector<float> fetch(DeviceSpan<const float> from) const {
    std::vector<float> values(static_cast<std::size_t>(from.size()));
    if (values.empty()) return values;
    copy_to_host(from, std::span(values), context_.stream());
    context_.synchronize();
    return values;
  }
  void keep(const char* name, DeviceSpan<const float> used, DeviceSpan<const float> other) {
    forward_.push_back({name, fetch(used), fetch(other)});
  }
  void compare(const char* name, DeviceSpan<const float> used, DeviceSpan<const float> other) {
    comparison_.add(name, fetch(used), fetch(other));
  }

  RecurrenceSpec spec_;
  DeviceContext& context_;
  std::unique_ptr<DeviceRecurrence> used_, other_;
  RecurrenceComparison comparison_;
  Results trained_, inferred_;  ///< apart: an inference may come between forward and backward
  Buffer dx_, dweights_, dh_first_, dc_first_;
  std::vector<Kept> forward_;
};

}  // namespace

std::unique_ptr<DeviceRecurrence> make_checked_device_recurrence(
    const RecurrenceSpec& spec, std::unique_ptr<DeviceRecurrence> used,
    std::unique_ptr<DeviceRecurrence> other, DeviceContext& context,
    RecurrenceComparison::Say say) {
  return std::make_unique<CheckedDeviceRecurrence>(spec, std::move(used), std::move(other), context,
                                                   std::move(say));
}

}  // namespace sluice
