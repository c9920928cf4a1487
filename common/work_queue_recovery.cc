// What the queue does after the death of a worker.
#include <algorithm>

#include "common/fault_point.h"
#include "common/store_order.h"
#include "common/work_queue.h"

namespace tally {

void WorkQueue::RepairAfterDeath() {
  if (!mutex_.owner_died()) return;
  DeriveAnew();
  mutex_.MarkRepaired();
}

void WorkQueue::DeriveAnew() {
  next_mapped_ = 0;
  next_published_ = mapped_end_;
  next_stream_ = 0;
  open_streams_ = 0;
  for (const Stream& stream : streams_) {
    if (stream.reader != kNobody) ++open_streams_;
  }
  chunk_in_block_.fill(kNoChunk);
  uint32_t stream = 0;
  for (uint64_t number = mapped_end_; number < chunks_end_; ++number) {
    const Chunk& chunk = ledger_[number];
    // Chunks of one stream mostly follow each other.
    while (streams_[stream].input != chunk.input) stream = (stream + 1) % streams_.size();
    // Never less meanwhile: its reader looks without the lock.
    streams_[stream].published = std::max(streams_[stream].published, chunk.end);
    streams_[stream].ngram_version = chunk.ngram_version;
    if (chunk.block == kNoBlock) continue;
    chunk_in_block_[chunk.block] = number;
    block_filler_[chunk.block] = kNobody;
  }
  WakeAll();
}

std::optional<uint64_t> WorkQueue::StartOver(uint32_t worker) {
  const Lock lock(mutex_);
  RepairAfterDeath();
  TALLY_FAULT_POINT("start-over");
  const auto in_hand = GiveBack(worker);
  workers_[worker].finished = false;
  DeriveAnew();
  return in_hand;
}

void WorkQueue::Inherit(uint32_t dead) {
  const Lock lock(mutex_);
  RepairAfterDeath();
  if (const auto in_hand = GiveBack(dead)) ledger_[*in_hand].owner = kNobody;
  DeriveAnew();
  TALLY_FAULT_POINT("mid-inherit");
  workers_[dead].inherited = true;
}

// All but the chunk in hand, which is returned.
std::optional<uint64_t> WorkQueue::GiveBack(uint32_t dead) {
  std::optional<uint64_t> in_hand;
  for (uint64_t number = 0; number < chunks_end_; ++number) {
    Chunk& chunk = ledger_[number];
    if (chunk.owner != dead || IsSaved(chunk)) continue;
    if (chunk.done == 0 && IsBeforeLimit(chunk.position())) {
      // A second one was being put back when another successor died here.
      if (in_hand) ledger_[*in_hand].owner = kNobody;
      in_hand = number;
    } else {
      chunk.done = 0;
      InThisOrder();
      chunk.owner = kNobody;
    }
  }
  for (Stream& stream : streams_) {
    if (stream.reader == dead) stream.reader = kNobody;
    // What was to be said about the failure is lost, so it has to be met again.
    if (stream.failed_for != dead) continue;
    stream.ended = false;
    InThisOrder();
    stream.failed_for = kNobody;
  }
  workers_[dead].stream = WorkerState::kNoStream;
  for (WorkerState& other : workers_) {
    if (other.heir == dead && !other.inherited) other.heir = kNobody;
  }
  for (uint32_t block = 0; block < blocks_.count; ++block) {
    if (block_filler_[block] != dead) continue;
    if (blocks_.on_free) blocks_.on_free(block);
    block_filler_[block] = kNobody;
  }
  return in_hand;
}

void WorkQueue::LeaveToOthers(uint32_t dead) {
  workers_[dead].heir = kNobody;
  workers_[dead].inherited = false;
  workers_[dead].left_to_others = true;
  any_left_to_others_ = true;
  WakeWithoutLock();
}

void WorkQueue::TakeBack(uint32_t dead) {
  workers_[dead].left_to_others = false;
  workers_[dead].heir = kNobody;
}

std::optional<Task> WorkQueue::TryTakeOver(uint32_t worker) {
  for (uint32_t number = 0; number < workers_.size(); ++number) {
    WorkerState& dead = workers_[number];
    if (!dead.left_to_others || dead.inherited || dead.heir != kNobody) continue;
    dead.heir = worker;
    return Task{.kind = Task::Kind::kTakeOver, .number = number};
  }
  return std::nullopt;
}

}  // namespace tally
