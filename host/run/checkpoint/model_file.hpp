// A model as what its file holds.
#pragma once

#include "sluice/run/checkpoint.hpp"

namespace sluice {

/// What save_model writes, without the checksum. InternalError where its parts do not fit together.
Safetensors model_file(const Model& model);

}  // namespace sluice
