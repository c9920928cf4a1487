// Processes that are stopped or killed right before they store something.
#ifndef TALLY_TESTS_STORE_TRAP_H_
#define TALLY_TESTS_STORE_TRAP_H_

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>

#include "common/shared_region.h"
#include "common/shared_value.h"
#include "tests/test_util.h"

namespace tally {

/// Sends this process a signal right before it stores something in this memory for the n-th time.
class StoreTrap {
 public:
  /// Lets a child do this and kills it right before its n-th store in this memory, counted from 0.
  /// False where it ended before. The body returns whether all was well.
  template <class Body>
  static bool Kills(const SharedRegion& memory, uint64_t store, Body body) {
    Child victim([&memory, store, &body] {
      Set(memory, store, SIGKILL);
      return body();
    });
    const int status = victim.Wait();
    EXPECT_TRUE(status == 0 || DiedBy(status, SIGKILL)) << status;
    return DiedBy(status, SIGKILL);
  }

  /// How many stores a child makes in this memory while it does this.
  template <class Body>
  static uint64_t Count(const SharedRegion& memory, Body body) {
    constexpr uint64_t kAll = ~uint64_t{0};
    const SharedValue<uint64_t> count;
    Child child([&] {
      Set(memory, kAll, SIGKILL);
      const bool succeeded = body();
      *count = kAll - stores_to_pass_;
      return succeeded;
    });
    EXPECT_EQ(child.Wait(), 0);
    return *count;
  }

  /// Calls `dies_at` with each store, or each so many, until it says that nothing died there.
  template <class Body>
  static void ForEachStore(Body dies_at, uint64_t step = 1) {
    EXPECT_GT(CountDeaths(dies_at, step), 0U) << "the trap does not work";
  }

  /// The same, where there may be nothing that dies. Returns how often something did.
  template <class Body>
  static uint64_t CountDeaths(Body dies_at, uint64_t step = 1) {
    uint64_t deaths = 0;
    while (!testing::Test::HasFailure() && dies_at(deaths * step)) {
      ++deaths;
      if (!kCanPassStores) break;
    }
    return deaths;
  }

#ifdef __x86_64__
  static constexpr bool kCanPassStores = true;
#else
  static constexpr bool kCanPassStores = false;  // each store is the first one
#endif

  static void Set(const SharedRegion& memory, uint64_t stores_to_pass, int signal_number) {
    memory_ = &memory;
    stores_to_pass_ = stores_to_pass;
    signal_number_ = signal_number;
    struct sigaction action {};
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = OnStore;
    sigaction(SIGSEGV, &action, nullptr);
    action.sa_sigaction = OnStep;
    sigaction(SIGTRAP, &action, nullptr);
    Protect(PROT_READ);
  }

 private:
  static void Protect(int protection) {
    if (mprotect(memory_->data(), memory_->size_bytes(), protection) != 0) _exit(99);
  }

  static void OnStore(int /*signal_number*/, siginfo_t* info, void* context) {
    const char* const at = static_cast<const char*>(info->si_addr);
    if (at < memory_->data() || at >= memory_->data() + memory_->size_bytes()) {
      signal(SIGSEGV, SIG_DFL);
      return;
    }
    Protect(PROT_READ | PROT_WRITE);
    if (stores_to_pass_ == 0 || !kCanPassStores) {
      raise(signal_number_);
    } else {
      --stores_to_pass_;
      SingleStep(context, true);
    }
  }

  static void OnStep(int /*signal_number*/, siginfo_t* /*info*/, void* context) {
    Protect(PROT_READ);
    SingleStep(context, false);
  }

  static void SingleStep(void* context, bool on) {
#ifdef __x86_64__
    constexpr greg_t kTrapFlag = 0x100;
    greg_t& flags = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL];
    flags = on ? flags | kTrapFlag : flags & ~kTrapFlag;
#else
    static_cast<void>(context);
    static_cast<void>(on);
#endif
  }

  static inline const SharedRegion* memory_ = nullptr;
  static inline uint64_t stores_to_pass_ = 0;
  static inline int signal_number_ = 0;
};

}  // namespace tally

#endif  // TALLY_TESTS_STORE_TRAP_H_
