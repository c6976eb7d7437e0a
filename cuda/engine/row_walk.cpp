#include "engine/row_walk.hpp"

#include "engine/gather.hpp"
#include "engine/path_kernels.hpp"

namespace sluice {
namespace {

ModelSpec of_one_step(ModelSpec spec) {
  spec.T = 1, spec.forking = false, spec.warmup = 0;
  return spec;
}

}  // namespace

DeviceRowWalk::DeviceRowWalk(const ModelSpace& space, DeviceRecurrence& recurrence, Precision head,
                             DeviceContext& context)
    : spec_(of_one_step(space.spec())),
      recurrence_(recurrence),
      context_(context),
      head_(spec_, head, context) {}

void DeviceRowWalk::prepare(std::int64_t R) {
  recurrence_.prepare(1, static_cast<int>(R), false);
  head_.prepare(R, false);
  DeviceMemory& memory = context_.memory();
  const std::int64_t states = spec_.L * R * spec_.H;
  if (!recurrence_.assembles_input()) {
    x_.grow(memory, R * spec_.inputs(), "the inputs of sample paths");
  }
  h_.grow(memory, states, "the states of sample paths");
  c_.grow(memory, states, "the states of sample paths");
  u_.grow(memory, R * spec_.outputs(), "the distributions of sample paths");
}

void DeviceRowWalk::enqueue(const PathRows& paths, DeviceSpan<const float> params) {
  const std::int64_t R = paths.rows.N;
  const DeviceSpan<float> h = this->h(R), c = this->c(R);
  const DeviceSpan<float> u = u_.first(R * spec_.outputs());
  const DeviceSpan<const float> top = h.subspan((spec_.L - 1) * R * spec_.H, R * spec_.H);
  for (int k = 0; k < paths.horizon; ++k) {
    context_.beside([&] { head_.begin_infer(paths.rows, params, u, {}); });
    if (k > 0) {
      RecurrenceInput input;
      if (recurrence_.assembles_input()) {
        input.rows = &paths.rows;
      } else {
        const DeviceSpan<float> x = x_.first(R * spec_.inputs());
        gather_inputs(paths.rows, x, context_.stream());
        input.x = x;
      }
      recurrence_.infer(1, static_cast<int>(R), input, {h, c}, {}, {h, c});
    }
    context_.join();
    head_.infer(paths.rows, params, top, u, {});
    extend_paths(paths, k, spec_.outputs(), u, context_.stream());
  }
}

}  // namespace sluice
