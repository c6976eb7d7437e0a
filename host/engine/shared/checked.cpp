// The other recurrence always runs first and into arrays of its own: results may be written over
// inputs (states), which it would then read.
#include "engine/shared/checked.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace sluice {
namespace {

using Floats = std::vector<float>;

/// Room for as many numbers as `like` has; empty if that is.
std::span<float> room(Floats& buffer, std::span<const float> like) {
  if (buffer.size() < like.size()) buffer.resize(like.size());
  return std::span(buffer).first(like.size());
}

/// What the other recurrence writes.
struct Results {
  Floats h, h_last, c_last;
  StateOut states(const StateOut& like) { return {room(h_last, like.h), room(c_last, like.c)}; }
};

class CheckedRecurrence final : public Recurrence {
 public:
  CheckedRecurrence(int C, int H, int L, std::unique_ptr<Recurrence> used,
                    std::unique_ptr<Recurrence> other, RecurrenceComparison::Say say)
      : C_(C),
        H_(H),
        L_(L),
        used_(std::move(used)),
        other_(std::move(other)),
        comparison_(used_->name(), other_->name(), std::move(say)) {}

  std::string name() const override {
    return fmt::format("check:{},{}", used_->name(), other_->name());
  }

  void prepare(int T, int N, bool training) override {
    used_->prepare(T, N, training);
    other_->prepare(T, N, training);
    Results& results = training ? trained_ : inferred_;
    const auto grow = [](Floats& buffer, std::int64_t size) {
      if (buffer.size() < static_cast<std::size_t>(size)) {
        buffer.resize(static_cast<std::size_t>(size));
      }
    };
    const std::int64_t TN = std::int64_t{T} * N, states = std::int64_t{L_} * N * H_;
    if (training) {
      grow(results.h, TN * H_);
      grow(dx_, TN * C_);
      grow(dweights_, recurrence_params(C_, H_, L_));
      grow(dh_first_, states);
      grow(dc_first_, states);
    }
    grow(results.h_last, states);
    grow(results.c_last, states);
  }

  void load(std::span<const float> weights) override {
    used_->load(weights);
    other_->load(weights);
  }

  void infer(int T, int N, const Input& x, StateIn initial, std::span<float> h,
             StateOut last) override {
    const std::span<float> other_h = room(inferred_.h, h);
    const StateOut other_last = inferred_.states(last);
    other_->infer(T, N, x, initial, other_h, other_last);
    used_->infer(T, N, x, initial, h, last);
    compare(h, other_h, last, other_last);
    comparison_.end_inference();
  }

  void forward(int T, int N, const Input& x, StateIn initial, DropoutKey dropout,
               std::span<float> h, StateOut last) override {
    other_h_ = room(trained_.h, h);
    other_last_ = trained_.states(last);
    other_->forward(T, N, x, initial, dropout, other_h_, other_last_);
    used_->forward(T, N, x, initial, dropout, h, last);
    forward_h_ = h;
    // States may have been written over by the time of backward().
    h_last_.assign(last.h.begin(), last.h.end());
    c_last_.assign(last.c.begin(), last.c.end());
  }

  void backward(std::span<const float> dh, StateIn dlast, std::span<float> dx,
                std::span<float> dweights, StateOut dinitial) override {
    const std::span<float> other_dx = room(dx_, dx), other_dweights = room(dweights_, dweights);
    const StateOut other_initial{room(dh_first_, dinitial.h), room(dc_first_, dinitial.c)};
    other_->backward(dh, dlast, other_dx, other_dweights, other_initial);
    used_->backward(dh, dlast, dx, dweights, dinitial);
    compare(forward_h_, other_h_, {h_last_, c_last_}, other_last_);
    comparison_.add("dx", dx, other_dx);
    comparison_.add("dweights", dweights, other_dweights);
    comparison_.add("dh of the first step", dinitial.h, other_initial.h);
    comparison_.add("dc of the first step", dinitial.c, other_initial.c);
    comparison_.end_training_batch();
  }

 private:
  void compare(std::span<const float> h, std::span<const float> other_h, const StateOut& last,
               const StateOut& other_last) {
    comparison_.add("h", h, other_h);
    comparison_.add("h of the last step", last.h, other_last.h);
    comparison_.add("c of the last step", last.c, other_last.c);
  }

  int C_, H_, L_;
  std::unique_ptr<Recurrence> used_, other_;
  RecurrenceComparison comparison_;
  Results trained_, inferred_;  ///< apart: an inference may come between forward and backward
  Floats dx_, dweights_, dh_first_, dc_first_, h_last_, c_last_;
  // Of the last forward.
  std::span<float> forward_h_, other_h_;
  StateOut other_last_;
};

}  // namespace

std::unique_ptr<Recurrence> make_checked_recurrence(int C, int H, int L,
                                                    std::unique_ptr<Recurrence> used,
                                                    std::unique_ptr<Recurrence> other,
                                                    RecurrenceComparison::Say say) {
  return std::make_unique<CheckedRecurrence>(C, H, L, std::move(used), std::move(other),
                                             std::move(say));
}

}  // namespace sluice
