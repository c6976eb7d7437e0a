// Kinds of one group beside each other: what share of the peak each reaches, how many times as fast
// as another it is. Sample by sample, since the samples of a group are taken in turn.
#pragma once

#include <map>
#include <span>
#include <string>

#include "cpu/bench.hpp"
#include "cpu/recurrence_kinds.hpp"
#include "spread.hpp"

namespace sluice::bench {

/// Results of one group by their kind.
using Group = std::map<std::string, const Result*>;
using NamedGroups = std::vector<std::pair<std::string, Group>>;
/// In the order in which they were measured. Points into `results`.
NamedGroups groups_of(std::span<const Result> results);

/// How many times as fast as `other`: the ratio of the medians, with the lowest and highest ratio
/// of samples taken together.
Spread ratio(const Result& result, const Result& other);

/// Part of the peak, sample by sample.
Spread share(const Result& result, const Result& peak);

/// For each kind that has rivals and each phase, a table of at most 80 columns with a line a shape:
/// GFLOP/s and share of the peak of it and its rivals, its ratio to each of them with the range. A
/// rival that no group has gets no column. "" where no such kind was measured.
std::string comparison(std::span<const Result> results);

}  // namespace sluice::bench
