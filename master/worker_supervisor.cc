#include "master/worker_supervisor.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <cassert>
#include <csignal>
#include <utility>

#include "common/error.h"
#include "master/worker_failure.h"

namespace tally {
namespace {

bool HasUsedUpItsTime(const rusage& usage) {
  rlimit limit{};
  if (getrlimit(RLIMIT_CPU, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) return false;
  const auto used_s = static_cast<rlim_t>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec);
  return used_s + 1 >= limit.rlim_max;  // it may be a little short of it
}

}  // namespace

WorkerSupervisor::WorkerSupervisor(uint32_t workers, std::function<void(std::string_view)> say,
                                   std::function<uint64_t()> oom_kills)
    : say_(std::move(say)), oom_kills_(std::move(oom_kills)), fates_(workers) {}

void WorkerSupervisor::NoteKills() {
  if (!oom_kills_seen_) oom_kills_seen_ = oom_kills_();
}

Next WorkerSupervisor::OnDeath(uint32_t worker, const WorkerOutcome& outcome,
                               const LastWork& work) {
  const std::string what = fmt::format("{} while {}{}", DescribeDeath(worker, outcome), work.doing,
                                       LikelyCause(worker, outcome, work.progress));
  ++deaths_;
  const uint32_t deaths_of_piece = work.piece.empty() ? 0 : ++deaths_of_[work.piece];
  if (deaths_of_piece == kAttempts) {
    throw Error(
        fmt::format("{}; {} workers have died of that now; nothing was written", what, kAttempts),
        kExitWorkersDied);
  }
  if (deaths_ > kDeathsAnyway + fates_.size()) {
    throw Error(fmt::format("{}; {} workers have died in this run, too many to go on; nothing was "
                            "written",
                            what, deaths_),
                kExitWorkersDied);
  }
  say_(fmt::format("{}; {}", what, work.again));
  return Next::kReplace;
}

void WorkerSupervisor::OnTooFew(uint32_t started, uint32_t wanted, int error) {
  if (std::exchange(said_too_few_, true)) return;
  say_(fmt::format("only {} of {} workers could be started ({}); {}", started, wanted,
                   WhyNotStarted(error), started == 1 ? "it does the work" : "they do the work"));
}

void WorkerSupervisor::OnNoSuccessor(uint32_t worker, int error) {
  say_(fmt::format(
      "no process can be started in the place of worker {} ({}); the others do its work",
      worker + 1, WhyNotStarted(error)));
}

std::string WorkerSupervisor::LikelyCause(uint32_t worker, const WorkerOutcome& outcome,
                                          uint64_t progress) {
  if (outcome.signal_number != SIGKILL || outcome.hung) return "";
  if (HasUsedUpItsTime(outcome.usage)) {
    return " (a process may compute for no longer here: raise that limit, ulimit -t)";
  }
  const bool killed_twice = IsKilledTwice(worker, progress);
  assert(oom_kills_seen_);
  const uint64_t oom_kills = oom_kills_();
  const bool kernel_did = std::exchange(oom_kills_seen_, oom_kills).value_or(oom_kills) < oom_kills;
  if (!killed_twice && !kernel_did) return "";
  return fmt::format(
      " ({} out of memory; use fewer workers (-j), or bound their tables (--memory))",
      kernel_did ? "the kernel says that it had to kill for lack of memory: probably"
                 : "killed twice without getting on: if not by hand, it was");
}

bool WorkerSupervisor::IsKilledTwice(uint32_t worker, uint64_t progress) {
  Fate& fate = fates_[worker];
  const bool got_on = fate.kills_since > 0 && progress > fate.progress_at_kill;
  if (got_on) fate.kills_since = 0;
  fate.progress_at_kill = progress;
  return ++fate.kills_since >= 2;
}

}  // namespace tally
