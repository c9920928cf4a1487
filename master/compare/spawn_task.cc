// Task `spawn`: workers that do nothing. What is left is the cost of starting and joining them.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>

#include "common/shared_value.h"
#include "master/compare/tasks.h"
#include "master/worker_failure.h"

namespace tally::compare {
namespace {

constexpr uint32_t kStarts = 100;

Result StartAndJoin(const Launch& launch) {
  const SharedValue<std::atomic<uint32_t>> started(0);
  // Side by side as many as there are to be. To start nobody is to call: one call after another.
  const uint32_t at_once = launch.mode == ExecutionMode::kSerial ? kStarts : launch.workers;
  for (uint32_t left = kStarts; left > 0;) {
    const uint32_t now = std::min(left, at_once);
    const auto outcomes = launch.executor->Run(now, [&](uint32_t) {
      started->fetch_add(1);
      return true;
    });
    ThrowIfWorkerDied(outcomes, [](uint32_t) { return "doing nothing"; });
    left -= now;
  }
  return {.text = std::to_string(started->load()), .errors = {}};
}

}  // namespace

Task SpawnTask() {
  return {.name = "spawn",
          .summary = "100 workers started and joined; serial: 100 calls by one",
          .run = StartAndJoin,
          .items = kStarts,
          .question = Question::kCostOfItem};
}

}  // namespace tally::compare
