#include "gpu/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sluice/base/error.hpp"

namespace sluice::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const GpuShape kDeciding{.B = 32768, .T = 24, .I = 15, .H = 128, .L = 1};

GpuCase made_up(const std::string& section, const std::string& method, Number number,
                const GpuShape& shape, Phase phase = Phase::forward) {
  return {section, method, number, phase, shape, nullptr};
}

std::vector<std::string> chosen(const std::vector<GpuCase>& cases, const Choice& choice) {
  const std::vector<RateCase> rates = {{"copy", "B", 1, nullptr}};
  return choose(rates, cases, choice);
}

TEST(Plan, NoTwoCasesHaveOneName) {
  EXPECT_GT(all_cases(false).size(), 1000u);  // throws if two do
  EXPECT_GT(all_cases(true).size(), 100u);
}

TEST(Plan, FirstIsRatesThenWhatDecidesThenTheEngineThenTheGridThenTheRest) {
  const GpuShape grid{.B = 64, .T = 24, .I = 16, .H = 64, .L = 1};
  const GpuShape large{.B = 4096, .T = 24, .I = 16, .H = 512, .L = 1};
  const std::vector<GpuCase> cases = {
      made_up("recurrence", "gemm.noh", Number::fp32, kDeciding),
      made_up("cudnn", "cudnn_standard", Number::fp16, large),
      made_up("cudnn", "cudnn_standard", Number::fp16, grid),
      made_up("engine", "fused_mma", Number::bf16, kDeciding),
      made_up("recurrence", "fused_mma.nodx", Number::bf16, kDeciding, Phase::train),
      made_up("recurrence", "cudnn_standard", Number::bf16, kDeciding),
      made_up("recurrence", "fused_mma", Number::bf16, kDeciding)};
  EXPECT_THAT(
      chosen(cases, {}),
      ElementsAre("rate/copy", name_of(cases[6]), name_of(cases[5]), name_of(cases[4]),
                  name_of(cases[3]), name_of(cases[2]), name_of(cases[1]), name_of(cases[0])));
}

TEST(Plan, FirstIsTheOtherPlansInTurn) {
  std::vector<GpuCase> cases = all_cases(false);
  cases.push_back(made_up("engine", "made_up", Number::bf16, kDeciding));
  std::vector<std::string> together;
  for (const char* plan : {"rates", "tier1", "engine", "grid", "rest"}) {
    for (std::string& name : chosen(cases, {.plan = plan})) together.push_back(std::move(name));
  }
  EXPECT_EQ(chosen(cases, {.plan = "first"}), together);
}

TEST(Plan, TierOneHasOursAndCudnnsOnEveryDecidingShape) {
  const std::vector<std::string> names = chosen(all_cases(false), {.plan = "tier1"});
  for (const char* shape : {"32768,24,15,128,1", "16384,28,16,64,1", "256,24,15,128,1",
                            "4096,28,8,32,1", "16384,10,14,64,4"}) {
    for (const char* method :
         {"/fused_mma/bf16/", "/fused_mma/tf32/", "/fused_simt/fp32/", "/gemm/fp32/",
          "/cudnn_standard/fp32/", "/gemm/bf16/", "/cudnn_standard/bf16/",
          "/cudnn_standard[.a-z]*/fp16/", "/cudnn_persist_static_small_h[.a-z]*/fp16/",
          "/cudnn_persist_static_small_h/tf32/"}) {
      for (const char* phase : {"forward/", "train/"}) {
        EXPECT_THAT(names,
                    testing::Contains(testing::ContainsRegex(std::string(method) + phase + shape)));
      }
    }
  }
  EXPECT_THAT(names, testing::Each(Not(HasSubstr("backward"))));
  EXPECT_THAT(names, testing::Each(Not(HasSubstr("gemm."))));
}

TEST(Plan, TheGridIsSmallFirstAndOursStandsBesideCudnn) {
  const std::vector<std::string> names = chosen(all_cases(false), {.plan = "grid"});
  EXPECT_THAT(names.front(), HasSubstr("64,24,16,32,1"));
  EXPECT_THAT(names.back(), HasSubstr(",512,1"));
  for (const int H : {32, 64, 128}) {
    for (const int B : {64, 256, 4096, 32768}) {
      for (const char* phase : {"forward", "train"}) {
        const std::string at = "/" + std::string(phase) + "/" + std::to_string(B) + ",24,16," +
                               std::to_string(H) + ",1";
        for (const char* one : {"recurrence/fused_mma/bf16", "recurrence/fused_mma/tf32",
                                "recurrence/fused_simt/fp32", "cudnn/cudnn_standard/fp16",
                                "cudnn/cudnn_standard/tf32", "cudnn/cudnn_standard/fp32",
                                "cudnn/cudnn_persist_static_small_h/fp32"}) {
          EXPECT_EQ(std::count(names.begin(), names.end(), one + at), 1) << one << at;
        }
      }
    }
  }
}

