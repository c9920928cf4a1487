#include "worker/worker.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include "common/count_table.h"
#include "common/error.h"
#include "common/fault_point.h"
#include "common/heartbeat.h"
#include "worker/column_parser.h"
#include "worker/counting_sink.h"
#include "worker/line_parser.h"
#include "worker/ngram_parser.h"
#include "worker/stream_reader.h"
#include "worker/table_savepoint.h"
#include "worker/word_parser.h"

namespace tally {
namespace {

static_assert(kMaxKeyBytes <= CountTable::kLongestKeyBytes);

// Has a slow disk bring the text, but of a line of gigabytes only the start: what comes late would
// be gone again where memory is short.
void Populate(std::string_view text) {
  constexpr size_t kBytesPerBeat = size_t{2} << 20;
  text = text.substr(0, size_t{64} << 20);
  while (!text.empty()) {
    Beat();
    PopulatePages(text.substr(0, kBytesPerBeat));
    text.remove_prefix(std::min(kBytesPerBeat, text.size()));
  }
}

// Thrown out of a long wait for a stream when the run has failed elsewhere.
struct NoLongerWanted {};

// A worker at work.
class Worker {
 public:
  Worker(const CountPlan& plan, uint32_t index)
      : plan_(plan),
        index_(index),
        queue_(plan.control->queue()),
        report_(plan.control->report(index)),
        table_(
            plan.tables[index], [this](const CountTable::Need& need) { return TakeMemory(need); },
            plan.undo_logs.empty() ? nullptr : plan.undo_logs[index],
            plan.input_bytes ? [this] { return ShareCounted(); } : CountTable::ShareDone()),
        counts_(&table_),
        savepoint_(plan, index) {}

  /// `first_chunk`: one that is claimed already.
  bool Run(std::optional<uint64_t> first_chunk);

 private:
  bool TakeMemory(const CountTable::Need& need) const;
  double ShareCounted() const;
  Position ReadingAt() const;
  void ThrowIfNoLongerWanted();
  void OpenStreamAgain(uint32_t number);
  void FillBlock(uint32_t block);
  void StopReading(std::optional<uint32_t> unused_block, std::optional<Position> failed_at = {});
  void FailToRead(std::string_view message, std::optional<uint32_t> unused_block,
                  ExitStatus status = kExitFailed);
  bool CountChunk(uint64_t number);
  void SaveAtTimes(const Chunk& counted);
  void TakeOverFrom(uint32_t dead);
  uint64_t ParseText(const Chunk& chunk, std::string_view text, CountingSink* sink);
  template <Parser P>
  uint64_t ParseWith(const P& parser, const Chunk& chunk, std::string_view text,
                     CountingSink* sink);

  const CountPlan& plan_;
  const uint32_t index_;
  WorkQueue& queue_;
  WorkerReport& report_;
  CountTable table_;
  CountBuffer counts_;  // in front of it
  TableSavepoint savepoint_;
  uint64_t chunk_file_bytes_ = 0;  // of the one in hand
  uint64_t unsaved_chunks_ = 0;
  uint64_t unsaved_block_bytes_ = 0;

