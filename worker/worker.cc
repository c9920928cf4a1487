#include "worker/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <optional>

#include "common/count_table.h"
#include "common/error.h"
#include "common/escape.h"
#include "worker/column_parser.h"
#include "worker/line_parser.h"
#include "worker/ngram_parser.h"
#include "worker/stream_reader.h"
#include "worker/word_parser.h"

namespace tally {
namespace {

// Puts one chunk's records into the worker's table.
class CountingSink {
 public:
  CountingSink(const CountPlan& plan, uint64_t chunk_number, const Chunk& chunk, const char* text,
               CountTable* table, WorkerReport* report)
      : plan_(plan),
        chunk_number_(chunk_number),
        chunk_(chunk),
        text_(text),
        counted_to_(text),
        table_(table),
        report_(report) {}

  bool Add(std::string_view key, uint64_t amount) {
    if (key.size() > kMaxKeyBytes) [[unlikely]]
      return RejectLongKey(key);
    ++records_;
    return Check(table_->AddSoon(key, amount));
  }

  bool Reject(const BadLine& bad) { return Reject(bad, /*has_line_number=*/true); }

  /// All records were handed on: adds those that wait.
  void Finish() {
    for (auto result = table_->Flush(); result != CountTable::AddResult::kAdded;
         result = table_->Flush()) {
      if (!Fail(result)) return;
    }
  }

  uint64_t records() const { return records_; }
  bool failed() const { return failed_; }

 private:
  bool RejectLongKey(std::string_view key) {
    const bool has_lines = plan_.format.format != Format::kWords;
    if (has_lines) {
      lines_before_ += static_cast<uint64_t>(std::count(counted_to_, key.data(), '\n'));
      counted_to_ = key.data();
    }
    return Reject(
        {.line = key, .line_in_text = lines_before_, .reason = "the key is longer than 1 MiB"},
        has_lines);
  }

  bool Reject(const BadLine& bad, bool has_line_number);
  bool Check(CountTable::AddResult result) {
    return result == CountTable::AddResult::kAdded || Fail(result);
  }
  // Returns whether to go on.
  bool Fail(CountTable::AddResult result);

  const CountPlan& plan_;
  uint64_t chunk_number_;
  const Chunk& chunk_;
  const char* text_;
  const char* counted_to_;  // there are lines_before_ newlines before it
  uint64_t lines_before_ = 0;
  CountTable* table_;
  WorkerReport* report_;
  uint64_t records_ = 0;
  bool failed_ = false;
};

bool CountingSink::Reject(const BadLine& bad, bool has_line_number) {
  MalformedLine line;
  line.position = {.input = chunk_.input,
                   .offset = chunk_.begin + static_cast<uint64_t>(bad.line.data() - text_)};
  line.chunk = chunk_number_;
  line.line_in_chunk = bad.line_in_text;
  line.has_line_number = has_line_number;
  line.size_bytes = bad.line.size();
  line.text.Set(bad.line);
  line.reason.Set(bad.reason);
  // A worker's chunks come in the inputs' order but for streams, so this is nearly always an
  // append.
  auto& samples = report_->samples;
  size_t at = report_->samples_used();
  if (at == samples.size() && line.position < samples.back().position) --at;
  ++report_->malformed;
  if (at < samples.size()) {
    for (; at > 0 && line.position < samples[at - 1].position; --at) samples[at] = samples[at - 1];
    samples[at] = line;
  }
  if (!plan_.skip_malformed) plan_.control->queue().FailAt(line.position);
  return plan_.skip_malformed;
}

bool CountingSink::Fail(CountTable::AddResult result) {
  if (result == CountTable::AddResult::kOverflow) {
    // The run fails, but what comes first in the inputs, or first among such keys, is to be told.
    report_->overflowed.Note(table_->failed_key());
    return true;
  }
  failed_ = true;
  report_->fatal.Set(fmt::format(
      "a worker's table is full: {} keys fill the {} KiB that it may have; {}", table_->size(),
      table_->region_bytes() >> 10, AddressSpaceRemedy(plan_.tables.size())));
  return false;
}

// Thrown out of the wait for a silent pipe when the run has failed elsewhere.
struct NoLongerWanted {};

// A worker at work.
class Worker {
 public:
  Worker(const CountPlan& plan, uint32_t index)
      : plan_(plan),
        index_(index),
        queue_(plan.control->queue()),
        report_(plan.control->report(index)),
        table_(plan.tables[index]) {}

  bool Run();

 private:
  std::optional<Position> ReadingAt() const;
  void OpenStreamOf(uint32_t input);
  void FillBlock(uint32_t block);
  void StopReading(std::optional<uint32_t> unused_block);
  void NoteInputFailure(Position position, std::string_view message);
  bool CountChunk(uint64_t number);
  uint64_t ParseText(const Chunk& chunk, std::string_view text, CountingSink* sink);
  template <Parser P>
  uint64_t ParseWith(const P& parser, const Chunk& chunk, std::string_view text,
                     CountingSink* sink);

