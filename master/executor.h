// Ways to run several workers at once.
#ifndef TALLY_MASTER_EXECUTOR_H_
#define TALLY_MASTER_EXECUTOR_H_

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace tally {

/// How one worker ended.
struct WorkerOutcome {
  pid_t pid = 0;
  bool succeeded = false;  // its body returned true
  bool stopped = false;    // it was killed here, because another one had failed
  int signal_number = 0;   // it was killed by this signal; 0: it was not
  int exit_status = 0;
  long peak_rss_kb = 0;
};

/// Runs body(0) ... body(workers-1), side by side. The bodies share memory from SharedRegion; what
/// else they write may be theirs alone.
class Executor {
 public:
  /// What a worker does; false: it failed, in an orderly way.
  using Body = std::function<bool(uint32_t worker)>;
  /// Called from the calling thread while the workers run, at once and then about ten times a
  /// second.
  using OnTick = std::function<void()>;

  virtual ~Executor() = default;

  /// Returns one outcome a worker once all have ended. As soon as one fails or dies, the others are
  /// stopped. Throws Interrupted on a stop signal, and whatever on_tick throws; no worker is left
  /// then either. REQUIRES: this process has no other threads.
  virtual std::vector<WorkerOutcome> Run(uint32_t workers, const Body& body,
                                         const OnTick& on_tick) = 0;

  /// "process", "thread" or "serial".
  virtual std::string name() const = 0;
};

}  // namespace tally

#endif  // TALLY_MASTER_EXECUTOR_H_
