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
  kExitWorkersDied = 3,  // again and again, so that the run was given up
  kExitMemory = 4,       // not enough of it
  kExitInternal = 70,    // a bug in tally
};

/// The run failed: bad input, a full disk, no memory. what() is the whole message after "tally: ";
/// it names the file, the place, the reason, and what to do about it.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, ExitStatus exit_status = kExitFailed)
      : std::runtime_error(message), exit_status_(exit_status) {}

  ExitStatus exit_status() const { return exit_status_; }

 private:
  ExitStatus exit_status_;
};

/// The command line asks for something that does not exist or does not go together.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message) : Error(message, kExitUsage) {}
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

/// An amount of memory for a message: "25 MiB", "300 KiB". What there is of it is to be rounded
/// down, what is needed up.
enum class Rounding { kDown, kUp };
std::string FormatMemory(uint64_t bytes, Rounding rounding = Rounding::kDown);

/// What a person can do where so many workers find too little address space.
std::string_view AddressSpaceRemedy(uint64_t workers);

/// The total of `key` does not fit 64 bits.
Error OverflowError(std::string_view key);

}  // namespace tally

#endif  // TALLY_COMMON_ERROR_H_
