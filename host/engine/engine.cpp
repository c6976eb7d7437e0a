// Which engine a device name means. One of these files is linked: this one where there is no CUDA
// engine.
#include "sluice/engine/engine.hpp"

#include <fmt/core.h>

#include "sluice/base/error.hpp"

namespace sluice {

std::unique_ptr<Engine> make_engine(const std::string& device, const EngineSetup& setup) {
  if (device == "auto" || device == "cpu") return make_cpu_engine(setup);
  throw DeviceError(fmt::format(
      "engine.device = \"{}\": this build has no such engine; set engine.device = \"cpu\"",
      device));
}

}  // namespace sluice
