// cuDNN as a library that is loaded when it is first called (library.cpp).
#pragma once

#include "base/shared_library.hpp"

namespace sluice {

/// Loads cuDNN at the first call. The tests with a model of cuDNN have one that is always there.
const SharedLibrary& cudnn_library();

}  // namespace sluice
