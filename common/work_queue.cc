#include "common/work_queue.h"

#include <algorithm>
#include <utility>

#include "common/fault_point.h"
#include "common/futex.h"
#include "common/heartbeat.h"
#include "common/store_order.h"

namespace tally {
namespace {

// The master's wait for the lock: longer than anyone holds it who is not stopped.
constexpr std::chrono::milliseconds kMasterWaits{5};

}  // namespace

WorkQueue::WorkQueue(std::span<Chunk> ledger, uint64_t mapped_chunks, std::span<Stream> streams,
                     std::span<WorkerState> workers, BlockRules blocks)
    : ledger_(ledger),
      streams_(streams),
      workers_(workers),
      mapped_end_(mapped_chunks),
      blocks_(std::move(blocks)),
      chunks_end_(mapped_chunks) {
  blocks_.count = std::min(blocks_.count, kMaxBlocks);
  block_filler_.fill(kNobody);
  DeriveAnew();
}

Task WorkQueue::Claim(uint32_t worker) {
  TALLY_FAULT_POINT("before-claim");
  Lock lock(mutex_);
  for (;;) {
    RepairAfterDeath();
    TALLY_FAULT_POINT("lock-held");
    if (const auto task = TryClaim(worker)) return *task;
    Wait(&lock);
    Beat();
  }
}

std::optional<Task> WorkQueue::TryClaim(uint32_t worker) {
  if (stopped_) return Task{};
  if (any_left_to_others_) {
    if (auto task = TryTakeOver(worker)) return task;
  }
  const WorkerState& state = workers_[worker];
  const bool reads = state.stream != WorkerState::kNoStream;
  if (reads) {
    if (auto task = TryFill(state.stream, worker)) return task;
  }
  // Published blocks first: they are still in the cache, and the readers wait for them.
  if (auto task = TryClaimChunk(worker, &next_published_, chunks_end_)) return task;
  if (reads) {
    // Chunks behind the limit were passed over, which has freed their blocks.
    if (auto task = TryFill(state.stream, worker)) return task;
  }
  if (!reads) {
    if (auto task = TryOpenStream(worker)) return task;
  }
  if (auto task = TryClaimChunk(worker, &next_mapped_, mapped_end_)) return task;
  // An open stream may publish more, and its reader needs blocks that others still count.
  if (open_streams_ > 0) return std::nullopt;
  return Task{};
}

std::optional<Task> WorkQueue::TryFill(uint32_t stream, uint32_t reader) {
  const Stream& read = streams_[stream];
  if (stopped_ || !IsBeforeLimit({.input = read.input, .offset = read.published})) {
    return Task{.kind = Task::Kind::kStopReading};
  }
  // What is read too early leaves the cache before it is counted.
  if (IsFarAhead()) return std::nullopt;
  for (const bool last_try : {false, true}) {
    for (uint32_t block = 0; block < blocks_.count; ++block) {
      if (chunk_in_block_[block] != kNoChunk || block_filler_[block] != kNobody) continue;
      block_filler_[block] = reader;
      return Task{.kind = Task::Kind::kFill, .number = block};
    }
    if (!last_try) ReleaseSavedBlocks();
  }
  return std::nullopt;
}

bool WorkQueue::IsFarAhead() const {
  const uint64_t most = kMostAhead * workers_.size();
  if (chunks_end_ - next_published_ >= most) return true;
  // Long records come in few chunks.
  uint64_t bytes = 0;
  for (uint64_t number = next_published_; number < chunks_end_; ++number) {
    bytes += ledger_[number].size_bytes();
  }
  return bytes / most >= blocks_.target_bytes;
}

std::optional<Task> WorkQueue::TryOpenStream(uint32_t worker) {
  while (next_stream_ < streams_.size()) {
    Stream& stream = streams_[next_stream_];
    const bool wanted = IsBeforeLimit({.input = stream.input, .offset = stream.published});
    if (!stream.ended && stream.reader == kNobody && wanted) {
      const uint32_t number = next_stream_++;
      workers_[worker].stream = number;
      ++open_streams_;
      stream.reader = worker;
      return Task{.kind = Task::Kind::kOpenStream, .number = number};
    }
    ++next_stream_;
  }
  return std::nullopt;
}

std::optional<Task> WorkQueue::TryClaimChunk(uint32_t worker, uint64_t* next, uint64_t end) {
  for (; *next < end; ++*next) {
    Chunk& chunk = ledger_[*next];
    if (chunk.owner != kNobody) continue;
    if (IsBeforeLimit(chunk.position())) {
      chunk.owner = worker;
      TALLY_FAULT_POINT("mid-claim");
      return Task{.kind = Task::Kind::kCount, .number = (*next)++};
    }
    Release(&chunk);
  }
  return std::nullopt;
}

void WorkQueue::Finish(uint32_t worker, uint64_t chunk, const ChunkCount& count) {
  const Lock lock(mutex_);
  RepairAfterDeath();
  Chunk& entry = ledger_[chunk];
  entry.count = count;
  InThisOrder();
  TALLY_FAULT_POINT("mid-finish");
  entry.done = ++workers_[worker].chunks_done;
  if (blocks_.keep || entry.block == kNoBlock) return;
  Release(&entry);
  WakeAll();
}

bool WorkQueue::Publish(uint32_t worker, const Chunk& chunk) {
  const Lock lock(mutex_);
  RepairAfterDeath();
  return PublishAs(workers_[worker].stream, chunk);
}

bool WorkQueue::PublishAs(uint32_t stream, const Chunk& chunk) {
  const uint64_t number = chunks_end_.load(std::memory_order_relaxed);
  if (number == ledger_.size()) return false;
  ledger_[number] = chunk;
  InThisOrder();
  TALLY_FAULT_POINT("mid-publish");
  chunks_end_.store(number + 1, std::memory_order_relaxed);
  InThisOrder();
  TALLY_FAULT_POINT("published");
  streams_[stream].published = chunk.end;
  streams_[stream].ngram_version = chunk.ngram_version;
  chunk_in_block_[chunk.block] = number;
  block_filler_[chunk.block] = kNobody;
  WakeAll();
  return true;
}

void WorkQueue::CloseStream(uint32_t worker, std::optional<uint32_t> unused_block,
                            std::optional<Position> failed_at) {
  const Lock lock(mutex_);
  RepairAfterDeath();
  Close(workers_[worker].stream, unused_block, failed_at);
  workers_[worker].stream = WorkerState::kNoStream;
}

void WorkQueue::Close(uint32_t stream, std::optional<uint32_t> unused_block,
                      std::optional<Position> failed_at) {
  if (unused_block) block_filler_[*unused_block] = kNobody;
  if (failed_at) {
    streams_[stream].failed_for = streams_[stream].reader;
    InThisOrder();
    LowerLimit(*failed_at);
  }
  streams_[stream].ended = true;
  streams_[stream].reader = kNobody;
  --open_streams_;
  WakeAll();
}

void WorkQueue::NoteRead(uint32_t stream, uint64_t text_bytes, uint64_t file_bytes) {
  streams_[stream].text_bytes_read = text_bytes;
  streams_[stream].file_bytes_read = file_bytes;
}

void WorkQueue::FailAt(Position position) {
  const Lock lock(mutex_);
  RepairAfterDeath();
  LowerLimit(position);
}

void WorkQueue::LowerLimit(Position position) {
  if (!IsBeforeLimit(position)) return;
  const uint32_t other = 1 - current_limit_;
  limits_[other] = position;
  InThisOrder();
  current_limit_ = other;
  WakeAll();
}

bool WorkQueue::IsWanted(Position position) {
  if (stopped_) return false;
  const Lock lock(mutex_);
  RepairAfterDeath();
  return IsBeforeLimit(position);
}

void WorkQueue::TableSaved() {
  const Lock lock(mutex_);
  RepairAfterDeath();
  ReleaseSavedBlocks();
}

std::optional<Task> WorkQueue::TryClaimBlock(uint32_t stream, std::optional<uint32_t> has) {
  const Lock lock = TryLock();
  if (!lock.owns()) return std::nullopt;
  const Stream& read = streams_[stream];
  const bool wanted = IsBeforeLimit({.input = read.input, .offset = read.published});
  if (has && wanted && !stopped_) return Task{.kind = Task::Kind::kFill, .number = *has};
  return TryFill(stream, kFeeder);
}

WorkQueue::Published WorkQueue::TryPublish(uint32_t stream, const Chunk& chunk) {
  const Lock lock = TryLock();
  if (!lock.owns()) return Published::kTryAgain;
  return PublishAs(stream, chunk) ? Published::kYes : Published::kLedgerFull;
}

bool WorkQueue::TryClose(uint32_t stream, std::optional<uint32_t> unused_block,
                         std::optional<Position> failed_at) {
  const Lock lock = TryLock();
  if (!lock.owns()) return false;
  Close(stream, unused_block, failed_at);
  return true;
}

WorkQueue::Lock WorkQueue::TryLock() {
  if (!mutex_.try_lock_for(kMasterWaits)) return {mutex_, boost::interprocess::defer_lock};
  Lock lock(mutex_, boost::interprocess::accept_ownership);
  RepairAfterDeath();
  return lock;
}

void WorkQueue::Stop() {
  stopped_ = true;
  WakeWithoutLock();
}

void WorkQueue::Release(Chunk* chunk) {
  if (chunk->block == kNoBlock) return;
  const uint32_t block = chunk->block;
  if (blocks_.on_free) blocks_.on_free(block);
  chunk->block = kNoBlock;
  InThisOrder();
  chunk_in_block_[block] = kNoChunk;
}

void WorkQueue::ReleaseSavedBlocks() {
  bool any = false;
  for (uint32_t block = 0; block < blocks_.count; ++block) {
    const uint64_t number = chunk_in_block_[block];
    if (number == kNoChunk || !IsSaved(ledger_[number])) continue;
    Release(&ledger_[number]);
    any = true;
  }
  // Else two readers that wait for a block would wake each other for ever.
  if (any) WakeAll();
}

void WorkQueue::Wait(Lock* lock) {
  ++waiters_;
  const uint32_t seen = epoch_.load(std::memory_order_relaxed);
  lock->unlock();
  FutexWait(&epoch_, seen, kBeatEvery);  // returns at once if something changed since the unlock
  lock->lock();
  --waiters_;
}

void WorkQueue::WakeWithoutLock() {
  epoch_.fetch_add(1);
  FutexWakeAll(&epoch_);
}

void WorkQueue::WakeAll() {
  if (waiters_ == 0) return;
  epoch_.fetch_add(1, std::memory_order_relaxed);
  FutexWakeAll(&epoch_);
}

}  // namespace tally
