// What is said when a worker that is no process of its own takes the whole program with it.
#ifndef TALLY_MASTER_FATAL_SIGNAL_H_
#define TALLY_MASTER_FATAL_SIGNAL_H_

#include <memory>

namespace tally {

/// A stack for the handlers of signals of this thread, where the overflow of its own can be told.
/// For each thread that may meet one, as long as it runs; a sanitizer's is left as it is.
class FatalSignalStack {
 public:
  FatalSignalStack();
  ~FatalSignalStack();
  FatalSignalStack(const FatalSignalStack&) = delete;
  FatalSignalStack& operator=(const FatalSignalStack&) = delete;

 private:
  std::unique_ptr<char[]> memory_;  // none: it had one, or there is none
};

/// A fault in a thread (SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL) ends all of them, and nothing can
/// be done about it. While this object lives, it is told first, with what would survive it; then
/// the process dies by that signal. For a run with workers that are threads, until something is
/// written; one at a time, for the main thread.
class FatalSignalReport {
 public:
  FatalSignalReport();
  ~FatalSignalReport();
  FatalSignalReport(const FatalSignalReport&) = delete;
  FatalSignalReport& operator=(const FatalSignalReport&) = delete;

 private:
  const FatalSignalStack stack_;
};

}  // namespace tally

#endif  // TALLY_MASTER_FATAL_SIGNAL_H_
