// The interpreter itself: that it runs what a kernel says, and that it sees what a kernel does
// wrong.
#include "interpreter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/ptx.cuh"
#include "shadow/cuda_runtime.h"
#include "sluice/base/bf16.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;

/// The message of what `run` throws; empty if it throws nothing.
template <typename Run>
std::string failure(Run run) {
  try {
    run();
  } catch (const std::logic_error& error) {
    return error.what();
  }
  return "";
}

float* shared_floats() { return reinterpret_cast<float*>(simt::shared_base()); }

/// Each block sums its threads' numbers by halving; `barrier` is what stands between the steps.
template <typename Barrier>
std::vector<float> block_sums(int blocks, int threads, Barrier barrier) {
  std::vector<float> sums(static_cast<std::size_t>(blocks));
  simt::run_grid({blocks, threads, static_cast<std::size_t>(threads) * sizeof(float)}, [&] {
    float* value = shared_floats();
    const unsigned i = threadIdx.x;
    value[i] = static_cast<float>(blockIdx.x * blockDim.x + i);
    barrier();
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
      if (i < half) value[i] += value[i + half];
      barrier();
    }
    if (i == 0) sums[blockIdx.x] = value[0];
  });
  return sums;
}

TEST(Interpreter, RunsEveryThreadOfEveryBlockWithItsIndices) {
  std::vector<int> seen(6 * 70, 0);
  simt::run_grid({6, 70, 0}, [&] {
    EXPECT_EQ(gridDim.x, 6u);
    EXPECT_EQ(blockDim.x, 70u);
    ++seen[blockIdx.x * blockDim.x + threadIdx.x];
  });
  EXPECT_EQ(seen, std::vector<int>(6 * 70, 1));
}

TEST(Interpreter, BarriersOrderSharedMemory) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    simt::seed(seed);
    EXPECT_EQ(block_sums(3, 64, [] { __syncthreads(); }), (std::vector<float>{2016, 6112, 10208}));
  }
}

TEST(Interpreter, ARemovedBarrierShowsAsAWrongNumber) {
  simt::seed(1);
  const std::vector<float> sums = block_sums(3, 64, [] {});
  EXPECT_NE(sums, (std::vector<float>{2016, 6112, 10208}));
}

TEST(Interpreter, ABarrierThatSomeThreadsDoNotReachIsNamed) {
  EXPECT_THAT(failure([] {
                simt::run_grid({1, 64, 0}, [] {
                  if (threadIdx.x < 40) __syncthreads();
                });
              }),
              HasSubstr("__syncthreads is reached by 40 threads, and 24 have left the kernel"));
  const auto two_places = [] {  // outside the macro, which would put both on one line
    if (threadIdx.x < 40) {
      __syncthreads();
    } else {
      __syncthreads();
    }
  };
  EXPECT_THAT(failure([&] {
                simt::run_grid({1, 64, 0}, two_places);
              }),
              HasSubstr("threads meet at different __syncthreads"));
}

TEST(Interpreter, AWriteBesideSharedMemoryIsFound) {
  for (const int offset : {-1, 32}) {
    EXPECT_THAT(failure([&] {
                  simt::run_grid({1, 32, 32 * sizeof(float)}, [&] {
                    if (threadIdx.x == 0) shared_floats()[offset] = 1;
                  });
                }),
                HasSubstr("was written beside"));
  }
}

TEST(Interpreter, SharedMemoryBeginsAsNaN) {
  std::vector<float> seen(32);
  simt::run_grid({1, 32, 32 * sizeof(float)},
                 [&] { seen[threadIdx.x] = shared_floats()[threadIdx.x]; });
  EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](float x) { return std::isnan(x); }));
}

TEST(Interpreter, ShufflesMoveLanesValues) {
  std::vector<int> sum(64), down(64), from(64), up(64);
  simt::run_grid({1, 64, 0}, [&] {
    const unsigned i = threadIdx.x;
    int value = static_cast<int>(i);
    for (int bits = 16; bits > 0; bits /= 2) value += __shfl_xor_sync(0xffffffffu, value, bits);
    sum[i] = value;
    down[i] = __shfl_down_sync(0xffffffffu, static_cast<int>(i), 4);
    up[i] = __shfl_up_sync(0xffffffffu, static_cast<int>(i), 4);
    from[i] = __shfl_sync(0xffffffffu, static_cast<int>(i), 3, 8);
  });
  EXPECT_EQ(sum[5], 496);
  EXPECT_EQ(sum[40], 496 + 32 * 32);
  EXPECT_EQ(down[2], 6);
  EXPECT_EQ(down[30], 30);
  EXPECT_EQ(up[6], 2);
  EXPECT_EQ(up[33], 33);
  EXPECT_EQ(from[13], 11);
}

