// In the place of CUDA's header of this name, which does not get on with the stand-in's
// cublas_v2.h: the one name that cuDNN's headers want of it.
#pragma once

enum libraryPropertyType { MAJOR_VERSION, MINOR_VERSION, PATCH_LEVEL };
