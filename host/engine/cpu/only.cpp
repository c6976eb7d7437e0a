// Which engine a device name means in a build without CUDA; cuda/engine/select_engine.cpp is linked
// in its place where there is CUDA.
#include <fmt/core.h>

#include "sluice/base/error.hpp"
#include "sluice/engine/engine.hpp"

namespace sluice {

std::unique_ptr<Engine> make_engine(const std::string& device, const EngineSetup& setup) {
  if (device == "auto" || device == "cpu") return make_cpu_engine(setup);
  if (device == "cuda" || device.starts_with("cuda:")) {
    throw DeviceError(fmt::format(
        "engine.device = \"{}\": this build has no CUDA engine; build it where a CUDA compiler is "
        "(cmake --preset cuda), or set engine.device = \"cpu\"",
        device));
  }
  throw DeviceError(fmt::format(
      "engine.device = \"{}\": there is no such engine; choose auto, cpu or cuda", device));
}

std::string automatic_device() { return "cpu"; }

std::vector<std::string> cuda_device_texts() { return {"none: this build has no CUDA engine"}; }

}  // namespace sluice