TEST(Interpreter, LanesThatMissAWarpInstructionAreNamed) {
  EXPECT_THAT(failure([] {
                simt::run_grid({1, 32, 0}, [] {
                  if (threadIdx.x != 7) __shfl_xor_sync(0xffffffffu, 1, 1);
                });
              }),
              HasSubstr("lane 7"));
  EXPECT_THAT(failure([] {
                simt::run_grid({1, 32, 0}, [] {
                  if (threadIdx.x % 2 == 0) {
                    __syncwarp();
                  } else {
                    __shfl_xor_sync(0xffffffffu, 1, 1);
                  }
                });
              }),
              HasSubstr("lanes of a warp meet at different instructions"));
}

TEST(Interpreter, ACopyThatNobodyWaitsForIsFound) {
  alignas(16) const float source[4] = {1, 2, 3, 4};
  std::vector<float> seen(4);
  const auto copy = [&](bool wait) {
    simt::run_grid({1, 32, 16}, [&] {
      if (threadIdx.x == 0) {
        cp_async_16(shared_floats(), source);
        cp_async_commit();
        if (wait) cp_async_wait<0>();
      }
      __syncthreads();
      if (threadIdx.x < 4) seen[threadIdx.x] = shared_floats()[threadIdx.x];
    });
  };
  copy(true);
  EXPECT_EQ(seen, (std::vector<float>{1, 2, 3, 4}));
  EXPECT_THAT(failure([&] { copy(false); }), HasSubstr("never waited for"));
}

TEST(Interpreter, MatrixLoadsOutsideSharedMemoryAreFound) {
  EXPECT_THAT(failure([] {
                simt::run_grid({1, 32, 256}, [] {
                  std::uint32_t r[4];
                  ldmatrix_x4(r, simt::shared_base() + 16 * threadIdx.x);
                });
              }),
              HasSubstr("ldmatrix at interpreter_test.cpp:"));
}

TEST(Interpreter, WideStoresAreTheirWordsAndNeedTheirAlignment) {
  alignas(16) std::uint32_t to[8] = {};
  const auto store = [&](int first) {
    simt::run_grid({1, 1, 0}, [&] { store_global_16(to + first, {1, 2, 3, 4}); });
  };
  store(4);
  EXPECT_THAT(to, ::testing::ElementsAre(0, 0, 0, 0, 1, 2, 3, 4));
  EXPECT_THAT(failure([&] { store(1); }), HasSubstr("needs an address aligned to 16"));
}

// The fragments, written down once more, element by element, from the manual's figures.
struct Matrices {
  std::vector<float> a, b, c;  // [16,K], [K,8], [16,8]
};

Matrices random_matrices(std::size_t K) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> value(-8, 8);
  Matrices m{std::vector<float>(16 * K), std::vector<float>(K * 8), std::vector<float>(16 * 8)};
  for (auto* v : {&m.a, &m.b, &m.c}) {
    for (float& x : *v) x = static_cast<float>(value(random));
  }
  return m;
}

std::vector<float> expected(const Matrices& m, std::size_t K) {
  std::vector<float> d = m.c;
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t j = 0; j < 8; ++j) {
      for (std::size_t k = 0; k < K; ++k) d[i * 8 + j] += m.a[i * K + k] * m.b[k * 8 + j];
    }
  }
  return d;
}

/// One mma of bf16 with fragments loaded element by element; `swap` exchanges two of them.
std::vector<float> bf16_product(const Matrices& m, bool swap) {
  std::vector<float> d(16 * 8);
  simt::run_grid({1, 32, 0}, [&] {
    const std::size_t g = threadIdx.x / 4, p = threadIdx.x % 4;
    const auto a = [&](std::size_t row, std::size_t k) {
      return pack_bf16(m.a[row * 16 + k], m.a[row * 16 + k + 1]);
    };
    const auto b = [&](std::size_t k) { return pack_bf16(m.b[k * 8 + g], m.b[(k + 1) * 8 + g]); };
    std::uint32_t fa[4] = {a(g, 2 * p), a(g + 8, 2 * p), a(g, 2 * p + 8), a(g + 8, 2 * p + 8)};
    const std::uint32_t fb[2] = {b(2 * p), b(2 * p + 8)};
    if (swap) std::swap(fa[1], fa[2]);
    float fd[4];
    const std::size_t at[4] = {g * 8 + 2 * p, g * 8 + 2 * p + 1, (g + 8) * 8 + 2 * p,
                               (g + 8) * 8 + 2 * p + 1};
    for (std::size_t i = 0; i < 4; ++i) fd[i] = m.c[at[i]];
    mma_m16n8k16_bf16(fd, fa, fb);
    for (std::size_t i = 0; i < 4; ++i) d[at[i]] = fd[i];
  });
  return d;
}

