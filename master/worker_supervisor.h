// Decides what becomes of a run whose workers die.
#ifndef TALLY_MASTER_WORKER_SUPERVISOR_H_
#define TALLY_MASTER_WORKER_SUPERVISOR_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "master/executor.h"

namespace tally {

/// What a worker that died was doing.
struct LastWork {
  std::string doing;       // "counting chunk 5 (in, bytes 0 to 100)"
  std::string piece = {};  // what to blame: equal for one and the same piece of work; empty: none
  std::string again = "nothing has to be counted again";
  uint64_t progress = 0;  // how far it got: a successor that dies gets on if it has more
};

/// Has a worker that died replaced by another one, which does again what was lost with it, and says
/// so; gives the run up where that would lead nowhere. One for a whole run. For the master.
class WorkerSupervisor {
 public:
  static constexpr uint32_t kAttempts = 3;      // at one piece of work
  static constexpr uint32_t kDeathsAnyway = 8;  // and one more for each worker

  /// `say` tells a person. `oom_kills`: as OutOfMemoryKills().
  WorkerSupervisor(uint32_t workers, std::function<void(std::string_view)> say,
                   std::function<uint64_t()> oom_kills);

  /// To be called before any death is: notes how often the kernel has killed for lack of memory so
  /// far. More calls do nothing.
  void NoteKills();

  /// Throws an Error with kExitWorkersDied where the run is given up.
  Next OnDeath(uint32_t worker, const WorkerOutcome& outcome, const LastWork& work);

  void Say(std::string_view message) const { say_(message); }

  /// As Supervision::on_too_few. Said once.
  void OnTooFew(uint32_t started, uint32_t wanted, int error);

  /// No process could be started in the place of a worker, because of errno `error`: its work is
  /// done by the others.
  void OnNoSuccessor(uint32_t worker, int error);

 private:
  struct Fate {
    uint64_t progress_at_kill = 0;
    uint32_t kills_since = 0;
  };

  bool IsKilledTwice(uint32_t worker, uint64_t progress);
  std::string LikelyCause(uint32_t worker, const WorkerOutcome& outcome, uint64_t progress);

  std::function<void(std::string_view)> say_;
  std::function<uint64_t()> oom_kills_;
  std::optional<uint64_t> oom_kills_seen_;
  std::vector<Fate> fates_;  // one a worker
  std::map<std::string, uint32_t> deaths_of_;
  uint32_t deaths_ = 0;
  bool said_too_few_ = false;
};

}  // namespace tally

#endif  // TALLY_MASTER_WORKER_SUPERVISOR_H_
