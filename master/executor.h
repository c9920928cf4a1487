// Ways to run several workers at once.
#ifndef TALLY_MASTER_EXECUTOR_H_
#define TALLY_MASTER_EXECUTOR_H_

#include <poll.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace tally {

/// How one worker ended.
struct WorkerOutcome {
  pid_t pid = 0;           // 0: it was no process of its own
  bool succeeded = false;  // its body returned true
  bool stopped = false;    // it was killed, or not started, because of others
  bool hung = false;       // it was killed because it hung
  bool inherited = false;  // it died, and the others have done since what was its to do
  int signal_number = 0;   // it was killed by this signal; 0: it was not
  int exit_status = 0;
  rusage usage{};  // its own and its children's; zeros where it is no process of its own
};

/// Input that the calling thread reads for the workers while it waits for them.
class Feeder {
 public:
  virtual ~Feeder() = default;

  /// Adds the descriptors whose bytes would end the next wait early, and returns for how long to
  /// wait for them at most.
  virtual std::chrono::nanoseconds AddWaits(std::vector<pollfd>* waits) = 0;

  /// Called after each wait, whatever ended it. Returns soon. May throw, as on_tick.
  virtual void Feed() = 0;
};

/// The other workers of a run, where one is to be replaced and no process can be started. Called by
/// the thread that calls the executor.
class Heirs {
 public:
  virtual ~Heirs() = default;

  /// Those that run are to do what was this worker's to do. Why: errno `error`.
  virtual void Appoint(uint32_t worker, int error) = 0;

  /// Whether they have; asked now and then.
  virtual bool AreDone(uint32_t worker) = 0;

  /// None of them runs any more: a successor is to be started after all.
  virtual void Dismiss(uint32_t worker) = 0;
};

/// What becomes of a run when one of its workers has ended.
enum class Next {
  kGoOn,     // the others go on without it
  kReplace,  // another one starts in its place, with its number: its body is called again
  kStop,     // the others are stopped, too
};

/// What the calling thread does while the workers run. All of it is optional, is called from that
/// thread, and may throw, but ask_to_stop: the executor then ends all workers and passes it on.
struct Supervision {
  /// Called at once and then about ten times a second.
  std::function<void()> on_tick = {};

  /// Called where workers should end early: makes the bodies return soon. Processes are killed
  /// then, so bodies that never wait for ever may do without.
  std::function<void()> ask_to_stop = {};

  /// Asked about each process that ended, but for those that were stopped. By default, the run goes
  /// on after a success and stops after a failure. Threads are not asked about: one that fails
  /// stops the run, and one that dies takes this process with it.
  std::function<Next(uint32_t worker, const WorkerOutcome& outcome)> on_end = {};

  /// Asked with each tick about each worker that runs, in process `pid` (0: a thread): one that
  /// hangs is killed. A thread cannot be: then this process ends.
  std::function<bool(uint32_t worker, pid_t pid)> is_hung = {};

  /// Called where only `started` (> 0) workers could be started, because of errno `error`: the run
  /// goes on with these. Processes are tried again now and then. Without it, that is an Error, as
  /// it is (CannotStart) where none runs and none can be started for half a second.
  std::function<void(uint32_t started, int error)> on_too_few = {};

  /// Without them, the run waits with a worker that cannot be replaced until the others have ended.
  Heirs* heirs = nullptr;

  Feeder* feeder = nullptr;
};

/// No worker at all can be started, or be replaced.
class CannotStart : public Error {
 public:
  explicit CannotStart(const Error& reason) : Error(reason) {}
};

/// Runs body(0) ... body(workers-1), side by side or in turn. The bodies share memory from
/// SharedRegion; what else they write may be theirs alone.
class Executor {
 public:
  /// What a worker does; false: it failed, in an orderly way. Must not throw.
  using Body = std::function<bool(uint32_t worker)>;

  virtual ~Executor() = default;

  /// Returns one outcome a worker (the last one, where it was replaced) once all have ended. Throws
  /// Interrupted on a stop signal, and whatever the supervision throws; no worker is left then
  /// either. REQUIRES: NoteStopSignals() was called, this is the main thread, and it is the only
  /// one of this process.
  virtual std::vector<WorkerOutcome> Run(uint32_t workers, const Body& body,
                                         const Supervision& supervision = {}) = 0;

  virtual std::string_view name() const = 0;
};

enum class ExecutionMode { kProcess, kThread, kSerial };

/// Its name() is "process", "thread" or "serial".
std::unique_ptr<Executor> MakeExecutor(ExecutionMode mode);

}  // namespace tally

#endif  // TALLY_MASTER_EXECUTOR_H_
