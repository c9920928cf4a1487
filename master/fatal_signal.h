// What is said when a worker that is no process of its own takes the whole program with it.
#ifndef TALLY_MASTER_FATAL_SIGNAL_H_
#define TALLY_MASTER_FATAL_SIGNAL_H_

namespace tally {

/// A fault in a thread (SIGSEGV, SIGABRT, SIGFPE, SIGILL) ends all of them, and nothing can be done
/// about it. While this object lives, it is told first, with what would survive it; then the
/// process dies by that signal. For a run with workers that are threads; one at a time, for the
/// main thread.
class FatalSignalReport {
 public:
  FatalSignalReport();
  ~FatalSignalReport();
  FatalSignalReport(const FatalSignalReport&) = delete;
  FatalSignalReport& operator=(const FatalSignalReport&) = delete;
};

}  // namespace tally

#endif  // TALLY_MASTER_FATAL_SIGNAL_H_
