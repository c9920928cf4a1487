// What the library of failing calls and the test that uses it agree on.
#ifndef TALLY_TESTS_FAULTS_FAILING_CALLS_H_
#define TALLY_TESTS_FAULTS_FAILING_CALLS_H_

#include <cstdint>
#include <cstring>
#include <string_view>

namespace tally {

/// The content of the file $FAIL_RECORD.
struct FailingCallsRecord {
  uint64_t calls = 0;     // of that kind, by all processes of the run
  uint64_t failures = 0;  // how many of them were made to fail
};

/// The error called "ENOSPC", "EIO", ...; 0: there is none.
inline int ErrnoOf(std::string_view name) {
  constexpr int kLargestErrno = 133;
  for (int number = 1; number <= kLargestErrno; ++number) {
    const char* const candidate = strerrorname_np(number);
    if (candidate != nullptr && name == candidate) return number;
  }
  return 0;
}

}  // namespace tally

#endif  // TALLY_TESTS_FAULTS_FAILING_CALLS_H_
