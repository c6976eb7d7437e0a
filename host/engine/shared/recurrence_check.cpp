#include "engine/shared/recurrence_check.hpp"

#include <fmt/format.h>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

void check_state(const char* caller, const char* what, std::size_t size,
                 const RecurrenceShape& shape) {
  if (size != 0) check_size(caller, what, size, state_elements(shape), shape);
}

}  // namespace

std::int64_t state_elements(const RecurrenceShape& shape) {
  return std::int64_t{shape.L} * shape.N * shape.H;
}

void check_size(const char* caller, const char* what, std::size_t size, std::int64_t expected,
                const RecurrenceShape& shape) {
  if (static_cast<std::int64_t>(size) == expected) return;
  throw InternalError(fmt::format("{}: {} has {} elements, T={} N={} C={} H={} L={} needs {}",
                                  caller, what, size, shape.T, shape.N, shape.C, shape.H, shape.L,
                                  expected));
}

void check_input(const char* caller, const Input& x, const RecurrenceShape& shape) {
  if (x.rows() != nullptr) return;
  check_size(caller, "x", x.array().size(), std::int64_t{shape.T} * shape.N * shape.C, shape);
}

void check_states(const char* caller, const char* what, const StateIn& state,
                  const RecurrenceShape& shape) {
  check_state(caller, what, state.h.size(), shape);
  check_state(caller, what, state.c.size(), shape);
}

void check_states(const char* caller, const char* what, const StateOut& state,
                  const RecurrenceShape& shape) {
  check_state(caller, what, state.h.size(), shape);
  check_state(caller, what, state.c.size(), shape);
}

}  // namespace sluice
