// The driver's library of a device that is not there: it tells nothing.
#include "gpu/driver.hpp"

namespace sluice::bench {

struct Driver::Library {};

Driver::Driver() = default;
Driver::~Driver() = default;
std::string Driver::version() const { return {}; }
std::optional<ClockReading> Driver::clocks() const { return {}; }
std::optional<ClockReading> Driver::highest_clocks() const { return {}; }

}  // namespace sluice::bench
