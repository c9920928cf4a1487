#include "master/race/crew.h"

#include <sched.h>

#include <algorithm>
#include <new>
#include <utility>

#include "common/error.h"
#include "master/worker_failure.h"

namespace tally::race {
namespace {

using Clock = std::chrono::steady_clock;

int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
      .count();
}

// Thrown out of a tick: the executor then ends all workers.
struct StopTrial {};

}  // namespace

Crew::Crew(Executor* executor, uint32_t workers, std::chrono::milliseconds deadline, OnTick on_tick)
    : executor_(executor), workers_(workers), deadline_(deadline), on_tick_(std::move(on_tick)) {}

Crew::Trial Crew::Run(const Body& body, const OnTick& watch) {
  new (&*shared_) Shared;
  stopped_here_ = false;
  const auto give_up_at = Clock::now() + deadline_;
  try {
    const auto outcomes = executor_->Run(workers_,
                                         [&](uint32_t worker) {
                                           RunBody(body, worker);
                                           return true;
                                         },
                                         {.on_tick =
                                              [&] {
                                                if (on_tick_) on_tick_();
                                                if (watch) watch();
                                                if (stopped_here_ || Clock::now() >= give_up_at)
                                                  throw StopTrial();
                                              },
                                          .ask_to_stop = [this] { shared_->stop = true; }});
    ThrowIfWorkerDied(outcomes, [](uint32_t) { return "taking part in the experiment"; });
  } catch (const StopTrial&) {
    return {.finished = false, .seconds = 0};
  }
  const auto begin =
      *std::min_element(shared_->begin_ns.begin(), shared_->begin_ns.begin() + workers_);
  const auto end = *std::max_element(shared_->end_ns.begin(), shared_->end_ns.begin() + workers_);
  return {.finished = true, .seconds = static_cast<double>(end - begin) / 1e9};
}

void Crew::RunBody(const Body& body, uint32_t worker) {
  WaitForAll();
  shared_->begin_ns[worker] = NowNs();
  body(worker);
  shared_->end_ns[worker] = NowNs();
}

// A barrier that is waited at by spinning: after a sleep, workers would start one after another.
void Crew::WaitForAll() {
  const uint32_t round = shared_->round.load();
  if (shared_->arrived.fetch_add(1) + 1 == workers_) {
    shared_->arrived = 0;
    shared_->round.fetch_add(1);
    return;
  }
  for (int spins = 0; shared_->round.load() == round && !stopped(); ++spins) {
    // With fewer CPUs than workers, somebody has to let the others come.
    if (spins >= 1000) sched_yield();
  }
}

}  // namespace tally::race
