#include "master/count_job.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/interprocess/mapped_region.hpp>
#include <chrono>
#include <random>
#include <unordered_set>

#include "common/control_block.h"
#include "common/count_table.h"
#include "common/error.h"
#include "common/escape.h"
#include "master/bus_error.h"
#include "master/cpu_count.h"
#include "master/foreign_format.h"
#include "master/input_findings.h"
#include "master/input_opener.h"
#include "master/memory_plan.h"
#include "master/merger.h"
#include "master/messages.h"
#include "master/output.h"
#include "master/output_file.h"
#include "master/progress_line.h"
#include "master/signals.h"
#include "master/splitter.h"
#include "master/stats.h"
#include "master/worker_failure.h"
#include "worker/ngram_parser.h"
#include "worker/worker.h"

namespace tally {
namespace {

// Since the last call.
class Stopwatch {
 public:
  double LapMs() {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double, std::milli> lap = now - last_;
    last_ = now;
    return lap.count();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// A status line would be drawn over what a person types.
ProgressMode ProgressFor(const CountOptions& options) {
  const bool typed =
      isatty(STDIN_FILENO) == 1 &&
      std::find(options.files.begin(), options.files.end(), "-") != options.files.end();
  return typed && options.progress == ProgressMode::kAuto ? ProgressMode::kNever : options.progress;
}

class CountJob {
 public:
  CountJob(const CountOptions& options, Executor* executor)
      : options_(options), executor_(executor), progress_(ProgressFor(options)) {}

  void Run() {
    OpenAndPlan();
    Allocate();
    stats_.plan_ms = stopwatch_.LapMs();

    Map();
    stats_.map_ms = stopwatch_.LapMs();
    CheckInputs();

    Merge();
    stats_.merge_ms = stopwatch_.LapMs();

    Write();
    stats_.output_ms = stopwatch_.LapMs();
    WriteStats();
  }

 private:
  void OpenAndPlan();
  Format DetectFormat();
  void WarnOfForeignFormats();
  void CheckOutputs() const;
  void RefuseToOverwriteInputs() const;
  void Allocate();
  bool IsAlone() const { return workers_ == 1 || options_.mode == ExecutionMode::kSerial; }
  RaceWindow Window() const;
  void Map();
  ProgressState CurrentProgress() const;
  std::string DescribeWork(uint32_t worker) const;
  void NotePeakMemory(std::span<const WorkerOutcome> outcomes);
  void CheckInputs();
  void SayWhatWasLost(uint64_t updates) const;
  void Merge();
  void ThrowIfOverflowed() const;
  void Write();
  std::vector<Row> AbsentRows(const RowOrder& order) const;
  void WriteStats();

  const CountOptions& options_;
  Executor* executor_;
  Stopwatch stopwatch_;
  RunStats stats_;
  ProgressLine progress_;

  uint32_t workers_ = 1;
  FormatOptions format_;
  std::vector<Input> inputs_;
  std::vector<uint32_t> streams_;  // the inputs that are streams
  std::vector<Chunk> mapped_chunks_;
  std::optional<BusErrorReport> bus_errors_;  // while this process may touch the mapped inputs
  std::optional<uint64_t> input_bytes_;       // of the files; none where a pipe is among them

  boost::interprocess::mapped_region control_region_;
  ControlBlock* control_ = nullptr;
  SharedRegion ledger_;
  std::vector<SharedRegion> table_regions_;
  std::vector<char*> tables_;
  BlockPool blocks_;

  MergedTables merged_;
};

void CountJob::OpenAndPlan() {
  workers_ = options_.workers.value_or(UsableCpuCount());
  CheckReadable(options_.files);
  CheckOutputs();
  progress_.Show({.more_chunks = true, .note = "opening the inputs"});
  inputs_ = OpenInputs(options_.files, [this](const std::string& name) {
    ThrowIfStopped();
    progress_.Show({.more_chunks = true, .note = "waiting for " + name});
  });
  bus_errors_.emplace(inputs_, options_.files);
  if (!options_.quiet) WarnOfForeignFormats();
  format_ = ResolveFormat(options_, options_.format ? *options_.format : DetectFormat());
  mapped_chunks_ = SplitIntoChunks(inputs_, format_.format, options_.chunk_size_bytes);
  input_bytes_ = 0;
  for (uint32_t input = 0; input < inputs_.size(); ++input) {
    if (inputs_[input].is_stream()) streams_.push_back(input);
    if (!inputs_[input].size_known) input_bytes_.reset();
    if (input_bytes_) *input_bytes_ += inputs_[input].file_bytes;
  }
  stats_.format = FormatName(format_.format);
  stats_.mode = std::string(executor_->name());
  stats_.workers = workers_;
  stats_.unsafe = options_.unsafe;
}

Format CountJob::DetectFormat() {
  for (const Input& input : inputs_) {
    const std::optional<std::string> line = FirstLine(input);
    if (!line) continue;
    const bool is_ngram = ClassifyNgramLine(*line).has_value();
    const Format format = is_ngram ? Format::kNgram : Format::kWords;
    if (!options_.quiet) {
      progress_.Erase();
      Say(fmt::format("counting {} (by the first line of {}; -f chooses another format)",
                      is_ngram ? "n-grams" : "words", EscapeForMessage(input.name)));
    }
    return format;
  }
  // Nothing to count: no option is out of place.
  if (options_.years || options_.tags) return Format::kNgram;
  if (options_.delimiter || options_.key_column || options_.value_column) return Format::kColumns;
  return Format::kWords;
}

// Not an error: any bytes can be counted, and somebody may want to. Once is enough: such files come
// by the dozen.
void CountJob::WarnOfForeignFormats() {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const auto format = RecognizeForeignFormat(FirstBytes(inputs_[i], kForeignFormatBytes));
    if (format.name.empty()) continue;
    const std::string& path = options_.files[i];
    progress_.Erase();
    Say(
        fmt::format("{}: looks like {} data, but its bytes are counted as they are; to count the "
                    "text in it: {}{} | tally count",
                    EscapeForMessage(inputs_[i].name), format.name, format.converter,
                    path == "-" ? "" : " " + EscapeForMessage(path)));
    return;
  }
}

void CountJob::CheckOutputs() const {
  RefuseToOverwriteInputs();
  if (options_.output_path.empty()) {
    const OutputFile standard_output;  // throws where it is closed
  } else {
    OutputFile::CheckTarget(options_.output_path);
  }
  if (options_.stats_path.empty()) return;
  OutputFile::CheckTarget(options_.stats_path);
  const auto output = RegularFileId(STDOUT_FILENO);
  if (options_.output_path.empty() && output && output == RegularFileId(options_.stats_path)) {
    throw UsageError(fmt::format("--stats names the file that the counts go to, {}; name another",
                                 EscapeForMessage(options_.stats_path)));
  }
}

void CountJob::RefuseToOverwriteInputs() const {
  if (options_.output_path.empty()) {
    RefuseToOverwrite(RegularFileId(STDOUT_FILENO), "standard output", options_.files);
  } else {
    RefuseToOverwrite(options_.output_path, options_.files);
  }
  if (!options_.stats_path.empty()) RefuseToOverwrite(options_.stats_path, options_.files);
}

void CountJob::Allocate() {
  const MemoryLimits limits = MemoryLimits::OfThisProcess();
  blocks_ = ReserveBlocks(workers_, inputs_, options_.chunk_size_bytes, limits);
  ledger_ = ReserveLedger(mapped_chunks_, inputs_, limits);
  const std::span<Chunk> ledger(reinterpret_cast<Chunk*>(ledger_.data()),
                                ledger_.size_bytes() / sizeof(Chunk));
  control_region_ = MapControlRegion(workers_);
  control_ = ControlBlock::Create(
      control_region_.get_address(), workers_, {.unsafe = options_.unsafe, .window = Window()},
      ledger, mapped_chunks_.size(), std::span<const uint32_t>(streams_), BlockCount(workers_));
  table_regions_ = ReserveTables(workers_, inputs_, MemoryLimits::OfThisProcess());
  // A seed of each run's own: nobody can prepare a file whose keys all collide.
  std::random_device entropy;
  const uint64_t seed = uint64_t{entropy()} << 32 | entropy();
  for (const SharedRegion& region : table_regions_) {
    CountTable::Create(region.data(), region.size_bytes(), seed);
    tables_.push_back(region.data());
  }
}

// Where nobody can slip in, there is no point in waiting for it.
RaceWindow CountJob::Window() const {
  return IsAlone() ? RaceWindow::None() : options_.race_window.value_or(RaceWindow::Yield());
}

void CountJob::Map() {
  const CountPlan plan{.format = format_,
                       .skip_malformed = options_.skip_malformed,
                       .inputs = inputs_,
                       .control = control_,
                       .tables = tables_,
                       .blocks = &blocks_};
  const auto outcomes = executor_->Run(
      workers_, [&plan](uint32_t worker) { return RunWorker(plan, worker); },
      [this] { progress_.Show(CurrentProgress()); },
      [this] {
        progress_.Erase();  // the end may come without another chance
        control_->queue().FailAt(kStartOfInputs);
      });
  bus_errors_.reset();
  ProgressState done = CurrentProgress();
  done.more_chunks = false;
  progress_.Finish(done);

  // First: what went wrong may be the fault of a file that changed under the workers.
  ThrowIfChanged(inputs_, options_.files);
  for (const WorkerReport& report : control_->reports()) {
    if (!report.fatal.empty()) throw Error(std::string(report.fatal.view()));
  }
  ThrowIfWorkerDied(
      outcomes, [this](uint32_t worker) { return DescribeWork(worker) + "; nothing was written"; });
  NotePeakMemory(outcomes);
}

ProgressState CountJob::CurrentProgress() const {
  const WorkDone done = control_->progress();
  return {.chunks_done = done.chunks,
          .chunks_known = control_->queue().chunks_known(),
          .more_chunks = !streams_.empty(),
          .bytes_done = done.file_bytes,
          .bytes_total = input_bytes_};
}

std::string CountJob::DescribeWork(uint32_t worker) const {
  const std::span<const Chunk> ledger = control_->queue().ledger();
  for (size_t number = 0; number < ledger.size(); ++number) {
    const Chunk& chunk = ledger[number];
    if (chunk.owner != worker || chunk.done) continue;
    return fmt::format("counting chunk {} ({}, bytes {} to {})", number + 1,
                       EscapeForMessage(inputs_[chunk.input].name), chunk.begin, chunk.end);
  }
  const uint32_t input = control_->reports()[worker].reading_input;
  if (input == WorkerReport::kNoInput) return "it was between two chunks";
  return fmt::format("reading {}", EscapeForMessage(inputs_[input].name));
}

void CountJob::NotePeakMemory(std::span<const WorkerOutcome> outcomes) {
  for (size_t worker = 0; worker < outcomes.size(); ++worker) {
    if (outcomes[worker].pid == 0) return;  // it shares this process's memory
    if (worker >= stats_.worker_peak_rss_kb.size()) stats_.worker_peak_rss_kb.push_back(0);
    long& peak = stats_.worker_peak_rss_kb[worker];
    peak = std::max(peak, outcomes[worker].usage.ru_maxrss);
  }
}

void CountJob::CheckInputs() {
  const InputFindings findings(*control_, inputs_);
  findings.ThrowFirstFailure(options_.skip_malformed);
  stats_.malformed = findings.malformed();
  const WorkDone done = control_->work_done();
  if (!options_.quiet) findings.SaySkipped(done.records);
  stats_.chunks = control_->queue().chunks_known();
  stats_.chunks_done = control_->progress().chunks;
  stats_.updates_lost = done.chunks - stats_.chunks_done;
  if (options_.unsafe && !options_.quiet) SayWhatWasLost(done.chunks);
  stats_.bytes = done.text_bytes;
  stats_.records = done.records;
}

void CountJob::SayWhatWasLost(uint64_t updates) const {
  const std::string lost = fmt::format(
      "--unsafe: {} of {} updates of the progress counter were lost", stats_.updates_lost, updates);
  if (IsAlone()) return Say(lost + ": one worker alone has nobody to race with; use more (-j)");
  const bool yields = Window() == RaceWindow::Yield();
  const std::string limit =
      yields ? fmt::format(" of up to {} ms", RaceWindow::kMostWaiting.count()) : "";
  Say(fmt::format(
      "{}, with {}{} between load and store (--race-window). The counts are right all the same: "
      "each worker counts into a table that nobody else writes.",
      lost, Window().Describe(), limit));
}

void CountJob::Merge() {
  merged_ = MergeTables(tables_,
                        {.sort = options_.sort,
                         .min_count = options_.min_count,
                         .top = options_.top,
                         .find = options_.find},
                        executor_, workers_);
  ThrowIfOverflowed();
  NotePeakMemory(merged_.outcomes);
  stats_.distinct = merged_.distinct;
  stats_.total = merged_.total;
}

// A key whose total does not fit passes the limit in a worker's table or in the merge, as chance
// has it; of all such keys the first is named.
void CountJob::ThrowIfOverflowed() const {
  OverflowedKey first = merged_.overflowed;
  for (const WorkerReport& report : control_->reports()) first.Note(report.overflowed.view());
  if (first.found()) throw OverflowError(first.view());
}

void CountJob::Write() {
  const RowOrder order(options_.sort);
  const std::vector<Row> absent = AbsentRows(order);
  merged_.runs.emplace_back(absent);

  auto file = options_.output_path.empty() ? std::make_unique<OutputFile>()
                                           : std::make_unique<OutputFile>(options_.output_path);
  const auto writer = MakeRowWriter({.format = options_.output_format,
                                     .header = options_.header,
                                     .escape_controls = file->IsTerminal()},
                                    file.get());
  VisitInOrder(std::move(merged_.runs), order,
               options_.top.value_or(merged_.distinct + absent.size()),
               [&writer](std::string_view key, uint64_t count) { writer->Row(key, count); });
  writer->Finish();
  file->Commit();
  stats_.keys_not_utf8 = writer->keys_replaced();
}

// Rows for the keys to --find that do not occur.
std::vector<Row> CountJob::AbsentRows(const RowOrder& order) const {
  std::vector<Row> absent;
  if (options_.find.empty() || options_.min_count > 0) return absent;
  std::unordered_set<std::string_view> missing(options_.find.begin(), options_.find.end());
  for (const auto& run : merged_.runs) {
    for (const Row& row : run) missing.erase(row.key_view());
  }
  for (const std::string_view key : missing) absent.push_back(order.MakeRow(key, 0));
  std::sort(absent.begin(), absent.end(), order);
  return absent;
}

void CountJob::WriteStats() {
  if (options_.stats_path.empty()) return;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  stats_.master_peak_rss_kb = usage.ru_maxrss;
  OutputFile file(options_.stats_path, Durability::kNotSynced);
  file.Write(FormatStats(stats_));
  file.Commit();
}

}  // namespace

void RunCount(const CountOptions& options, Executor* executor) {
  CountJob(options, executor).Run();
}

}  // namespace tally
