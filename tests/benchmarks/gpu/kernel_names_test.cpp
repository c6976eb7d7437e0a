// What a case says of the kernels that it ran. The names in these tests are those of cuDNN 9.19,
// cuBLAS 13 and CUTLASS.
#include "gpu/kernel_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/matmul.hpp"
#include "benchmarks/gpu/facts.hpp"
#include "gpu/fill.hpp"
#include "standin/standin.hpp"

namespace sluice::bench {
namespace {

using testing::IsEmpty;

std::string math(const char* name) { return math_of(std::vector<KernelUse>{{name, 1}}); }

class KernelNames : public testing::Test {
 protected:
  void SetUp() override { standin::reset(); }
  void TearDown() override {
    standin::finish();
    EXPECT_EQ(standin::live_handles(), 0);
    standin::reset();
  }
};

TEST_F(KernelNames, AreThoseOfTheKernelsAndNotOfCopies) {
  DeviceContext context;
  DeviceBuffer<float> a(context.memory(), 64, "a"), b(context.memory(), 64, "b");
  const MatmulShape shape{.m = 8, .n = 8, .k = 8, .lda = 8, .ldb = 8, .ldc = 8};
  const auto run = [&] {
    fill_random(a.span(), 1, 1, context.stream());
    fill_random(b.span(), 2, 1, context.stream());
    set_zero(b.span(), context.stream());
    matmul(context.blas(), shape, Precision::fp32, a.data(), a.data(), b.data());
  };
  const std::vector<Fact> facts = kernel_facts(run, context);
  EXPECT_EQ(number(facts, "graph nodes"), 4);
  EXPECT_EQ(number(facts, "kernel nodes"), 3);
  EXPECT_EQ(text(facts, "kernels"), "2x kernel; cublasGemmEx");
  EXPECT_EQ(text(facts, "math"), "unknown");
}

TEST_F(KernelNames, AreAbsentWhereTheWorkCannotBeCaptured) {
  const DeviceContext context;
  EXPECT_THAT(kernel_facts([&] { context.synchronize(); }, context), IsEmpty());
}

TEST_F(KernelNames, AreReadable) {
  EXPECT_EQ(
      names({{"_Z28RNN_blockPersist_fp_GRU_HMMAI6__halfS0_S0_Li192EEvPKT_PT0_S3_PS1_PKS4_S3_"
              "S6_iiiiii",
              1},
             {"ampere_sgemm_128x64_tn", 24}}),
      "24x ampere_sgemm_128x64_tn; RNN_blockPersist_fp_GRU_HMMA<__half, __half, __half, 192>");
  EXPECT_EQ(names(std::vector<KernelUse>(10, {"a", 1})), "a; a; a; a; a; a; a; a (and 2 more)");
}

TEST(MathOfAKernel, IsOfTensorCoresWhereItsNameSaysSo) {
  for (const char* name :
       {"_Z29RNN_blockPersist_fp_LSTM_HMMAI6__halfS0_S0_Li1ELi128EEvPKT_PT0_",
        "void cutlass::Kernel2<cutlass_80_tensorop_s1688gemm_128x128_16x5_tn_align4>",
        "ampere_fp16_s16816gemm_fp16_64x64_sliced1x2_ldg8_f2f_stages_64x6_tn",
        "sm80_xmma_gemm_f32f32_tf32f32_f32_tn_n_tilesize64x64x32_stage3_warpsize2x2x1_tensor16x8x8_"
        "kernel",
        "nvjet_tst_128x8_64x12_2x1_v_bz_TNN", "volta_h884gemm_64x64_ldg8_tn"}) {
    EXPECT_EQ(math(name), "HMMA") << name;
  }
}

TEST(MathOfAKernel, IsOfPlainUnitsOrUnknownElse) {
  EXPECT_EQ(math("ampere_sgemm_128x64_tn"), "FFMA");
  EXPECT_EQ(math("void cutlass::Kernel2<cutlass_80_simt_sgemm_64x64_8x5_tn_align1>"), "FFMA");
  EXPECT_EQ(math("_Z14RNN_persist_fpI6__halfS0_fL14cudnnRNNMode_t3E"), "unknown");
  EXPECT_EQ(math_of(std::vector<KernelUse>{{"volta_sgemm_32x128_nn", 1}, {"RNN_LSTM_HMMA", 1}}),
            "HMMA and FFMA");
}

}  // namespace
}  // namespace sluice::bench
