#include "engine/device_space.hpp"

#include <algorithm>

namespace sluice {
namespace {

constexpr std::int64_t kAlign = 256;

std::int64_t calendar_rows(const SpaceView& space) {
  std::int64_t last = 0;
  for (std::int64_t s = 0; s < space.series; ++s) {
    last = std::max(last, space.calendar_row[s] + space.offset[s + 1] - space.offset[s]);
  }
  return last + 2;  // terms are those of the step after, and the last step's are asked for too
}

/// Calls visit(pointer in a view, elements) for each array of `part`.
template <typename View, typename Visit>
void for_each_array(const SpaceView& space, SpacePart part, View& view, Visit visit) {
  const std::int64_t S = space.series, M = space.M, total = space.total;
  if (part == SpacePart::whole) {
    visit(view.offset, S + 1);
    visit(view.calendar_row, S);
    visit(view.v, M * total);
    visit(view.s, M * total);
    visit(view.o, M * total);
    visit(view.smoothed, M * total);
    visit(view.covariates, (space.past_channels + space.future_channels) * total);
    visit(view.statics, S * space.static_count);
    visit(view.codes, S * space.embedding_count);
    visit(view.weight, S);
    visit(view.log_scale, M * S);
    visit(view.scale, M * S);
    visit(view.shift, M * S);
  }
  visit(view.calendar, space.calendar_terms > 0 ? calendar_rows(space) * space.calendar_terms : 0);
  visit(view.lags, static_cast<std::int64_t>(space.lag_count));
  visit(view.embedding_width, static_cast<std::int64_t>(space.embedding_count));
  visit(view.embedding_at, static_cast<std::int64_t>(space.embedding_count));
}

}  // namespace

std::int64_t DeviceSpace::bytes(const SpaceView& space, SpacePart part) {
  std::int64_t sum = 0;
  for_each_array(space, part, space, [&](const auto* pointer, std::int64_t count) {
    if (pointer == nullptr || count == 0) return;
    const auto size = count * static_cast<std::int64_t>(sizeof *pointer);
    sum += (size + kAlign - 1) / kAlign * kAlign;
  });
  return sum;
}

DeviceSpace::DeviceSpace(const SpaceView& space, SpacePart part, DeviceContext& context)
    : view_(space), memory_(context.memory(), bytes(space, part), "the catalogue") {
  const SpaceView shared_only = [&] {
    SpaceView view = space;
    if (part == SpacePart::shared) {
      view.offset = view.calendar_row = nullptr;
      view.v = view.s = view.o = view.smoothed = view.covariates = nullptr;
      view.statics = view.weight = view.log_scale = view.scale = view.shift = nullptr;
      view.codes = nullptr;
    }
    return view;
  }();
  view_ = shared_only;
  std::int64_t at = 0;
  for_each_array(space, part, view_, [&](auto& pointer, std::int64_t count) {
    using Element = std::remove_cvref_t<decltype(*pointer)>;
    if (pointer == nullptr || count == 0) {
      pointer = nullptr;
      return;
    }
    auto* to = reinterpret_cast<Element*>(memory_.data() + at);
    const auto size = count * static_cast<std::int64_t>(sizeof(Element));
    // From pageable memory: the runtime stages it. Once at the start.
    check(cudaMemcpy(to, pointer, static_cast<std::size_t>(size), cudaMemcpyHostToDevice),
          "cudaMemcpy of the catalogue");
    pointer = to;
    at += (size + kAlign - 1) / kAlign * kAlign;
  });
}

}  // namespace sluice
