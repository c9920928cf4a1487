#include "common/work_queue.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

namespace tally {
namespace {

// std::atomic::wait uses a futex private to one process; these are shared.
void FutexWait(std::atomic<uint32_t>* word, uint32_t expected) {
  syscall(SYS_futex, word, FUTEX_WAIT, expected, nullptr, nullptr, 0);
}

void FutexWakeAll(std::atomic<uint32_t>* word) {
  syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace

WorkQueue::WorkQueue(std::span<Chunk> ledger, uint64_t mapped_chunks,
                     std::span<const uint32_t> streams, uint32_t blocks)
    : ledger_(ledger),
      streams_(streams),
      mapped_end_(mapped_chunks),
      next_published_(mapped_chunks),
      chunks_end_(mapped_chunks),
      block_count_(std::min(blocks, kMaxBlocks)) {}

Task WorkQueue::Claim(uint32_t worker, std::optional<Position> reading) {
  Lock lock(mutex_);
  for (;;) {
    CheckOwner();
    if (const auto task = TryClaim(worker, reading)) return *task;
    Wait(&lock);
  }
}

// A worker died in here. The master is about to fail the run; until then, hand out nothing.
void WorkQueue::CheckOwner() {
  if (!mutex_.owner_died()) return;
  owner_died_ = true;
  mutex_.MarkRepaired();
  WakeAll();
}

std::optional<Task> WorkQueue::TryClaim(uint32_t worker, const std::optional<Position>& reading) {
  if (owner_died_) return Task{};
  if (reading) {
    if (auto task = TryFill(*reading)) return task;
  }
  // Published blocks first: they are still in the cache, and the readers wait for them.
  if (auto task = TryClaimChunk(worker, &next_published_, chunks_end_)) return task;
  if (reading) {
    // Chunks behind the limit were passed over, which has freed their blocks.
    if (auto task = TryFill(*reading)) return task;
  }
  if (!reading && next_stream_ < streams_.size()) {
    const uint32_t input = streams_[next_stream_];
    if (Position{.input = input, .offset = 0} < limit_) {
      ++next_stream_;
      ++open_streams_;
      return Task{.kind = Task::Kind::kOpenStream, .number = input};
    }
    next_stream_ = static_cast<uint32_t>(streams_.size());
  }
  if (auto task = TryClaimChunk(worker, &next_mapped_, mapped_end_)) return task;
  // An open stream may publish more, and its reader needs blocks that others still count.
  if (open_streams_ > 0) return std::nullopt;
  return Task{};
}

std::optional<Task> WorkQueue::TryFill(const Position& reading) {
  if (reading >= limit_) return Task{.kind = Task::Kind::kStopReading};
  for (uint32_t block = 0; block < block_count_; ++block) {
    if (!block_in_use_[block]) {
      block_in_use_[block] = true;
      return Task{.kind = Task::Kind::kFill, .number = block};
    }
  }
  return std::nullopt;
}

std::optional<Task> WorkQueue::TryClaimChunk(uint32_t worker, uint64_t* next, uint64_t end) {
  while (*next < end) {
    Chunk& chunk = ledger_[*next];
    if (chunk.position() < limit_) {
      chunk.owner = worker;
      return Task{.kind = Task::Kind::kCount, .number = (*next)++};
    }
    if (chunk.block != kNoBlock) block_in_use_[chunk.block] = false;
    ++*next;
  }
  return std::nullopt;
}

void WorkQueue::Finish(uint64_t chunk, uint64_t lines) {
  const Lock lock(mutex_);
  CheckOwner();
  Chunk& entry = ledger_[chunk];
  entry.lines = lines;
  entry.done = true;
  if (entry.block != kNoBlock) {
    block_in_use_[entry.block] = false;
    WakeAll();
  }
}

bool WorkQueue::Publish(const Chunk& chunk) {
  const Lock lock(mutex_);
  CheckOwner();
  const uint64_t number = chunks_end_.load(std::memory_order_relaxed);
  if (number == ledger_.size()) return false;
  ledger_[number] = chunk;
  chunks_end_.store(number + 1, std::memory_order_relaxed);
  WakeAll();
  return true;
}

void WorkQueue::CloseStream(std::optional<uint32_t> unused_block) {
  const Lock lock(mutex_);
  CheckOwner();
  if (unused_block) block_in_use_[*unused_block] = false;
  --open_streams_;
  WakeAll();
}

void WorkQueue::FailAt(Position position) {
  const Lock lock(mutex_);
  CheckOwner();
  limit_ = std::min(limit_, position);
  WakeAll();
}

bool WorkQueue::IsWanted(Position position) {
  const Lock lock(mutex_);
  CheckOwner();
  return position < limit_;
}

void WorkQueue::Wait(Lock* lock) {
  ++waiters_;
  const uint32_t seen = epoch_.load(std::memory_order_relaxed);
  lock->unlock();
  FutexWait(&epoch_, seen);  // returns at once if something changed since the unlock
  lock->lock();
  --waiters_;
}

void WorkQueue::WakeAll() {
  if (waiters_ == 0) return;
  epoch_.fetch_add(1, std::memory_order_relaxed);
  FutexWakeAll(&epoch_);
}

}  // namespace tally
