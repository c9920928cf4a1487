#include "master/memory_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>

#include "tests/cli/run_tally.h"

namespace tally {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMiB = uint64_t{1} << 20;

/// A made-up /sys/fs/cgroup.
class CgroupMemoryTest : public testing::Test {
 protected:
  void SetV2(const std::string& group, const std::string& limit, uint64_t used_mib,
             uint64_t of_files_mib) {
    Set(group + "/memory.max", limit);
    Set(group + "/memory.current", std::to_string(used_mib * kMiB));
    Set(group + "/memory.stat", "anon 1\nfile 99999999999\ninactive_file " +
                                    std::to_string(of_files_mib * kMiB) + "\nactive_file 0\n");
  }
  void SetV1(const std::string& group, uint64_t limit, uint64_t used_mib, uint64_t of_files_mib) {
    Set(group + "/memory.limit_in_bytes", std::to_string(limit));
    Set(group + "/memory.usage_in_bytes", std::to_string(used_mib * kMiB));
    Set(group + "/memory.stat",
        "cache 5\ninactive_file 7\ntotal_inactive_file 0\n"
        "total_active_file " +
            std::to_string(of_files_mib * kMiB) + "\n");
  }
  std::optional<uint64_t> LeftMiB(const std::string& proc_self_cgroup) {
    const auto left = CgroupMemoryLeft(proc_self_cgroup, root_.path());
    if (!left) return std::nullopt;
    return *left / kMiB;
  }

 private:
  void Set(const std::string& path, const std::string& content) {
    const fs::path whole = root_.path() + "/" + path;
    fs::create_directories(whole.parent_path());
    WriteFile(whole, content + "\n");
  }

  TempDir root_;
};

TEST(OutOfMemoryKillsTest, AreReadFromVmstat) {
  EXPECT_EQ(OutOfMemoryKills("pgfree 5\noom_kill 6\nnuma_hit 7\n"), 6U);
  EXPECT_EQ(OutOfMemoryKills("pgfree 5\n"), 0U);
  EXPECT_EQ(OutOfMemoryKills("oom_kills 4\noom_kill x\noom_kill 6"), 6U);
  const uint64_t before = OutOfMemoryKills(ReadFile("/proc/vmstat"));
  EXPECT_GE(OutOfMemoryKills(), before);
}

TEST_F(CgroupMemoryTest, WithoutALimitThereIsNone) {
  EXPECT_EQ(LeftMiB(""), std::nullopt);
  SetV2("group", "max", 5, 0);
  EXPECT_EQ(LeftMiB("0::/group\n"), std::nullopt);
  SetV1("memory/old", 9223372036854771712U, 5, 0);
  EXPECT_EQ(LeftMiB("4:memory:/old\n"), std::nullopt);
}

TEST_F(CgroupMemoryTest, OfALimitWhatIsNotUsedIsLeftAndPagesOfFilesDoNotCount) {
  SetV2("group", std::to_string(100 * kMiB), 30, 0);
  EXPECT_EQ(LeftMiB("0::/group\n"), 70U);
  SetV2("group", std::to_string(100 * kMiB), 30, 20);
  EXPECT_EQ(LeftMiB("0::/group\n"), 90U);
  SetV2("group", std::to_string(100 * kMiB), 130, 0);
  EXPECT_EQ(LeftMiB("0::/group\n"), 0U);
  SetV1("memory/old", 50 * kMiB, 40, 10);
  EXPECT_EQ(LeftMiB("4:memory:/old\n"), 20U);
}

TEST_F(CgroupMemoryTest, TheLeastOfNestedGroupsHolds) {
  SetV2("a", std::to_string(100 * kMiB), 90, 0);
  SetV2("a/b", std::to_string(200 * kMiB), 20, 0);
  SetV2("a/c", std::to_string(5 * kMiB), 1, 0);
  EXPECT_EQ(LeftMiB("0::/a/b\n"), 10U);
  EXPECT_EQ(LeftMiB("0::/a/c\n"), 4U);
}

TEST(AvailableMemoryTest, IsReadFromMeminfo) {
  EXPECT_EQ(AvailableMemory("MemTotal:  900 kB\nMemFree: 5 kB\nMemAvailable:   77 kB\n"),
            77U << 10);
  EXPECT_EQ(AvailableMemory("MemTotal:  900 kB\n"), std::nullopt);
  EXPECT_EQ(AvailableMemory(""), std::nullopt);
}

TEST(MemoryLimitTest, WhatIsAskedForHoldsWhereItIsLessThanThereIs) {
  const MemoryLimit little = FindMemoryLimit(kMiB);
  EXPECT_EQ(little.bytes, kMiB);
  EXPECT_EQ(little.what, "--memory");
  const MemoryLimit much = FindMemoryLimit(~uint64_t{0} - 1);
  EXPECT_LT(much.bytes, uint64_t{1} << 50);
  EXPECT_NE(much.what, "--memory");
  EXPECT_NE(FindMemoryLimit(std::nullopt).bytes, 0U);
}

}  // namespace
}  // namespace tally
