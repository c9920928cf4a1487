// Requests to stop (SIGINT, SIGTERM, SIGHUP) for the single-threaded master: a handler notes the
// signal, and the master asks at points where it can let go of everything it holds.
#ifndef TALLY_MASTER_SIGNALS_H_
#define TALLY_MASTER_SIGNALS_H_

#include <csignal>

namespace tally {

/// Notes INT, TERM and HUP from now on, unless they were being ignored (as under nohup). System
/// calls that wait return EINTR (no SA_RESTART). A further signal, later than a moment after the
/// first, ends the process at once. SIGCHLD gets a handler that does nothing, so that it ends waits
/// too. SIGXFSZ and SIGPIPE are ignored: a file that meets the limit on file sizes, and a pipe that
/// nobody reads, are errors of write(), and which of them ends the run depends on what is written.
void NoteStopSignals();

/// The first such signal received, or 0.
int StopSignal();

/// Throws Interrupted if a stop signal was received.
void ThrowIfStopped();

/// For a forked worker: the stop signals of a terminal's process group (INT, HUP) are the
/// master's business; TERM and CHLD go back to their defaults.
void ResetSignalsInWorker();

/// Ends this process by `signal_number`, as if it had never been caught.
[[noreturn]] void DieBySignal(int signal_number);

}  // namespace tally

#endif  // TALLY_MASTER_SIGNALS_H_
