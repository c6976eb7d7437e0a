// SLUICE_HD marks a scalar function that host code and CUDA kernels share. The only macro of
// Sluice.
#pragma once

#ifdef __CUDACC__
#define SLUICE_HD __host__ __device__
#else
#define SLUICE_HD
#endif
