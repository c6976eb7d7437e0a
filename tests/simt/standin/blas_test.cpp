// The stand-in's matrix products, in cuBLAS' own column-major terms; tests/cuda/base/base_test.cpp
// has them in Sluice's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>
#include <vector>

#include "base/device_buffer.hpp"
#include "engine/context.hpp"
#include "sluice/base/bf16.hpp"
#include "standin/standin.hpp"
#include "support/device.hpp"

namespace sluice {
namespace {

using sluice::testing::download;
using sluice::testing::upload;

constexpr float kOne = 1, kZero = 0;

std::vector<float> random_floats(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

std::vector<Bf16> rounded(const std::vector<float>& values) {
  std::vector<Bf16> out;
  for (const float value : values) out.push_back(to_bf16(value));
  return out;
}

std::vector<float> widened(const std::vector<Bf16>& values) {
  std::vector<float> out;
  for (const Bf16 value : values) out.push_back(to_float(value));
  return out;
}

/// Column-major C [m,n] = alpha op(A) op(B) + beta C in double.
struct Gemm {
  cublasOperation_t op_a = CUBLAS_OP_N, op_b = CUBLAS_OP_N;
  int m = 7, n = 6, k = 9, lda = 11, ldb = 12, ldc = 8;
  float alpha = 1.5f, beta = -0.5f;

  std::size_t size_a() const { return size(lda, op_a == CUBLAS_OP_N ? k : m); }
  std::size_t size_b() const { return size(ldb, op_b == CUBLAS_OP_N ? n : k); }
  std::size_t size_c() const { return size(ldc, n); }
  static std::size_t size(int leading, int columns) {
    return static_cast<std::size_t>(leading) * static_cast<std::size_t>(columns);
  }
  static std::size_t at(cublasOperation_t op, int row, int column, int leading) {
    return op == CUBLAS_OP_N ? size(leading, column) + static_cast<std::size_t>(row)
                             : size(leading, row) + static_cast<std::size_t>(column);
  }
  std::vector<double> expected(const std::vector<float>& a, const std::vector<float>& b,
                               const std::vector<float>& c) const {
    std::vector<double> out(c.begin(), c.end());
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < n; ++j) {
        double sum = 0;
        for (int p = 0; p < k; ++p) {
          sum += static_cast<double>(a[at(op_a, i, p, lda)]) * b[at(op_b, p, j, ldb)];
        }
        double& value = out[at(CUBLAS_OP_N, i, j, ldc)];
        value = alpha * sum + (beta == 0 ? 0 : beta * value);
      }
    }
    return out;
  }
};

class StandInBlas : public sluice::testing::DeviceTest {
 protected:
  cublasStatus_t run(const Gemm& g, const void* a, const void* b, void* c,
                     cudaDataType in = CUDA_R_32F, cudaDataType out = CUDA_R_32F,
                     cublasComputeType_t compute = CUBLAS_COMPUTE_32F) {
    return cublasGemmEx(context_.blas(), g.op_a, g.op_b, g.m, g.n, g.k, &g.alpha, a, in, g.lda, b,
                        in, g.ldb, &g.beta, c, out, g.ldc, compute, CUBLAS_GEMM_DEFAULT);
  }
  DeviceMemory& memory() { return context_.memory(); }

  DeviceContext context_;
};

void expect_near(const std::vector<float>& got, const std::vector<double>& expected,
                 double tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], tolerance) << i;
}

// Nine products of numbers below 4: nine roundings of a sum below 9 * 16.
constexpr double kTolerance = 9 * 9 * 16 * 6e-8;

TEST_F(StandInBlas, AllFourTransposesMatchDoubleLoops) {
  for (const cublasOperation_t op_a : {CUBLAS_OP_N, CUBLAS_OP_T}) {
    for (const cublasOperation_t op_b : {CUBLAS_OP_N, CUBLAS_OP_T}) {
      SCOPED_TRACE(::testing::Message() << "op_a " << op_a << " op_b " << op_b);
      const Gemm g{.op_a = op_a, .op_b = op_b};
      const auto a = random_floats(g.size_a(), 1), b = random_floats(g.size_b(), 2),
                 c = random_floats(g.size_c(), 3);
      const auto in_a = upload(memory(), a), in_b = upload(memory(), b);
      const auto out = upload(memory(), c);
      ASSERT_EQ(run(g, in_a.data(), in_b.data(), out.data()), CUBLAS_STATUS_SUCCESS);
      expect_near(download(out), g.expected(a, b, c), kTolerance);

      const auto half_a = rounded(a), half_b = rounded(b), half_c = rounded(c);
      const auto in_half_a = upload(memory(), half_a), in_half_b = upload(memory(), half_b);
      const auto out_half = upload(memory(), half_c);
      const auto out_float = upload(memory(), c);
      const auto wide_a = widened(half_a), wide_b = widened(half_b);
      ASSERT_EQ(run(g, in_half_a.data(), in_half_b.data(), out_float.data(), CUDA_R_16BF),
                CUBLAS_STATUS_SUCCESS);
      expect_near(download(out_float), g.expected(wide_a, wide_b, c), kTolerance);
      ASSERT_EQ(
          run(g, in_half_a.data(), in_half_b.data(), out_half.data(), CUDA_R_16BF, CUDA_R_16BF),
          CUBLAS_STATUS_SUCCESS);
      // One rounding to 8 bits of a result below 32.
      expect_near(widened(download(out_half)), g.expected(wide_a, wide_b, widened(half_c)),
                  32.0 / 256);
    }
  }
}

