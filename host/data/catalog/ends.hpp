// One "today" for a catalogue (data.end), and the series that are over (data.ended_after).
#pragma once

#include <cstdint>
#include <string>

#include "data/catalog/bits.hpp"
#include "data/catalog/build.hpp"
#include "data/catalog/histories.hpp"
#include "data/catalog/precision.hpp"

namespace sluice {

/// Steps of `frequency` in a year, at least 1; 0 for integer times, which have no year.
std::int64_t steps_of_year(const Frequency& frequency);

/// Whether data.end is a time.
bool has_end_date(const CatalogSpec& spec);

/// Whether histories end together: data.end is "common" or a time, or "auto" where gaps are zero.
bool ends_together(const CatalogSpec& spec);

/// Settles where the histories of laid series end, the same in every layout:
///   - a time in data.end: targets and past channels after it are taken out, and counted;
///   - parts.ended: the last value lies more than data.ended_after steps before the end;
///   - histories that end together: every other series is lengthened to the end, its new steps
///     missing and without a row, and parts.history says so; an ended one keeps its own end.
/// `own_axes`: series are not placed on one calendar (a start for each, or places from 0), so that
/// "auto" means their own ends. `has_row` follows the steps. Says in notes.remarks what it found.
/// Throws ConfigError for a wrong data.end, DataError beyond data.max_steps.
void settle_ends(CatalogParts& parts, Bits& has_row, const CatalogSpec& spec,
                 const std::string& source, bool own_axes, CatalogNotes& notes);

/// How many steps of a series come before a time in data.end, of parts whose frequency and first
/// steps are settled; empty without such a time. Keeps `parts`. Throws ConfigError likewise.
StepsOf steps_to_end(const CatalogSpec& spec, const CatalogParts& parts);

}  // namespace sluice
