// Ways to run several workers at once.
#ifndef TALLY_MASTER_EXECUTOR_H_
#define TALLY_MASTER_EXECUTOR_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace tally {

/// How one worker ended.
struct WorkerOutcome {
  pid_t pid = 0;           // 0: it was no process of its own
  bool succeeded = false;  // its body returned true
  bool stopped = false;    // it was killed, or not started, because another one had failed
  int signal_number = 0;   // it was killed by this signal; 0: it was not
  int exit_status = 0;
  rusage usage{};  // its own and its children's; zeros where it is no process of its own
};

/// Runs body(0) ... body(workers-1), side by side or in turn. The bodies share memory from
/// SharedRegion; what else they write may be theirs alone.
class Executor {
 public:
  /// What a worker does; false: it failed, in an orderly way. Must not throw.
  using Body = std::function<bool(uint32_t worker)>;
  /// Called from the calling thread while the workers run, at once and then about ten times a
  /// second.
  using OnTick = std::function<void()>;
  /// Called from the calling thread where workers should end early: makes the bodies return soon.
  /// Processes are killed instead, so bodies that never wait for ever may do without.
  using AskToStop = std::function<void()>;

  virtual ~Executor() = default;

  /// Returns one outcome a worker once all have ended. As soon as one fails or dies, the others are
  /// stopped. Throws Interrupted on a stop signal, and whatever on_tick throws; no worker is left
  /// then either. REQUIRES: NoteStopSignals() was called, this is the main thread, and it is the
  /// only one of this process.
  virtual std::vector<WorkerOutcome> Run(uint32_t workers, const Body& body, const OnTick& on_tick,
                                         const AskToStop& ask_to_stop = {}) = 0;

  virtual std::string_view name() const = 0;
};

enum class ExecutionMode { kProcess, kThread, kSerial };

/// Its name() is "process", "thread" or "serial".
std::unique_ptr<Executor> MakeExecutor(ExecutionMode mode);

}  // namespace tally

#endif  // TALLY_MASTER_EXECUTOR_H_
