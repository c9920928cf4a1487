#include "master/other_load.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace tally {
namespace {

const std::string kProcStat =
    "cpu  600 6 66 9000 99 3 30 12 0 0\n"
    "cpu0 100 1 11 1000 9 1 10 4 50 0\n"
    "cpu1 200 2 22 3000 40 1 10 4 0 0\n"
    "cpu11 300 3 33 5000 50 1 10 4 0 0\n"
    "intr 12345 0 9\n"
    "ctxt 99\n";

TEST(BusyTicksTest, AddsUpTheWorkOfTheseCpus) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  EXPECT_EQ(BusyTicks(kProcStat, cpus), 0U);
  CPU_SET(1, &cpus);
  EXPECT_EQ(BusyTicks(kProcStat, cpus), 200U + 2 + 22 + 1 + 10 + 4);
  CPU_SET(11, &cpus);
  EXPECT_EQ(BusyTicks(kProcStat, cpus), 200U + 2 + 22 + 1 + 10 + 4 + 300 + 3 + 33 + 1 + 10 + 4);
  EXPECT_EQ(BusyTicks("", cpus), 0U);
}

TEST(TakenTest, IsWhatIsMissingOfTheUsableCpus) {
  EXPECT_DOUBLE_EQ(Taken(/*others=*/0.7, /*cpus=*/2, /*usable=*/2), 0.7);
  EXPECT_DOUBLE_EQ(Taken(2.1, 2, 2), 2);
  EXPECT_DOUBLE_EQ(Taken(-0.1, 2, 2), 0) << "times are not exact";
  EXPECT_DOUBLE_EQ(Taken(30, 64, 2), 0) << "there are 34 others";
  EXPECT_DOUBLE_EQ(Taken(63.5, 64, 2), 1.5);
}

TEST(OtherLoadTest, SeesWhatAnotherProcessUses) {
  const pid_t other = fork();
  if (other == 0) {
    for (;;) {
    }
  }
  const OtherLoad load;
  EXPECT_EQ(load.CpusTaken(1000), 0) << "too early to tell";
  sleep(1);
  const auto cpus = static_cast<uint32_t>(sysconf(_SC_NPROCESSORS_ONLN));
  EXPECT_GT(load.CpusTaken(cpus), 0.2);
  kill(other, SIGKILL);
  waitpid(other, nullptr, 0);
}

}  // namespace
}  // namespace tally
