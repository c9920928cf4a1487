#include "master/cpu_count.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "tests/test_util.h"

namespace tally {
namespace {

namespace fs = std::filesystem;

/// A made-up /sys/fs/cgroup.
class CpuCountTest : public testing::Test {
 protected:
  CpuCountTest() {
    std::string path = testing::TempDir() + "/tally_cgroup_XXXXXX";
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error(path);
    root_ = path;
  }
  ~CpuCountTest() override { fs::remove_all(root_); }

  void WriteFile(const std::string& path, const std::string& content) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << content << "\n";
  }
  void SetQuotaV1(const std::string& group, const std::string& quota, const std::string& period) {
    WriteFile(group + "/cpu.cfs_quota_us", quota);
    WriteFile(group + "/cpu.cfs_period_us", period);
  }
  unsigned Limit(const std::string& proc_self_cgroup) const {
    return CgroupCpuLimit(proc_self_cgroup, root_.string());
  }

 private:
  fs::path root_;
};

TEST_F(CpuCountTest, WithoutCgroupsThereIsNoLimit) {
  EXPECT_EQ(Limit(""), 0U);
  EXPECT_EQ(Limit("0::/\n"), 0U);
  EXPECT_EQ(Limit("0::/not/there\n3:cpu:/nor/this\n"), 0U);
  EXPECT_EQ(Limit("rubbish\n\n:\n::\n"), 0U);
}

TEST_F(CpuCountTest, AVersion2QuotaIsRoundedUpToWholeCpus) {
  struct Case {
    const char* cpu_max;
    unsigned limit;
  };
  for (const Case& c :
       {Case{"100000 100000", 1}, Case{"200000 100000", 2}, Case{"150000 100000", 2},
        Case{"1000 100000", 1}, Case{"300001 100000", 4}, Case{"50000 10000", 5},
        Case{"max 100000", 0}, Case{"max", 0}, Case{"", 0}, Case{"0 100000", 0},
        Case{"100000 0", 0}, Case{"-1 100000", 0}, Case{"100000", 0}}) {
    WriteFile("group/cpu.max", c.cpu_max);
    EXPECT_EQ(Limit("0::/group\n"), c.limit) << c.cpu_max;
  }
}

TEST_F(CpuCountTest, TheLeastOfNestedVersion2LimitsHolds) {
  WriteFile("a/cpu.max", "200000 100000");
  WriteFile("a/b/cpu.max", "max 100000");
  WriteFile("a/b/c/cpu.max", "400000 100000");
  WriteFile("a/b/d/cpu.max", "100000 100000");
  WriteFile("ab/cpu.max", "100000 100000");
  EXPECT_EQ(Limit("0::/a/b/c\n"), 2U);
  EXPECT_EQ(Limit("0::/a/b\n"), 2U);
  EXPECT_EQ(Limit("0::/a/b/d\n"), 1U);
  EXPECT_EQ(Limit("0::/a/b/missing\n"), 2U);
  EXPECT_EQ(Limit("0::/\n"), 0U);
}

TEST_F(CpuCountTest, InAContainerTheLimitStandsAtTheMount) {
  WriteFile("cpu.max", "300000 100000");
  EXPECT_EQ(Limit("0::/\n"), 3U);
  EXPECT_EQ(Limit("0::/docker/0123456789\n"), 3U) << "the path is the host's";
  EXPECT_EQ(Limit("0::/../other\n"), 3U);
}

TEST_F(CpuCountTest, AVersion1QuotaIsRoundedUpToWholeCpus) {
  struct Case {
    const char* quota;
    const char* period;
    unsigned limit;
  };
  for (const Case& c : {Case{"100000", "100000", 1}, Case{"250000", "100000", 3},
                        Case{"-1", "100000", 0}, Case{"100000", "", 0}, Case{"", "100000", 0},
                        Case{"100000", "0", 0}, Case{"x", "100000", 0}}) {
    SetQuotaV1("cpu/group", c.quota, c.period);
    EXPECT_EQ(Limit("4:cpu:/group\n"), c.limit) << c.quota << " of " << c.period;
  }
}

TEST_F(CpuCountTest, Version1ControllersMayBeMountedTogetherOrUnderTheirOwnName) {
  SetQuotaV1("cpu,cpuacct/together", "200000", "100000");
  SetQuotaV1("cpu/own", "300000", "100000");
  EXPECT_EQ(Limit("5:cpu,cpuacct:/together\n"), 2U);
  EXPECT_EQ(Limit("5:cpu,cpuacct:/own\n"), 3U);
  EXPECT_EQ(Limit("5:cpuset:/own\n7:cpuacct:/together\n"), 0U) << "other controllers";
  SetQuotaV1("cpuacct,cpu/swapped", "100000", "100000");
  EXPECT_EQ(Limit("5:cpuacct,cpu:/swapped\n"), 1U);
}

TEST_F(CpuCountTest, TheLeastOfNestedVersion1LimitsHolds) {
  SetQuotaV1("cpu", "-1", "100000");
  SetQuotaV1("cpu/a", "200000", "100000");
  SetQuotaV1("cpu/a/b", "500000", "100000");
  EXPECT_EQ(Limit("12:pids:/x\n4:cpu:/a/b\n1:name=systemd:/y\n0::/z\n"), 2U);
}

TEST_F(CpuCountTest, TheLeastOfBothVersionsHolds) {
  SetQuotaV1("cpu/a", "300000", "100000");
  WriteFile("b/cpu.max", "200000 100000");
  EXPECT_EQ(Limit("4:cpu:/a\n0::/b\n"), 2U);
}

TEST_F(CpuCountTest, GroupsMayHaveColonsInTheirNames) {
  WriteFile("a:b/cpu.max", "200000 100000");
  EXPECT_EQ(Limit("0::/a:b\n"), 2U);
}

TEST(UsableCpuCountTest, FollowsTheAffinityOfTheProcess) {
  EXPECT_GE(UsableCpuCount(), 1U);
  Child child([] {
    cpu_set_t usable;
    if (sched_getaffinity(0, sizeof usable, &usable) != 0) return false;
    const unsigned count = static_cast<unsigned>(CPU_COUNT(&usable));
    if (UsableCpuCount() > count) return false;
    int first = 0;
    while (!CPU_ISSET(first, &usable)) ++first;
    CPU_ZERO(&usable);
    CPU_SET(first, &usable);
    return sched_setaffinity(0, sizeof usable, &usable) == 0 && UsableCpuCount() == 1;
  });
  EXPECT_EQ(child.Wait(), 0);
}

}  // namespace
}  // namespace tally
