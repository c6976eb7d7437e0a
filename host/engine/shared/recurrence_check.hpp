// Sizes of the arrays that a recurrence is handed, checked.
#pragma once

#include "engine/recurrence.hpp"

namespace sluice {

/// Elements of states [L,N,H].
std::int64_t state_elements(const RecurrenceShape& shape);

/// Throws InternalError, "forward: x has 59 elements, T=5 N=4 C=3 H=8 L=2 needs 60".
void check_size(const char* caller, const char* what, std::size_t size, std::int64_t expected,
                const RecurrenceShape& shape);
/// An array is [T,N,C].
void check_input(const char* caller, const Input& x, const RecurrenceShape& shape);
/// States are [L,N,H] or empty.
void check_states(const char* caller, const char* what, const StateIn& state,
                  const RecurrenceShape& shape);
void check_states(const char* caller, const char* what, const StateOut& state,
                  const RecurrenceShape& shape);

}  // namespace sluice
