// The floor of the CUDA engine: what a failed call says, memory and its limit, matrix products.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <random>
#include <source_location>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "base/device_buffer.hpp"
#include "base/handles.hpp"
#include "base/matmul.hpp"
#include "engine/context.hpp"
#include "sluice/base/error.hpp"
#include "support/device.hpp"

namespace sluice {
namespace {

using sluice::testing::download;
using sluice::testing::upload;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// The message of the DeviceError that `run` throws; empty if it throws none.
template <typename Run>
std::string failure(Run run) {
  try {
    run();
  } catch (const DeviceError& error) {
    return error.what();
  }
  return "";
}

// ---- what a failed call says: needs no device --------------------------------------------------

TEST(Check, NamesPlaceCallReasonAndRemedy) {
  const auto here = std::source_location::current();
  EXPECT_EQ(failure([&] { check(cudaErrorMemoryAllocation, "cudaMalloc", here); }),
            "base_test.cpp:" + std::to_string(here.line()) +
                ": cudaMalloc failed: CUDA: out of memory; free device memory, or set "
                "engine.device_memory_limit or a smaller training.batch_size");
}

TEST(Check, AdvisesByTheKindOfFailure) {
  EXPECT_THAT(failure([] { check(cudaErrorNoDevice, "cudaGetDeviceCount"); }),
              HasSubstr("set engine.device = \"cpu\""));
  EXPECT_THAT(failure([] { check(cudaErrorNoKernelImageForDevice, "launch"); }),
              HasSubstr("compute capability 8.0 or newer"));
  EXPECT_THAT(failure([] { check(cudaErrorInvalidConfiguration, "launch"); }),
              HasSubstr("fault of Sluice"));
  EXPECT_THAT(failure([] { check(cudaErrorIllegalAddress, "launch"); }),
              HasSubstr("start again from the last checkpoint"));
  EXPECT_THAT(failure([] { check(CUBLAS_STATUS_INVALID_VALUE, "cublasGemmEx"); }),
              AllOf(HasSubstr("cublasGemmEx failed: cuBLAS: an unsupported value or parameter"),
                    HasSubstr("fault of Sluice")));
  EXPECT_THAT(failure([] { check(CUBLAS_STATUS_ALLOC_FAILED, "cublasCreate"); }),
              HasSubstr("free device memory"));
}

TEST(Check, OfSuccessSaysNothing) {
  EXPECT_EQ(failure([] {
              check(cudaSuccess, "cudaMalloc");
              check(CUBLAS_STATUS_SUCCESS, "cublasCreate");
            }),
            "");
}

// ---- memory ------------------------------------------------------------------------------------

class DeviceBase : public sluice::testing::DeviceTest {};

TEST_F(DeviceBase, AFailureIsNotBlamedOnTheNextCall) {
  constexpr int kNoSuchDevice = 12345;
  EXPECT_THAT(failure([] { check(cudaSetDevice(kNoSuchDevice), "cudaSetDevice"); }),
              HasSubstr("cudaSetDevice failed: CUDA: invalid device ordinal"));
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST_F(DeviceBase, BeyondTheLimitNamesPurposeNeedAndRest) {
  DeviceMemory memory(1000);
  const DeviceBuffer<float> first(memory, 100, "the first");
  EXPECT_EQ(memory.used(), 400);
  EXPECT_EQ(memory.available(), 600);
  EXPECT_EQ(failure([&] { DeviceBuffer<float>(memory, 151, "the gates"); }),
            "the gates needs 604 bytes of device memory, and 600 bytes are left of "
            "engine.device_memory_limit (400 bytes are in use by this engine and those beside it); "
            "lower training.batch_size, engine.forecast_batch or training.parallel_seeds, or give "
            "it more (engine.device_memory_limit)");
  EXPECT_EQ(memory.used(), 400);
  const DeviceBuffer<float> fits(memory, 150, "the gates");
  EXPECT_EQ(memory.available(), 0);
}

TEST_F(DeviceBase, OneLimitHoldsForAllWhoShareAnAccount) {
  DeviceMemory memory(1000);
  DeviceMemory beside(0, &memory);
  const DeviceBuffer<float> here(memory, 100, "one engine");
  {
    const DeviceBuffer<float> there(beside, 100, "the other");
    EXPECT_EQ(memory.used(), 800);
    EXPECT_EQ(beside.available(), 200);
    EXPECT_THAT(failure([&] { DeviceBuffer<float>(beside, 51, "the gates"); }),
                StartsWith("the gates needs 204 bytes of device memory, and 200 bytes are left"));
    EXPECT_EQ(memory.used(), 800);
  }
  EXPECT_EQ(memory.used(), 400);
}

TEST_F(DeviceBase, BeyondTheDeviceNamesWhatItHas) {
  DeviceMemory memory;
  EXPECT_THAT(
      failure([&] { DeviceBuffer<std::byte>(memory, std::int64_t{1} << 50, "the windows"); }),
      AllOf(StartsWith("the windows needs 1125899906842624 bytes of device memory, and "),
            HasSubstr(" bytes are left of the device's (0 bytes are in use")));
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST_F(DeviceBase, BuffersGiveBackWhatTheyTook) {
  DeviceMemory memory;
  {
    DeviceBuffer<int> buffer(memory, 10, "a test");
    DeviceBuffer<int> moved = std::move(buffer);
    EXPECT_EQ(memory.used(), 40);
    moved.grow(memory, 5, "a test");
    EXPECT_EQ(moved.size(), 10);
    moved.grow(memory, 20, "a test");
    EXPECT_EQ(memory.used(), 80);
    moved = DeviceBuffer<int>(memory, 3, "a test");
  }
  EXPECT_EQ(memory.used(), 0);
}

TEST_F(DeviceBase, AnEmptyBufferTakesNothing) {
  DeviceMemory memory(1);
  const DeviceBuffer<double> empty(memory, 0, "a test");
  EXPECT_TRUE(empty.empty());
  EXPECT_EQ(memory.used(), 0);
}

TEST_F(DeviceBase, CopiesAndZeroesReachTheDevice) {
  DeviceMemory memory;
  std::vector<int> values(100);
  std::iota(values.begin(), values.end(), 1);
  const DeviceBuffer<int> buffer = upload(memory, values);
  EXPECT_EQ(download(buffer), values);
  EXPECT_EQ(download(buffer.span().subspan(10, 2)), (std::vector<int>{11, 12}));
  const Stream stream = make_stream();
  set_zero(buffer.first(50), stream.get());
  std::fill_n(values.begin(), 50, 0);
  EXPECT_EQ(download(buffer), values);
}

TEST_F(DeviceBase, PinnedMemoryGoesThereAndBackInStreamOrder) {
  DeviceMemory memory;
  const Stream stream = make_stream();
  const PinnedBuffer<int> in(3, "a test"), out(3, "a test");
  const DeviceBuffer<int> device(memory, 3, "a test");
  std::iota(in.span().begin(), in.span().end(), 5);
  copy_to_device(std::span<const int>(in.span()), device.span(), stream.get());
  copy_to_host(DeviceSpan<const int>(device.span()), out.span(), stream.get());
  check(cudaStreamSynchronize(stream.get()), "cudaStreamSynchronize");
  EXPECT_THAT(out.span(), ::testing::ElementsAre(5, 6, 7));
}

TEST_F(DeviceBase, ASizeThatNoIntHoldsIsRefusedByName) {
  constexpr std::int64_t kMany = std::int64_t{1} << 31;
  EXPECT_EQ(to_int(kMany - 1, "rows"), kMany - 1);
  EXPECT_THAT(
      failure([] { to_int(kMany, "rows"); }),
      AllOf(HasSubstr("base_test.cpp:"), HasSubstr("rows: 2147483648 are more than 2^31 - 1"),
            HasSubstr("lower training.batch_size or engine.forecast_batch")));
  const float* none = nullptr;
  EXPECT_THAT(failure([&] {
                matmul(nullptr, {.m = kMany, .n = 1, .k = 1, .lda = 1, .ldb = 1, .ldc = 1},
                       Precision::fp32, none, none, nullptr);
              }),
              HasSubstr("the rows of a product: 2147483648"));
}

TEST_F(DeviceBase, AContextKnowsItsDeviceAndCountsItsWorkspaces) {
  DeviceContext context;
  EXPECT_GE(context.info().compute_capability, 80);
  EXPECT_GT(context.info().multiprocessors, 0);
  EXPECT_GE(context.info().shared_bytes, 99 * 1024);  // the least since 8.0: 8.6's
  EXPECT_GT(context.info().memory_bytes, context.memory().used());
  EXPECT_FALSE(context.info().name.empty());
  EXPECT_EQ(context.memory().used(), 2 * (32 << 20));
  // A small limit gets small workspaces.
  EXPECT_EQ(DeviceContext(8 << 20).memory().used(), 2 << 20);
}

// ---- matrix products ---------------------------------------------------------------------------

std::vector<float> random_floats(std::int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = uniform(random);
  return values;
}

/// A product with rows further apart than they are long, its inputs and what is expected.
struct Product {
  static constexpr std::int64_t kGap = 3;

  MatmulShape shape;
  std::vector<float> a, b, c;

  Product(std::int64_t m, std::int64_t n, std::int64_t k, bool transpose_a, bool transpose_b,
          float beta)
      : shape{.m = m,
              .n = n,
              .k = k,
              .transpose_a = transpose_a,
              .transpose_b = transpose_b,
              .lda = (transpose_a ? m : k) + kGap,
              .ldb = (transpose_b ? k : n) + kGap,
              .ldc = n + kGap,
              .beta = beta},
        a(random_floats((transpose_a ? k : m) * shape.lda, 1)),
        b(random_floats((transpose_b ? n : k) * shape.ldb, 2)),
        c(random_floats(m * shape.ldc, 3)) {}

  /// All of C, the gaps as they were, from inputs that were rounded by `round`.
  template <typename Round>
  std::vector<double> expected(Round round) const {
    std::vector<double> out(c.begin(), c.end());
    for (std::int64_t i = 0; i < shape.m; ++i) {
      for (std::int64_t j = 0; j < shape.n; ++j) {
        double sum = 0;
        for (std::int64_t p = 0; p < shape.k; ++p) {
          const std::int64_t at_a = shape.transpose_a ? p * shape.lda + i : i * shape.lda + p;
          const std::int64_t at_b = shape.transpose_b ? j * shape.ldb + p : p * shape.ldb + j;
          sum += static_cast<double>(round(a[static_cast<std::size_t>(at_a)])) *
                 round(b[static_cast<std::size_t>(at_b)]);
        }
        double& value = out[static_cast<std::size_t>(i * shape.ldc + j)];
        value = sum + shape.beta * value;
      }
    }
    return out;
  }
};

/// `error` of one product of numbers below 1, relative; k of them are summed in fp32.
void expect_product(const std::vector<float>& got, const std::vector<double>& expected,
                    std::int64_t k, double error) {
  constexpr double kFloat = 6e-8;
  const double terms = static_cast<double>(k);
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], expected[i], terms * error + terms * terms * kFloat) << "element " << i;
  }
}

class DeviceMatmul : public sluice::testing::DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) context_.emplace();
  }
  void TearDown() override {
    context_.reset();
    DeviceTest::TearDown();
  }
  /// Runs `check` on each combination of transposes and beta.
  template <typename Check>
  void each_product(Check check_product) {
    for (const bool transpose_a : {false, true}) {
      for (const bool transpose_b : {false, true}) {
        for (const float beta : {0.0f, 1.0f}) {
          SCOPED_TRACE(::testing::Message()
                       << "A " << (transpose_a ? "transposed" : "as it is") << ", B "
                       << (transpose_b ? "transposed" : "as it is") << ", beta " << beta);
          check_product(Product(5, 12, 9, transpose_a, transpose_b, beta));
          if (sluice::testing::on_device()) {
            check_product(Product(300, 512, 129, transpose_a, transpose_b, beta));
          }
        }
      }
    }
  }
  void expect_floats(const Product& product, Precision precision, double error) {
    const auto a = upload(context_->memory(), product.a), b = upload(context_->memory(), product.b);
    const auto c = upload(context_->memory(), product.c);
    matmul(context_->blas(), product.shape, precision, a.data(), b.data(), c.data());
    expect_product(download(c), product.expected([](float x) { return x; }), product.shape.k,
                   error);
  }

  std::optional<DeviceContext> context_;
};