TEST_F(StandInBlas, Tf32RoundsInputsToTenBits) {
  const float just_above = 1 + std::ldexp(1.0f, -11);  // half way to the next: away from zero
  const float below = 1 + std::ldexp(1.0f, -12);
  const Gemm g{.m = 1, .n = 2, .k = 1, .lda = 1, .ldb = 1, .ldc = 1, .alpha = 1, .beta = 0};
  const auto a = upload(memory(), std::vector<float>{1});
  const auto b = upload(memory(), std::vector<float>{just_above, below});
  const auto c = upload(memory(), std::vector<float>{0, 0});
  ASSERT_EQ(
      run(g, a.data(), b.data(), c.data(), CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32),
      CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(download(c), (std::vector<float>{1 + std::ldexp(1.0f, -10), 1}));
  ASSERT_EQ(run(g, a.data(), b.data(), c.data()), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(download(c), (std::vector<float>{just_above, below}));
}

TEST_F(StandInBlas, BetaZeroDoesNotReadTheResult) {
  const Gemm g{.beta = 0};
  const auto a = random_floats(g.size_a(), 1), b = random_floats(g.size_b(), 2);
  const auto in_a = upload(memory(), a), in_b = upload(memory(), b);
  const DeviceBuffer<float> out(memory(), static_cast<std::int64_t>(g.size_c()), "a test");  // NaN
  ASSERT_EQ(run(g, in_a.data(), in_b.data(), out.data()), CUBLAS_STATUS_SUCCESS);
  const std::vector<float> c = download(out);
  for (int j = 0; j < g.n; ++j) {
    for (int i = 0; i < g.ldc; ++i) {
      EXPECT_EQ(std::isnan(c[Gemm::at(CUBLAS_OP_N, i, j, g.ldc)]), i >= g.m) << i << ' ' << j;
    }
  }
}

TEST_F(StandInBlas, NothingToSumScalesTheResult) {
  const Gemm g{.m = 2, .n = 1, .k = 0, .lda = 2, .ldb = 1, .ldc = 2, .alpha = 1, .beta = 3};
  const auto c = upload(memory(), std::vector<float>{1, 2});
  ASSERT_EQ(run(g, nullptr, nullptr, c.data()), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(download(c), (std::vector<float>{3, 6}));
}

TEST_F(StandInBlas, BatchesStepByTheirStrides) {
  const auto a = upload(memory(), std::vector<float>{1, 2, 3, 4});
  const auto b = upload(memory(), std::vector<float>{10});
  const auto c = upload(memory(), std::vector<float>(5, -1));
  ASSERT_EQ(cublasGemmStridedBatchedEx(context_.blas(), CUBLAS_OP_N, CUBLAS_OP_N, 2, 1, 1, &kOne,
                                       a.data(), CUDA_R_32F, 2, 2, b.data(), CUDA_R_32F, 1, 0,
                                       &kZero, c.data(), CUDA_R_32F, 2, 3, 2, CUBLAS_COMPUTE_32F,
                                       CUBLAS_GEMM_DEFAULT),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(download(c), (std::vector<float>{10, 20, -1, 30, 40}));
}

TEST_F(StandInBlas, WrongArgumentsAreRefused) {
  const Gemm good;
  const DeviceBuffer<float> data(memory(), 1000, "a test"), out(memory(), 1000, "a test");
  const auto status = [&](const Gemm& g) { return run(g, data.data(), data.data(), out.data()); };
  Gemm g = good;
  g.lda = 6;
  EXPECT_EQ(status(g), CUBLAS_STATUS_INVALID_VALUE);
  g = good;
  g.ldb = 8;
  EXPECT_EQ(status(g), CUBLAS_STATUS_INVALID_VALUE);
  g = good;
  g.ldc = 6;
  EXPECT_EQ(status(g), CUBLAS_STATUS_INVALID_VALUE);
  g = good;
  g.op_a = CUBLAS_OP_T;
  g.lda = 8;
  EXPECT_EQ(status(g), CUBLAS_STATUS_INVALID_VALUE);
  g = good;
  g.k = -1;
  EXPECT_EQ(status(g), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(run(good, data.data(), data.data(), out.data(), CUDA_R_16BF, CUDA_R_32F,
                CUBLAS_COMPUTE_32F_FAST_TF32),
            CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(run(good, nullptr, data.data(), out.data()), CUBLAS_STATUS_INVALID_VALUE);
  std::vector<float> host(1000);
  EXPECT_NE(run(good, host.data(), data.data(), out.data()), CUBLAS_STATUS_SUCCESS);
  EXPECT_THROW(static_cast<void>(run(good, data.data(), data.data(), data.data())),
               std::logic_error);
  g = good;
  g.lda = 200;  // beyond the buffer
  EXPECT_THROW(static_cast<void>(run(g, data.data(), data.data(), out.data())), std::logic_error);
}

TEST_F(StandInBlas, SettingTheStreamTakesTheWorkspaceAway) {
  const Gemm g;
  const auto data = upload(memory(), std::vector<float>(200, 1));
  const auto out = upload(memory(), std::vector<float>(200, 1));
  ASSERT_EQ(cublasSetStream(context_.blas(), context_.stream()), CUBLAS_STATUS_SUCCESS);
  check(cudaStreamBeginCapture(context_.stream(), cudaStreamCaptureModeThreadLocal), "capture");
  EXPECT_THROW(static_cast<void>(run(g, data.data(), data.data(), out.data())), std::logic_error);
  cudaGraph_t graph = nullptr;
  check(cudaStreamEndCapture(context_.stream(), &graph), "capture");
  check(cudaGraphDestroy(graph), "cudaGraphDestroy");
}

}  // namespace
}  // namespace sluice
