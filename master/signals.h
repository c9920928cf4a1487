// Requests to stop (SIGINT, SIGTERM, SIGHUP) for the single-threaded master: a handler notes the
// signal, and the master asks at points where it can let go of everything it holds.
#ifndef TALLY_MASTER_SIGNALS_H_
#define TALLY_MASTER_SIGNALS_H_

#include <poll.h>

#include <chrono>
#include <csignal>
#include <span>

namespace tally {

/// Notes INT, TERM and HUP from now on, unless they were being ignored (as under nohup). System
/// calls that wait return EINTR (no SA_RESTART), now or, by an alarm, within a second. A further
/// signal, later than a moment after the first, ends the process at once. SIGCHLD gets a handler
/// that does nothing, so that it ends waits too. SIGXFSZ and SIGPIPE are ignored: a file that meets
/// the limit on file sizes, and a pipe that nobody reads, are errors of write(), and which of them
/// ends the run depends on what is written.
void NoteStopSignals();

/// The first such signal received, or 0.
int StopSignal();

/// Throws Interrupted if a stop signal was received.
void ThrowIfStopped();

/// While one lives, stop signals and SIGCHLD reach this thread (and the threads and processes that
/// it starts) only inside of WaitForSignal(): none can slip in between a look and a wait.
class BlockedSignals {
 public:
  BlockedSignals();
  ~BlockedSignals() { Restore(); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

  /// As it was before; for a forked process.
  void Restore() const;

  /// Lets them in until one arrives, `timeout` has passed, or something that `waits` ask for has
  /// happened.
  void WaitForSignal(std::chrono::nanoseconds timeout, std::span<pollfd> waits = {}) const;

 private:
  sigset_t before_;
  sigset_t while_waiting_;
};

/// Waits until something can be written there. False where a stop signal has come and it cannot be:
/// also while a BlockedSignals lives, whose signals it lets in meanwhile. For the master.
bool WaitUntilWritable(int fd);

/// For a forked worker: the stop signals of a terminal's process group (INT, HUP) are the
/// master's business; TERM, CHLD and BUS go back to their defaults.
void ResetSignalsInWorker();

/// Ends this process by `signal_number`, as if it had never been caught.
[[noreturn]] void DieBySignal(int signal_number);

}  // namespace tally

#endif  // TALLY_MASTER_SIGNALS_H_