TEST(Plan, TheRestHasWhatIsComparedOnOtherShapesBeforeItsVariantsAndCudnnAlone) {
  const GpuShape shape{.B = 1000, .T = 56, .I = 8, .H = 100, .L = 1};
  const std::vector<GpuCase> cases = {
      made_up("cudnn", "cudnn_standard", Number::fp16, grid_shape(16, 64)),
      made_up("recurrence", "gemm.noh", Number::fp32, shape),
      made_up("recurrence", "fused_simt", Number::fp32, shape, Phase::backward),
      made_up("recurrence", "fused_simt", Number::fp32, shape),
      made_up("recurrence", "cudnn_standard.own", Number::bf16, shape)};
  EXPECT_THAT(chosen(cases, {.plan = "rest"}),
              ElementsAre(name_of(cases[3]), name_of(cases[4]), name_of(cases[1]),
                          name_of(cases[2]), name_of(cases[0])));
}

TEST(Plan, PersistDynamicOnlyWhenAskedFor) {
  const std::vector<GpuCase> cases = all_cases(false);
  EXPECT_THAT(chosen(cases, {}), testing::Each(Not(HasSubstr("persist_dynamic"))));
  EXPECT_THAT(chosen(cases, {.plan = "all"}), testing::Each(Not(HasSubstr("persist_dynamic"))));
  EXPECT_THAT(chosen(cases, {.plan = "rest", .persist_dynamic = true}),
              testing::Contains(HasSubstr("persist_dynamic")));
}

TEST(Plan, AllHasWhatCudnnsBinaryLacksTooAndFirstHasNot) {
  const std::vector<GpuCase> cases = all_cases(false);
  const std::string dead = "recurrence/cudnn_persist_static/bf16/train/32768,24,15,128,1";
  EXPECT_THAT(chosen(cases, {.plan = "all"}), testing::Contains(dead));
  EXPECT_THAT(chosen(cases, {}), Not(testing::Contains(dead)));
}

TEST(Plan, AnUnknownPlanListsWhatThereIs) {
  try {
    chosen({}, {.plan = "tier2"});
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "--plan: there is no 'tier2'; there are rates, tier1, engine, grid, rest, first, "
                 "all");
  }
}

TEST(Plan, AnyFilterAndNoExclude) {
  const std::vector<GpuCase> cases = {made_up("recurrence", "gemm", Number::fp32, kDeciding),
                                      made_up("recurrence", "gemm", Number::bf16, kDeciding),
                                      made_up("recurrence", "fused_mma", Number::bf16, kDeciding)};
  EXPECT_THAT(chosen(cases, {.filters = {"copy", "gemm"}, .excludes = {"fp32", "fused"}}),
              ElementsAre("rate/copy", name_of(cases[1])));
  try {
    chosen(cases, {.plan = "tier1", .filters = {"gemmm", "x"}});
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("no case of --plan tier1 fits --filter ('gemmm', 'x')"));
  }
}

TEST(Plan, PersistStaticOutsideWhatItIsSaidToSuitComesLastAndIsNotLeftOut) {
  const std::vector<GpuCase> cases = all_cases(false);
  const std::string suits = "cudnn/cudnn_persist_static/fp16/train/64,24,16,128,1",
                    wide = "cudnn/cudnn_persist_static/fp16/train/256,24,16,128,1";
  EXPECT_THAT(chosen(cases, {.plan = "grid"}), testing::Contains(suits));
  EXPECT_THAT(chosen(cases, {.plan = "grid"}), Not(testing::Contains(wide)));
  EXPECT_THAT(chosen(cases, {.plan = "rest"}), testing::Contains(wide));
}

bool runs(const std::string& method, Number number, int B, int H, Phase phase = Phase::forward) {
  return cannot_run(made_up("cudnn", method, number, {.B = B, .T = 24, .I = 16, .H = H}, phase))
      .empty();
}

TEST(Plan, KernelsThatCudnnLacksAreKnown) {
  for (const char* persistent :
       {"cudnn_persist_static", "cudnn_persist_dynamic", "cudnn_persist_static_small_h"}) {
    EXPECT_FALSE(runs(persistent, Number::bf16, 64, 128)) << persistent;
    EXPECT_TRUE(runs(persistent, Number::fp16, 64, 128)) << persistent;
  }
  const std::string small = "cudnn_persist_static_small_h";
  EXPECT_TRUE(runs(small, Number::tf32, 64, 128));  // floats, as fp32
  EXPECT_FALSE(runs(small, Number::fp32, 64, 16));
  EXPECT_TRUE(runs(small, Number::fp32, 64, 192));
  EXPECT_FALSE(runs(small, Number::fp32, 64, 256));
  EXPECT_FALSE(runs(small, Number::fp16, 64, 192, Phase::train));
  EXPECT_TRUE(runs(small, Number::fp16, 64, 128, Phase::train));
  EXPECT_TRUE(runs("cudnn_standard", Number::bf16, 65536, 16));
}

}  // namespace
}  // namespace sluice::bench