TEST(Interpreter, MmaOfBf16IsAMatrixProduct) {
  const Matrices m = random_matrices(16);
  EXPECT_EQ(bf16_product(m, false), expected(m, 16));
}

TEST(Interpreter, ASwappedFragmentShows) {
  const Matrices m = random_matrices(16);
  EXPECT_NE(bf16_product(m, true), expected(m, 16));
}

TEST(Interpreter, MmaOfTf32IsAMatrixProduct) {
  const Matrices m = random_matrices(8);
  std::vector<float> d(16 * 8);
  simt::run_grid({1, 32, 0}, [&] {
    const std::size_t g = threadIdx.x / 4, p = threadIdx.x % 4;
    const std::uint32_t fa[4] = {to_tf32(m.a[g * 8 + p]), to_tf32(m.a[(g + 8) * 8 + p]),
                                 to_tf32(m.a[g * 8 + p + 4]), to_tf32(m.a[(g + 8) * 8 + p + 4])};
    const std::uint32_t fb[2] = {to_tf32(m.b[p * 8 + g]), to_tf32(m.b[(p + 4) * 8 + g])};
    float fd[4];
    const std::size_t at[4] = {g * 8 + 2 * p, g * 8 + 2 * p + 1, (g + 8) * 8 + 2 * p,
                               (g + 8) * 8 + 2 * p + 1};
    for (std::size_t i = 0; i < 4; ++i) fd[i] = m.c[at[i]];
    mma_m16n8k8_tf32(fd, fa, fb);
    for (std::size_t i = 0; i < 4; ++i) d[at[i]] = fd[i];
  });
  EXPECT_EQ(d, expected(m, 8));
}

TEST(Interpreter, LdmatrixGivesTheFragmentsOfMma) {
  // A 16x16 matrix whose element (row, k) is 16 row + k, as four 8x8 matrices in the order of A's
  // fragments.
  std::vector<std::uint32_t> plain(4 * 32), turned(4 * 32);
  simt::run_grid({1, 32, 16 * 16 * 2}, [&] {
    auto* element = reinterpret_cast<std::uint16_t*>(simt::shared_base());
    for (unsigned i = threadIdx.x; i < 256; i += 32) element[i] = static_cast<std::uint16_t>(i);
    __syncwarp();
    const unsigned matrix = threadIdx.x / 8, row = threadIdx.x % 8 + matrix % 2 * 8;
    std::uint32_t r[4];
    ldmatrix_x4(r, element + row * 16 + matrix / 2 * 8);
    for (unsigned k = 0; k < 4; ++k) plain[k * 32 + threadIdx.x] = r[k];
    ldmatrix_x4_trans(r, element + row * 16 + matrix / 2 * 8);
    for (unsigned k = 0; k < 4; ++k) turned[k * 32 + threadIdx.x] = r[k];
  });
  for (std::uint32_t lane = 0; lane < 32; ++lane) {
    const std::uint32_t g = lane / 4, p = lane % 4;
    for (std::uint32_t k = 0; k < 4; ++k) {
      const std::uint32_t row = k % 2 * 8, column = k / 2 * 8;
      const std::uint32_t low = 16 * (row + g) + column + 2 * p;
      EXPECT_EQ(plain[k * 32 + lane], low | ((low + 1) << 16));
      const std::uint32_t top = 16 * (row + 2 * p) + column + g;
      EXPECT_EQ(turned[k * 32 + lane], top | ((top + 16) << 16));
    }
  }
}

TEST(Interpreter, ApproximateTanhIsWithinItsStatedError) {
  for (float x = -9; x < 9; x += 0.0137f) {
    EXPECT_NEAR(tanh_approx(x), std::tanh(x), std::abs(std::tanh(x)) * 0x1p-11f);
  }
}

TEST(Interpreter, ApproximatePowerAndReciprocalAreWithinTheirStatedErrors) {
  for (float x = -125; x < 125; x += 0.137f) {
    EXPECT_NEAR(exp2_approx(x) / std::exp2(x), 1.0f, 0x1p-22f) << x;
    EXPECT_NEAR(reciprocal_approx(std::exp2(x)) * std::exp2(x), 1.0f, 0x1p-22f) << x;
  }
  EXPECT_EQ(exp2_approx(-127.0f), 0.0f);
  EXPECT_EQ(reciprocal_approx(exp2_approx(1000.0f)), 0.0f);
}

}  // namespace
}  // namespace sluice
