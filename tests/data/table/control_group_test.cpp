// Limits of control groups, in folders made up as Linux has them.
#include "data/table/control_group.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <limits>
#include <string>

namespace sluice::memory {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
/// Version 1 says so that there is no limit.
constexpr std::int64_t kOfVersionOne = 9'223'372'036'854'771'712;

class ControlGroup : public testing::Test {
 protected:
  ControlGroup()
      : root_(fs::path(testing::TempDir()) / ("sluice_groups_" + std::to_string(::getpid()))) {}
  ~ControlGroup() override { fs::remove_all(root_); }

  void put(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text << "\n";
  }
  void put(const std::string& path, std::int64_t number) const {
    put(path, std::to_string(number));
  }
  std::int64_t limit() const { return group_limit(root_); }

  fs::path root_;
};

TEST_F(ControlGroup, WithoutGroupsThereIsNoLimit) {
  EXPECT_EQ(limit(), kNone);
  put("proc/self/cgroup", "0::/");
  EXPECT_EQ(limit(), kNone);
  put("proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup rw");
  EXPECT_EQ(limit(), kNone);
}

TEST_F(ControlGroup, TheLeastOfAGroupAndThoseAboveIsVersionTwos) {
  put("proc/self/cgroup", "0::/jobs/night/train");
  put("proc/self/mountinfo",
      "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw");
  put("sys/fs/cgroup/jobs/memory.max", 3'000);
  put("sys/fs/cgroup/jobs/night/memory.max", 2'000);
  put("sys/fs/cgroup/jobs/night/train/memory.max", "max");
  put("sys/fs/cgroup/jobs/other/memory.max", 1);
  EXPECT_EQ(limit(), 2'000);
}

TEST_F(ControlGroup, TheRootOfAContainerIsVersionTwos) {
  put("proc/self/cgroup", "0::/");
  put("proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup rw");
  put("sys/fs/cgroup/memory.max", 512);
  EXPECT_EQ(limit(), 512);
}

TEST_F(ControlGroup, TheLeastOfAGroupAndThoseAboveIsVersionOnes) {
  put("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/jobs/train\n3:cpuset:/\n0::/");
  put("proc/self/mountinfo",
      "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
      "34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
      "35 31 0:32 / /sys/fs/cgroup/cpu,memory rw - cgroup cgroup rw,cpu,memory\n"
      "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw");
  const std::string groups = "sys/fs/cgroup/cpu,memory/";
  put(groups + "memory.limit_in_bytes", kOfVersionOne);
  put(groups + "jobs/memory.limit_in_bytes", 7'000);
  put(groups + "jobs/train/memory.limit_in_bytes", 9'000);
  EXPECT_EQ(limit(), 7'000);
  put(groups + "jobs/train/memory.limit_in_bytes", 6'000);
  EXPECT_EQ(limit(), 6'000);
}

TEST_F(ControlGroup, AboveAContainersMountVersionOneTellsOfLimitsInItsStatistics) {
  put("proc/self/cgroup", "4:memory:/docker/abc");
  put("proc/self/mountinfo",
      "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", kOfVersionOne);
  put("sys/fs/cgroup/memory/memory.stat",
      "cache 12\nrss 34\nhierarchical_memory_limit 5000\ntotal_cache 1");
  EXPECT_EQ(limit(), 5'000);
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", 4'000);
  EXPECT_EQ(limit(), 4'000);
}

TEST_F(ControlGroup, AGroupThatTheMountDoesNotShowHasTheMountsLimit) {
  put("proc/self/cgroup", "0::/elsewhere");
  put("proc/self/mountinfo", "31 23 0:28 /pods/a /mnt/my\\040groups rw - cgroup2 cgroup rw");
  put("mnt/my groups/memory.max", 800);
  put("elsewhere/memory.max", 1);
  EXPECT_EQ(limit(), 800);
}

TEST_F(ControlGroup, OfBothVersionsTheLeastHolds) {
  put("proc/self/cgroup", "4:memory:/a\n0::/b");
  put("proc/self/mountinfo",
      "35 31 0:32 / /one rw - cgroup cgroup rw,memory\n36 31 0:33 / /two rw - cgroup2 cgroup rw");
  put("one/a/memory.limit_in_bytes", 900);
  put("two/b/memory.max", 800);
  EXPECT_EQ(limit(), 800);
  put("one/a/memory.limit_in_bytes", 700);
  EXPECT_EQ(limit(), 700);
}

}  // namespace
}  // namespace sluice::memory
