#include "master/fatal_signal.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <thread>

#include "tests/sanitized.h"

namespace tally {
namespace {

// Not to be seen through, nor to be made a loop of.
int Recurse(volatile const char* caller) {
  volatile char frame[4096] = {};
  frame[0] = static_cast<char>(*caller + 1);
  return Recurse(frame) + frame[0];
}

TEST(FatalSignalDeathTest, TheOverflowOfAThreadsStackIsTold) {
  if (kSanitized) GTEST_SKIP() << "sanitizers have their own words for it";
  const auto overflow = [] {
    const rlimit no_core{};
    setrlimit(RLIMIT_CORE, &no_core);
    const FatalSignalReport report;
    std::thread([] {
      const FatalSignalStack stack;
      const char start = 0;
      Recurse(&start);
    }).join();
  };
  EXPECT_EXIT(overflow(), testing::KilledBySignal(SIGSEGV), "tally: got SIGSEGV, and as its");
}

}  // namespace
}  // namespace tally
