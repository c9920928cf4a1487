#include "master/fatal_signal.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <thread>

#include "tests/sanitized.h"

namespace tally {
namespace {

// Frames of 4 KiB that cannot be optimized away.
int Recurse(volatile const char* caller, int depth) {
  volatile char frame[4096] = {};
  frame[0] = static_cast<char>(*caller + 1);
  return depth == 0 ? 0 : Recurse(frame, depth - 1) + frame[0];
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
      Recurse(&start, /*depth=*/1'000'000);
    }).join();
  };
  EXPECT_EXIT(overflow(), testing::KilledBySignal(SIGSEGV), "tally: got SIGSEGV, and as its");
}

}  // namespace
}  // namespace tally