TEST_F(DeviceMatmul, Fp32MatchesDoubleInRowMajorTerms) {
  each_product([&](const Product& product) { expect_floats(product, Precision::fp32, 1e-7); });
}

TEST_F(DeviceMatmul, Tf32MatchesToItsTenBits) {
  // Two inputs, each off by 2^-10 at most, whether it was rounded or cut.
  each_product(
      [&](const Product& product) { expect_floats(product, Precision::tf32, std::ldexp(2, -10)); });
}

TEST_F(DeviceMatmul, Bf16InputsAreMultipliedExactly) {
  each_product([&](const Product& product) {
    const auto rounded = [](const std::vector<float>& values) {
      std::vector<Bf16> out;
      for (const float value : values) out.push_back(to_bf16(value));
      return out;
    };
    const auto a = upload(context_->memory(), rounded(product.a));
    const auto b = upload(context_->memory(), rounded(product.b));
    const auto c = upload(context_->memory(), product.c);
    matmul(context_->blas(), product.shape, a.data(), b.data(), c.data());
    expect_product(download(c), product.expected([](float x) { return to_float(to_bf16(x)); }),
                   product.shape.k, 0);
  });
}

TEST_F(DeviceMatmul, AnEmptyProductDoesNothing) {
  const auto c = upload(context_->memory(), std::vector<float>{1, 2});
  matmul(context_->blas(), {.m = 2, .n = 1, .k = 0, .lda = 1, .ldb = 1, .ldc = 1}, Precision::fp32,
         nullptr, nullptr, c.data());
  matmul(context_->blas(), {.m = 0, .n = 1, .k = 3, .lda = 3, .ldb = 1, .ldc = 1}, Precision::fp32,
         nullptr, nullptr, c.data());
  EXPECT_EQ(download(c), (std::vector<float>{1, 2}));
}

}  // namespace
}  // namespace sluice
