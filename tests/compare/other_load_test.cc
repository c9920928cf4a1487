#include "master/compare/other_load.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>

namespace tally::compare {
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

void ComputeFor(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

TEST(OtherLoadTest, SeesWhatOthersDoAndNotItself) {
  const pid_t other = fork();
  if (other == 0) {
    for (;;) {
    }
  }
  const OtherLoad with_other;
  sleep(1);
  EXPECT_GT(with_other.CpusUsed(), 0.2);
  kill(other, SIGKILL);
  waitpid(other, nullptr, 0);

  // Whatever else the machine does meanwhile, at least this process's own time is not in it.
  const OtherLoad alone;
  timespec before{}, after{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  ComputeFor(std::chrono::seconds(1));
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  const double own_s = static_cast<double>(after.tv_sec - before.tv_sec) +
                       static_cast<double>(after.tv_nsec - before.tv_nsec) / 1e9;
  EXPECT_LT(alone.CpusUsed(), static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN)) - own_s + 0.1);
}

}  // namespace
}  // namespace tally::compare