  std::optional<StreamReader> reader_;
  uint32_t reading_stream_ = 0;
  uint32_t reading_input_ = 0;
  uint64_t reading_from_ = 0;  // published by another one
};

bool Worker::Run(std::optional<uint64_t> first_chunk) {
  if (first_chunk && !CountChunk(*first_chunk)) return false;
  for (;;) {
    const Task task = queue_.Claim(index_);
    switch (task.kind) {
      case Task::Kind::kCount:
        if (!CountChunk(task.number)) return false;
        break;
      case Task::Kind::kOpenStream:
        OpenStreamAgain(static_cast<uint32_t>(task.number));
        break;
      case Task::Kind::kFill:
        FillBlock(static_cast<uint32_t>(task.number));
        break;
      case Task::Kind::kStopReading:
        StopReading(std::nullopt);
        break;
      case Task::Kind::kTakeOver:
        TakeOverFrom(static_cast<uint32_t>(task.number));
        break;
      case Task::Kind::kNone:
        queue_.workers()[index_].finished = true;
        TALLY_FAULT_POINT("before-exit");
        return true;
    }
  }
}

bool Worker::TakeMemory(const CountTable::Need& need) const {
  // The merge has a row for each key, as large as a slot; at most 5 of 8 slots hold one. The undo
  // log is gone by then.
  const uint64_t for_rows = need.slots_bytes / 8 * 5;
  const uint64_t bytes = need.slots_bytes + need.keys_bytes + std::max(need.undo_bytes, for_rows);
  MemoryBudget& memory = plan_.control->memory();
  // What is not needed may take a quarter of the worker's share: others may need the rest.
  if (need.is_optional && bytes > memory.limit_bytes() / plan_.tables.size() / 4) return false;
  return memory.Take(index_, bytes);
}

// Of the chunks in the workers' hands, about half is.
double Worker::ShareCounted() const {
  const uint64_t in_hand = chunk_file_bytes_ * plan_.tables.size();
  const uint64_t counted = plan_.control->work_done().file_bytes + in_hand / 2;
  return static_cast<double>(counted) / static_cast<double>(*plan_.input_bytes);
}

Position Worker::ReadingAt() const {
  return {.input = reading_input_, .offset = reader_ ? reader_->offset() : reading_from_};
}

void Worker::ThrowIfNoLongerWanted() {
  if (!queue_.IsWanted(ReadingAt())) throw NoLongerWanted();
}

// From its start, for the first reader. For those that come after one that died, as much is skipped
// as was published before.
void Worker::OpenStreamAgain(uint32_t number) {
  const Stream& stream = queue_.streams()[number];
  reading_stream_ = number;
  reading_input_ = stream.input;
  reading_from_ = stream.published;
  const Input& input = plan_.inputs[stream.input];
  const auto while_waiting = [this] {
    Beat();
    ThrowIfNoLongerWanted();
  };
  try {
    reader_.emplace(OpenStream(input, {while_waiting}), input.name, CutRuleFor(plan_.format.format),
                    plan_.blocks->target_bytes, plan_.record_remedy);
    reader_->SkipTo(reading_from_, while_waiting);
  } catch (const Error& error) {
    FailToRead(error.what(), std::nullopt);
  } catch (const NoLongerWanted&) {
    StopReading(std::nullopt);
  }
}

void Worker::FillBlock(uint32_t block) {
  TALLY_FAULT_POINT("before-fill");
  const BlockPool& blocks = *plan_.blocks;
  char* const text = blocks.block(block);
  MemoryBudget* const memory = &plan_.control->memory();
  blocks.Trim(block, memory);  // of what one that died has read into it
  StreamReader::Filled filled;
  try {
    filled = reader_->Fill(
        {text, blocks.capacity_bytes},
        {.may_hold = [&](size_t bytes) { return blocks.MayHold(block, bytes, memory); },
         .remedy = plan_.memory_remedy,
         .after_read = [this] { ThrowIfNoLongerWanted(); }});
  } catch (const Error& error) {
    return FailToRead(error.what(), block, error.exit_status());
  } catch (const NoLongerWanted&) {
    return StopReading(block);
  }
  if (filled.size_bytes == 0) {
    queue_.NoteRead(reading_stream_, reader_->text_bytes_read(), reader_->file_bytes_read());
    return StopReading(block);
  }
  const Chunk chunk =
      MakeChunk(filled, text, block, plan_.format.format, queue_.streams()[reading_stream_]);
  TALLY_FAULT_POINT("before-publish");
  if (!queue_.Publish(index_, chunk))
    FailToRead(TooManyChunks(plan_.inputs[reading_input_]), block);
}

void Worker::StopReading(std::optional<uint32_t> unused_block, std::optional<Position> failed_at) {
  TALLY_FAULT_POINT("before-close");
  reader_.reset();
  queue_.CloseStream(index_, unused_block, failed_at);
}

void Worker::FailToRead(std::string_view message, std::optional<uint32_t> unused_block,
                        ExitStatus status) {
  const Position position = ReadingAt();
  report_.input_failure.NoteFirst(position, message, status);
  StopReading(unused_block, position);
}

bool Worker::CountChunk(uint64_t number) {
  TALLY_FAULT_POINT("before-chunk");
  const Chunk chunk = queue_.ledger()[number];
  chunk_file_bytes_ = chunk.file_bytes;
  const char* const begin = chunk.block == kNoBlock
                                ? plan_.inputs[chunk.input].text->data() + chunk.begin
                                : plan_.blocks->block(chunk.block);
  CountingSink sink(plan_, number, chunk, begin, &counts_, &report_);
  ChunkCount count;
  const std::string_view text(begin, chunk.size_bytes());
  count.lines = ParseText(chunk, text, &sink);
  TALLY_FAULT_POINT("mid-chunk");
  sink.Finish();
  count.records = sink.count().records;
  count.amount = sink.count().amount;
  TALLY_FAULT_POINT("before-finish");
  queue_.Finish(index_, number, count);
  TALLY_FAULT_POINT("before-progress");
  plan_.control->AddProgress(index_, {.chunks = 1,
                                      .text_bytes = chunk.size_bytes(),
                                      .file_bytes = chunk.file_bytes,
                                      .records = count.records});
  TALLY_FAULT_POINT("after-progress");
  if (sink.failed()) return false;
  if (chunk.block == kNoBlock) ForgetPages(text);
  if (!plan_.undo_logs.empty()) SaveAtTimes(chunk);
  return true;
}

void Worker::SaveAtTimes(const Chunk& counted) {
  ++unsaved_chunks_;
  if (counted.block != kNoBlock) unsaved_block_bytes_ += counted.size_bytes();
  const uint64_t most = plan_.blocks->chunks_per_savepoint;
  if (unsaved_chunks_ < most && unsaved_block_bytes_ / most < plan_.blocks->target_bytes) return;
  savepoint_.Set(&table_);
  unsaved_chunks_ = 0;
  unsaved_block_bytes_ = 0;
  TALLY_FAULT_POINT("before-table-saved");
  queue_.TableSaved();
}

// What is not saved in its table, all count again. As TakeOver(), it may be cut short.
void Worker::TakeOverFrom(uint32_t dead) {
  TableSavepoint savepoint(plan_, dead);
  TALLY_FAULT_POINT("inheriting");
  savepoint.Restore();
  plan_.control->StartProgressOver(dead, savepoint.Kept());
  queue_.Inherit(dead);
  TALLY_FAULT_POINT("inherited");
}

uint64_t Worker::ParseText(const Chunk& chunk, std::string_view text, CountingSink* sink) {
  if (chunk.begin == 0) text = WithoutByteOrderMark(text);
  const NgramFilter filter{.years = plan_.format.years, .tags = plan_.format.tags};
  switch (plan_.format.format) {
    case Format::kNgram:
      switch (chunk.ngram_version) {
        case NgramVersion::kV1:
          return ParseWith(NgramV1Parser(filter), chunk, text, sink);
        case NgramVersion::kV2:
          return ParseWith(NgramV2Parser(filter), chunk, text, sink);
        case NgramVersion::kV3:
          return ParseWith(NgramV3Parser(filter), chunk, text, sink);
      }
      break;
    case Format::kWords:
      return ParseWith(WordParser(), chunk, text, sink);
    case Format::kLines:
      return ParseWith(LineParser(), chunk, text, sink);
    case Format::kColumns:
      return ParseWith(ColumnParser(plan_.format), chunk, text, sink);
  }
  return 0;
}

template <Parser P>
uint64_t Worker::ParseWith(const P& parser, const Chunk& chunk, std::string_view text,
                           CountingSink* sink) {
  if (chunk.block == kNoBlock) Populate(text);
  return parser.Parse(text, *sink);
}

// For the successor of a worker that died: brings what it left behind into order. May itself be cut
// short at any place, and is then done once more.
std::optional<uint64_t> TakeOver(const CountPlan& plan, uint32_t worker) {
  TableSavepoint savepoint(plan, worker);
  savepoint.Restore();
  const auto in_hand = plan.control->queue().StartOver(worker);
  TALLY_FAULT_POINT("started-over");
  plan.control->StartProgressOver(worker, savepoint.Kept());
  return in_hand;
}

}  // namespace

bool RunWorker(const CountPlan& plan, uint32_t worker) noexcept {
  TALLY_FAULTS_OF_WORKER(worker);
  const Heart heart(plan.control->pulse(worker));
  WorkerReport& report = plan.control->report(worker);
  try {
    TALLY_FAULT_POINT("start");
    std::optional<uint64_t> first_chunk;
    if (std::exchange(plan.control->queue().workers()[worker].started, true)) {
      first_chunk = TakeOver(plan, worker);
    }
    const bool counted = Worker(plan, worker).Run(first_chunk);
    LeaveUnmarked(plan.tables[worker], plan.table_bytes);  // (a thread's is read but once more)
    return counted;
  } catch (const std::bad_alloc&) {
    report.fatal.Set("out of memory");
    report.fatal_status = kExitMemory;
  } catch (const std::exception& error) {
    report.fatal.Set(error.what());
  } catch (...) {
    report.fatal.Set("an unknown exception");
  }
  return false;
}

}  // namespace tally
