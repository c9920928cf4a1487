// What tally throws, and the exit status each error ends the program with.
#ifndef TALLY_COMMON_ERROR_H_
#define TALLY_COMMON_ERROR_H_

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tally {

/// Exit statuses of the program. Death by a signal is told by that signal, not by a status.
enum ExitStatus : int {
  kExitDone = 0,
  kExitFailed = 1,
  kExitUsage = 2,
  kExitInternal = 70,
};

/// The run failed: bad input, no memory, a full disk, a dead worker. what() is the whole message
/// after "tally: "; it names the file, the place, the reason, and what to do about it.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The command line asks for something that does not exist or does not go together.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// A signal asked the program to stop. Everything it holds is released while this unwinds; main()
/// then ends the process by the same signal.
class Interrupted : public std::exception {
 public:
  explicit Interrupted(int signal_number) : signal_number_(signal_number) {}
  const char* what() const noexcept override { return "interrupted by a signal"; }
  int signal_number() const { return signal_number_; }

 private:
  int signal_number_;
};

/// An Error of the form "path: what went wrong: strerror(errno_value)".
Error SystemError(std::string_view path, std::string_view what, int errno_value);

/// What a person can do where so many workers find too little address space.
std::string_view AddressSpaceRemedy(uint64_t workers);

/// The total of `key` does not fit 64 bits.
Error OverflowError(std::string_view key);

}  // namespace tally

#endif  // TALLY_COMMON_ERROR_H_
