// The time between the load and the store of an addition, into which another one may slip.
#ifndef TALLY_COMMON_RACE_WINDOW_H_
#define TALLY_COMMON_RACE_WINDOW_H_

#include <sched.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace tally {

/// Between two instructions lies a nanosecond, and a race that shows only now and then teaches
/// nothing: this makes it longer.
class RaceWindow {
 public:
  static constexpr uint64_t kMostMicroseconds = 1'000'000;
  static constexpr std::chrono::milliseconds kMostWaiting{20};

  static constexpr RaceWindow None() { return RaceWindow(Kind::kNone, 0); }
  /// Offers the CPU to others.
  static constexpr RaceWindow Yield() { return RaceWindow(Kind::kYield, 0); }
  /// Spins: a sleep would take far longer than a few microseconds.
  static constexpr RaceWindow Microseconds(uint64_t microseconds) {
    return RaceWindow(Kind::kMicroseconds, microseconds);
  }

  bool operator==(const RaceWindow&) const = default;
  uint64_t microseconds() const { return microseconds_; }

  /// "no wait", "a yield", "3 microseconds".
  std::string Describe() const {
    if (kind_ == Kind::kNone) return "no wait";
    if (kind_ == Kind::kYield) return "a yield";
    return std::to_string(microseconds_) + (microseconds_ == 1 ? " microsecond" : " microseconds");
  }

  /// Returns once it is over. A yield is one call of the kernel.
  void Pass() const {
    if (kind_ == Kind::kYield) sched_yield();
    if (kind_ == Kind::kMicroseconds) SpinUntil(Clock::now() + Span(), [] { return false; });
  }

  /// The same, for additions that are far apart: a yield lasts until `overtaken()`, but for
  /// kMostWaiting at most.
  template <class Condition>
  void PassUntil(const Condition& overtaken) const {
    if (kind_ == Kind::kYield) {
      SpinUntil(Clock::now() + kMostWaiting, overtaken);
    } else {
      Pass();
    }
  }

 private:
  using Clock = std::chrono::steady_clock;
  enum class Kind : uint8_t { kNone, kYield, kMicroseconds };

  constexpr RaceWindow(Kind kind, uint64_t microseconds)
      : kind_(kind), microseconds_(microseconds) {}

  std::chrono::microseconds Span() const { return std::chrono::microseconds(microseconds_); }

  template <class Condition>
  void SpinUntil(Clock::time_point end, const Condition& condition) const {
    while (!condition() && Clock::now() < end) {
      if (kind_ == Kind::kYield) sched_yield();
    }
  }

  Kind kind_;
  uint64_t microseconds_;
};

}  // namespace tally

#endif  // TALLY_COMMON_RACE_WINDOW_H_
