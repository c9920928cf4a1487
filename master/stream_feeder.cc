#include "master/stream_feeder.h"

#include <fcntl.h>

#include <algorithm>

#include "common/cut.h"
#include "common/error.h"
#include "common/fault_point.h"

namespace tally {
namespace {

using Clock = std::chrono::steady_clock;

// Blocks come free, and the lock does, at any time: there is nothing to wait for but time.
constexpr std::chrono::microseconds kUntilNextTry{200};
// Signals and workers that end are not kept waiting for longer.
constexpr std::chrono::milliseconds kFeedAtMost{20};
constexpr std::chrono::hours kForAnyTime{1};
// For the memory of records whose rest may come only when this one is read.
constexpr std::chrono::seconds kMemoryPatience{10};
constexpr int kPipeBytes = 1 << 20;  // as large as anybody may make it

// Thrown out of a read that would have to wait, ...
struct NotReady {};
// ... and out of one that takes long.
struct OutOfTime {};

}  // namespace

StreamFeeder::StreamFeeder(const CountPlan& plan) : plan_(plan), queue_(plan.control->queue()) {
  const auto streams = queue_.streams();
  for (uint32_t stream = 0; stream < streams.size(); ++stream) {
    if (streams[stream].reader != kFeeder) continue;
    const uint32_t number = streams[stream].input;
    const Input& input = plan.inputs[number];
    // Its writer goes on while the master is busy elsewhere. Not a pipe, or no more: no matter.
    (void)fcntl(input.fd.get(), F_SETPIPE_SZ, kPipeBytes);
    Source& source = sources_.emplace_back(Source{.stream = stream, .input = number, .reader = {}});
    const Patience none{.while_waiting = [] { throw NotReady(); },
                        .each = std::chrono::milliseconds(0)};
    source.reader.emplace(OpenStream(input, none), input.name, CutRuleFor(plan.format.format),
                          plan.blocks->target_bytes, plan.record_remedy);
  }
}

std::chrono::nanoseconds StreamFeeder::AddWaits(std::vector<pollfd>* waits) {
  std::chrono::nanoseconds timeout = kForAnyTime;
  for (const Source& source : sources_) {
    if (source.closed) continue;
    if (source.lacks_bytes) {
      waits->push_back({.fd = plan_.inputs[source.input].fd.get(), .events = POLLIN, .revents = 0});
    } else {
      timeout = kUntilNextTry;
    }
  }
  return timeout;
}

void StreamFeeder::Feed() {
  give_way_at_ = Clock::now() + kFeedAtMost;
  bool any = true;
  while (any && Clock::now() < give_way_at_) {
    any = false;
    for (Source& source : sources_) any = Advance(&source) || any;
  }
}

// A step, if one can be done now.
bool StreamFeeder::Advance(Source* source) {
  if (source->closed) return false;
  source->lacks_bytes = false;
  if (source->filled) {
    const auto published = queue_.TryPublish(source->stream, *source->filled);
    if (published == WorkQueue::Published::kTryAgain) return false;
    source->filled.reset();
    if (published == WorkQueue::Published::kYes) {
      source->block.reset();
    } else {
      Fail(source, TooManyChunks(plan_.inputs[source->input]));
    }
    return true;
  }
  if (source->ended) {
    source->closed = queue_.TryClose(source->stream, source->block, source->failed_at);
    return source->closed;
  }
  const auto task = queue_.TryClaimBlock(source->stream, source->block);
  if (!task) return false;
  if (task->kind == Task::Kind::kStopReading) {
    source->ended = true;
  } else {
    source->block = static_cast<uint32_t>(task->number);
    Fill(source);
  }
  return !source->lacks_bytes;
}

void StreamFeeder::Fill(Source* source) {
  const BlockPool& blocks = *plan_.blocks;
  const uint32_t block = *source->block;
  char* const text = blocks.block(block);
  try {
    TALLY_FAULT_POINT("feed");
    const auto filled =
        source->reader->Fill({text, blocks.capacity_bytes},
                             {.may_hold = [&](size_t bytes) { return MayHold(source, bytes); },
                              .remedy = plan_.memory_remedy,
                              .after_read =
                                  [this] {
                                    if (Clock::now() >= give_way_at_) throw OutOfTime();
                                  }});
    source->ended = filled.size_bytes == 0;
    if (source->ended) {
      queue_.NoteRead(source->stream, source->reader->text_bytes_read(),
                      source->reader->file_bytes_read());
      return;
    }
    source->filled =
        MakeChunk(filled, text, block, plan_.format.format, queue_.streams()[source->stream]);
  } catch (const Error& error) {
    Fail(source, error.what(), error.exit_status());
  } catch (const NotReady&) {
    source->lacks_bytes = true;
  } catch (const OutOfTime&) {
    // It goes on at the next call.
  }
}

// Memory that other long records have comes free, mostly.
bool StreamFeeder::MayHold(Source* source, size_t bytes) const {
  MemoryBudget* const memory = &plan_.control->memory();
  if (plan_.blocks->MayHold(*source->block, bytes, memory)) {
    source->lacks_memory_since.reset();
    return true;
  }
  const auto now = Clock::now();
  if (!source->lacks_memory_since) source->lacks_memory_since = now;
  const uint64_t of_others = memory->taken_for_blocks() - memory->taken_for_block(*source->block);
  if (of_others == 0 || now - *source->lacks_memory_since > kMemoryPatience) return false;
  throw OutOfTime();
}

void StreamFeeder::Fail(Source* source, std::string_view message, ExitStatus status) {
  source->failed_at = Position{.input = source->input, .offset = source->reader->offset()};
  failure_.NoteFirst(*source->failed_at, message, status);
  source->ended = true;
}

}  // namespace tally
