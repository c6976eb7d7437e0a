// The CPU's two recurrences against each other, where batches are too large for the reference.
#include <gtest/gtest.h>

#include "support/host_recurrence.hpp"

namespace sluice {
namespace {

using reference::Floats;
using reference::RecurrenceArrays;
using reference::RecurrenceCase;
using testing::Answers;
using testing::answers_of;
using testing::HostRecurrence;

// Whole batches, every sequence with gradients of its own, that would keep the reference for
// minutes: each within its tolerance of what is right, so within both of each other.
TEST(RecurrencePair, FusedAndOneDnnAgreeInLargeBatches) {
  const HostRecurrence onednn{"onednn", Precision::fp32, make_onednn_recurrence};
  for (const RecurrenceCase& c :
       {RecurrenceCase{.shape = {.T = 4, .N = 5000, .C = 8, .H = 24, .L = 2},
       .states = true,
       .dropout = {.rate = 0.25f, .seed = 1, .step = 5}},
        RecurrenceCase{.shape = {.T = 10, .N = 613, .C = 15, .H = 65, .L = 1}},
        RecurrenceCase{.shape = {.T = 400, .N = 49, .C = 3, .H = 16, .L = 4},
        .dropout = {.rate = 0.5f, .seed = 1, .step = 6}}}) {
    const RecurrenceArrays in(c);
    const Answers want = answers_of(dealt(onednn), in);
    for (const HostRecurrence& tested : testing::fused_recurrences()) {
      SCOPED_TRACE(::testing::PrintToString(tested) + " " + ::testing::PrintToString(c));
      const Answers got = answers_of(tested, in);
      const double tolerance = reference::recurrence_tolerance(c.shape, Precision::fp32) +
                               reference::recurrence_tolerance(c.shape, tested.precision);
      const auto expect = [&](const char* what, const Floats& a, const Floats& b) {
        reference::expect_near(what, a, reference::widen(b), tolerance);
      };
      expect("infer h", got.infer_h, want.infer_h);
      expect("infer hT", got.infer_h_last, want.infer_h_last);
      expect("infer cT", got.infer_c_last, want.infer_c_last);
      expect("h", got.h, want.h);
      expect("hT", got.h_last, want.h_last);
      expect("cT", got.c_last, want.c_last);
      expect("dx", got.dx, want.dx);
      expect("dh0", got.dh0, want.dh0);
      expect("dc0", got.dc0, want.dc0);
      reference::expect_weights_near(c.shape, got.dweights, reference::widen(want.dweights),
                                     tolerance, static_cast<double>(c.shape.T) * c.shape.N);
    }
  }
}

}  // namespace
}  // namespace sluice
