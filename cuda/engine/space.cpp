#include "engine/space.hpp"

#include <span>

#include "engine/shared/space_arrays.hpp"

namespace sluice {
namespace {

/// use(pointer, elements) for what is to be resident; the pointers of the rest become null.
template <typename Use>
void for_each_resident(SpaceView& view, Resident resident, Use use) {
  for_each_table(view, use);
  const auto series = [&](auto& pointer, std::int64_t elements) {
    if (resident == Resident::everything) {
      use(pointer, elements);
    } else {
      pointer = nullptr;
    }
  };
  for_each_series_array(view, series);
  for_each_step_array(
      view, [&](auto& pointer, std::int64_t channels) { series(pointer, channels * view.total); });
}

template <typename T>
std::int64_t bytes_of(const T* pointer, std::int64_t elements) {
  return pointer == nullptr ? 0 : aligned(elements * static_cast<std::int64_t>(sizeof(T)));
}

}  // namespace

std::int64_t DeviceSpace::bytes(const ModelSpace& space, Resident resident) {
  SpaceView view = space.view();
  std::int64_t total = 0;
  for_each_resident(view, resident, [&](auto& pointer, std::int64_t elements) {
    total += bytes_of(pointer, elements);
  });
  return total;
}

DeviceSpace::DeviceSpace(const ModelSpace& space, Resident resident, DeviceContext& context)
    : resident_(resident),
      block_(context.memory(), bytes(space, resident), "the catalogue"),
      view_(space.view()) {
  std::byte* at = block_.data();
  for_each_resident(view_, resident, [&]<typename T>(const T*& pointer, std::int64_t elements) {
    if (pointer == nullptr || elements == 0) return;
    const std::span from(pointer, static_cast<std::size_t>(elements));
    auto* to = reinterpret_cast<T*>(at);
    copy_to_device(from, DeviceSpan<T>(to, elements), context.stream());
    at += bytes_of(pointer, elements);
    pointer = to;
  });
  context.synchronize();
}

}  // namespace sluice
