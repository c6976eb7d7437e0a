// Which engine a device name means in a build with CUDA (host/engine/cpu/only.cpp is the other
// one).
#include <fmt/core.h>

#include "base/ranks/ranks.hpp"
#include "engine/devices.hpp"
#include "sluice/base/error.hpp"
#include "sluice/engine/engine.hpp"

namespace sluice {

std::unique_ptr<Engine> make_engine(const std::string& device, const EngineSetup& setup) {
  const bool automatic = device == "auto", usable = automatic && has_usable_device();
  if (automatic && setup.ranks != nullptr) check_usable_alike(*setup.ranks, usable);
  if (device == "cpu" || (automatic && !usable)) return make_cpu_engine(setup);
  EngineSetup numbered = setup;
  const bool own = automatic || device == "cuda";
  numbered.cuda_device = own ? own_device(rank_on_machine()) : device_number(device);
  if (numbered.cuda_device < 0) {
    throw DeviceError(
        fmt::format("engine.device = \"{}\": there is no such engine; choose auto, cpu, cuda or "
                    "cuda:N (sluice devices lists them)",
                    device));
  }
  return make_cuda_engine(numbered);
}

std::string automatic_device() { return has_usable_device() ? "cuda:0" : "cpu"; }

std::vector<std::string> cuda_device_texts() { return device_texts(); }

}  // namespace sluice
