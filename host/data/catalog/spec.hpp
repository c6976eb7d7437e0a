// Settings of a catalogue that can be judged before there are data.
#pragma once

#include "sluice/data/catalog.hpp"

namespace sluice {

/// Refuses an encoding, a time zone, a start or a frequency that there is none of, also where the
/// data would not come to need it. Throws ConfigError or DataError with the setting.
void check_spec(const CatalogSpec& spec);

}  // namespace sluice
