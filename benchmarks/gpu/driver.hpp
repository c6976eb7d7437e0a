// What only the driver's management library (NVML) knows: its own version and the clocks. The
// library is opened when asked for and is not linked: a host without it still measures.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "gpu/rows.hpp"

namespace sluice::bench {

class Driver {
 public:
  /// Never throws for a missing library: then version() is empty and there are no clocks.
  Driver();
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  std::string version() const;  ///< "580.65.06"
  std::optional<ClockReading> clocks() const;
  std::optional<ClockReading> highest_clocks() const;

 private:
  struct Library;
  std::unique_ptr<Library> library_;  ///< null: not there
};

}  // namespace sluice::bench
