// cuBLAS as a library that is loaded when it is first called (cublas.cpp).
#pragma once

#include "base/shared_library.hpp"

namespace sluice {

/// Loads cuBLAS at the first call. The tests without a GPU link a stand-in for cuBLAS instead.
const SharedLibrary& cublas();

}  // namespace sluice