  const CountPlan& plan_;
  const uint32_t index_;
  WorkQueue& queue_;
  WorkerReport& report_;
  CountTable table_;

  std::optional<StreamReader> reader_;
  uint32_t reading_input_ = 0;
  NgramVersion reading_version_ = NgramVersion::kV2;
};

bool Worker::Run() {
  for (;;) {
    const Task task = queue_.Claim(index_, ReadingAt());
    switch (task.kind) {
      case Task::Kind::kCount:
        if (!CountChunk(task.number)) return false;
        break;
      case Task::Kind::kOpenStream:
        OpenStreamOf(static_cast<uint32_t>(task.number));
        break;
      case Task::Kind::kFill:
        FillBlock(static_cast<uint32_t>(task.number));
        break;
      case Task::Kind::kStopReading:
        StopReading(std::nullopt);
        break;
      case Task::Kind::kNone:
        return true;
    }
  }
}

std::optional<Position> Worker::ReadingAt() const {
  if (!reader_) return std::nullopt;
  return Position{.input = reading_input_, .offset = reader_->offset()};
}

void Worker::OpenStreamOf(uint32_t input) {
  reading_input_ = input;
  report_.reading_input = input;
  const auto while_waiting = [this] {
    if (!queue_.IsWanted(*ReadingAt())) throw NoLongerWanted();
  };
  try {
    reader_.emplace(OpenStream(plan_.inputs[input], while_waiting), plan_.inputs[input].name,
                    CutRuleFor(plan_.format.format), plan_.blocks->target_bytes);
  } catch (const Error& error) {
    NoteInputFailure({.input = input, .offset = 0}, error.what());
    StopReading(std::nullopt);
  }
}

void Worker::FillBlock(uint32_t block) {
  char* const text = plan_.blocks->block(block);
  StreamReader::Filled filled;
  try {
    filled = reader_->Fill({text, plan_.blocks->capacity_bytes});
  } catch (const Error& error) {
    NoteInputFailure(*ReadingAt(), error.what());
    return StopReading(block);
  } catch (const NoLongerWanted&) {
    return StopReading(block);
  }
  if (filled.size_bytes == 0) return StopReading(block);
  if (filled.begin == 0 && plan_.format.format == Format::kNgram) {
    reading_version_ = DetectNgramVersion({text, filled.size_bytes});
  }
  const bool published = queue_.Publish({.begin = filled.begin,
                                         .end = filled.begin + filled.size_bytes,
                                         .file_bytes = filled.file_bytes,
                                         .input = reading_input_,
                                         .ngram_version = reading_version_,
                                         .block = block});
  if (!published) {
    NoteInputFailure(*ReadingAt(),
                     fmt::format("{}: more chunks than a run can have; use a larger "
                                 "--chunk-size",
                                 EscapeForMessage(plan_.inputs[reading_input_].name)));
    StopReading(block);
  }
}

void Worker::StopReading(std::optional<uint32_t> unused_block) {
  reader_.reset();
  report_.reading_input = WorkerReport::kNoInput;
  queue_.CloseStream(unused_block);
}

void Worker::NoteInputFailure(Position position, std::string_view message) {
  if (position < report_.input_failure.position) {
    report_.input_failure.position = position;
    report_.input_failure.message.Set(message);
  }
  queue_.FailAt(position);
}

bool Worker::CountChunk(uint64_t number) {
  const Chunk chunk = queue_.ledger()[number];
  const char* const begin = chunk.block == kNoBlock
                                ? plan_.inputs[chunk.input].text->data() + chunk.begin
                                : plan_.blocks->block(chunk.block);
  CountingSink sink(plan_, number, chunk, begin, &table_, &report_);
  const uint64_t lines = ParseText(chunk, {begin, chunk.size_bytes()}, &sink);
  sink.Finish();
  queue_.Finish(number, lines);
  plan_.control->AddProgress(index_, {.chunks = 1,
                                      .text_bytes = chunk.size_bytes(),
                                      .file_bytes = chunk.file_bytes,
                                      .records = sink.records()});
  return !sink.failed();
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
  if (chunk.block == kNoBlock) PopulatePages(text);
  return parser.Parse(text, *sink);
}

}  // namespace

bool RunWorker(const CountPlan& plan, uint32_t worker) noexcept {
  WorkerReport& report = plan.control->report(worker);
  try {
    return Worker(plan, worker).Run();
  } catch (const std::bad_alloc&) {
    report.fatal.Set("out of memory");
  } catch (const std::exception& error) {
    report.fatal.Set(error.what());
  } catch (...) {
    report.fatal.Set("an unknown exception");
  }
  return false;
}

}  // namespace tally
