// SLUICE_HD marks a scalar function that host code and CUDA kernels share; SLUICE_ROLLED, a loop
// in one that is not to be unrolled on a device, where it mostly goes round once and copies of it
// would cost registers. The only macros of Sluice.
#pragma once

#ifdef __CUDACC__
#define SLUICE_HD __host__ __device__
#else
#define SLUICE_HD
#endif

#ifdef __CUDA_ARCH__
#define SLUICE_ROLLED _Pragma("unroll 1")
#else
#define SLUICE_ROLLED
#endif
