#include "base/ranks/ranks.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <vector>

namespace sluice {
namespace {

using Variables = std::map<std::string, std::string>;

std::string found(const Variables& variables) {
  const auto launch = find_launch([&](const char* name) -> const char* {
    const auto at = variables.find(name);
    return at == variables.end() ? nullptr : at->second.c_str();
  });
  return launch ? launch->by + " " + std::to_string(launch->size) : "none";
}

TEST(FindLaunch, KnowsTheLaunchersBySizeAndNoOther) {
  EXPECT_EQ(found({{"OMPI_COMM_WORLD_SIZE", "4"}}), "OMPI_COMM_WORLD_SIZE=4 4");
  EXPECT_EQ(found({{"PMI_SIZE", "3"}, {"PMI_RANK", "0"}}), "PMI_SIZE=3 3");
  EXPECT_EQ(found({{"PMIX_RANK", "0"}, {"SLURM_STEP_NUM_TASKS", "8"}}), "SLURM_STEP_NUM_TASKS=8 8");
  EXPECT_EQ(found({}), "none");
}

TEST(FindLaunch, OneProcessIsNoJob) {
  EXPECT_EQ(found({{"OMPI_COMM_WORLD_SIZE", "1"}}), "none");
  EXPECT_EQ(found({{"OMPI_COMM_WORLD_SIZE", "x"}}), "none");
  // A script of sbatch, whose commands are no tasks of a step with PMI.
  EXPECT_EQ(found({{"SLURM_STEP_NUM_TASKS", "8"}, {"SLURM_PROCID", "0"}}), "none");
}

TEST(ShareOf, SharesMeetAndDifferByOneAtMost) {
  for (const std::int64_t count : {0, 1, 5, 64, 1000}) {
    for (const int size : {1, 2, 3, 7}) {
      std::int64_t next = 0;
      for (int rank = 0; rank < size; ++rank) {
        const Share share = share_of(count, rank, size);
        EXPECT_EQ(share.begin, next);
        EXPECT_LE(share.end - share.begin, (count + size - 1) / size);
        EXPECT_GE(share.end - share.begin, count / size);
        next = share.end;
      }
      EXPECT_EQ(next, count);
    }
  }
}

TEST(ShareSizes, AreThoseOfTheShares) {
  EXPECT_EQ(share_sizes(7, 3, 4), (std::vector<std::int64_t>{3, 6, 6, 6}));
  EXPECT_EQ(share_sizes(1, 2, 2), (std::vector<std::int64_t>{0, 2}));
}

TEST(Ranks, AloneEverythingStaysAsItIs) {
  ASSERT_EQ(ranks().size(), 1);
  std::array<float, 2> values = {1, 2};
  ranks().sum(values);
  EXPECT_EQ(values, (std::array<float, 2>{1, 2}));
  EXPECT_EQ(of_first_rank(3.5), 3.5);
  EXPECT_EQ(ranks().gather("own"), std::vector<std::string>{"own"});
}

}  // namespace
}  // namespace sluice
