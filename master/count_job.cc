#include "master/count_job.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iterator>
#include <utility>

#include "common/control_block.h"
#include "common/error.h"
#include "common/escape.h"
#include "common/fault_point.h"
#include "master/books.h"
#include "master/bus_error.h"
#include "master/calling_executor.h"
#include "master/count_output.h"
#include "master/cpu_count.h"
#include "master/fatal_signal.h"
#include "master/input_findings.h"
#include "master/input_opener.h"
#include "master/input_warnings.h"
#include "master/map_phase.h"
#include "master/memory_limit.h"
#include "master/merger.h"
#include "master/messages.h"
#include "master/output_file.h"
#include "master/progress_line.h"
#include "master/run_memory.h"
#include "master/signals.h"
#include "master/splitter.h"
#include "master/stats.h"
#include "master/worker_failure.h"
#include "master/worker_supervisor.h"
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

    phase_ = Phase::kMap;
    TALLY_FAULT_POINT("before-map");
    Map();
    stats_.map_ms = stopwatch_.LapMs();
    CheckInputs();
    CheckBooks();

    phase_ = Phase::kMerge;
    TALLY_FAULT_POINT("before-merging");
    Merge();
    stats_.merge_ms = stopwatch_.LapMs();
    fatal_signals_.reset();

    phase_ = Phase::kWrite;
    TALLY_FAULT_POINT("before-write");
    stats_.keys_not_utf8 = WriteCounts(options_, merged_, workers_);
    stats_.output_ms = stopwatch_.LapMs();

    phase_ = Phase::kEnd;
    TALLY_FAULT_POINT("before-stats");
    WriteStats();
    GiveMemoryBack();
  }

  /// How far it was, once.
  void SayStopped(int signal_number);

 private:
  void OpenAndPlan();
  Format DetectFormat();
  void SayUnlessEmpty(const std::string& text);
  void Allocate();
  bool IsAlone() const { return counting_workers_ == 1; }
  RaceWindow Window() const;
  void Map();
  void NotePeakMemory(std::span<const WorkerOutcome> outcomes);
  void CheckInputs();
  void CheckBooks() const;
  void SayWhatWasLost(uint64_t updates) const;
  void Merge();
  Executor* ExecutorOfMerge();
  void ThrowIfOverflowed() const;
  void WriteStats();
  void GiveMemoryBack();

  enum class Phase { kPlan, kMap, kMerge, kWrite, kEnd };
  std::string HowFar() const;

  const CountOptions& options_;
  Executor* executor_;
  CallingExecutor calling_executor_;
  Phase phase_ = Phase::kPlan;
  bool said_stopped_ = false;
  Stopwatch stopwatch_;
  RunStats stats_;
  ProgressLine progress_;

  uint32_t workers_ = 1;           // at most, in each phase
  uint32_t counting_workers_ = 1;  // no more than there are chunks
  FormatOptions format_;
  const Input* format_is_of_ = nullptr;  // whose first line has decided; none where -f has
  std::vector<Input> inputs_;
  std::vector<Chunk> mapped_chunks_;
  std::optional<FatalSignalReport> fatal_signals_;  // until something is written
  std::optional<BusErrorReport> bus_errors_;        // while anybody may touch the mapped inputs
  std::optional<uint64_t> input_bytes_;             // of the files; none where a pipe is among them

  MemoryLimit memory_limit_;
  std::optional<RunMemory> memory_;
  ControlBlock* control_ = nullptr;  // in it
  std::optional<WorkerSupervisor> supervisor_;
  InputFailure feeder_failure_;

  MergedTables merged_;
};

void CountJob::OpenAndPlan() {
  if (options_.mode != ExecutionMode::kProcess) fatal_signals_.emplace();
  workers_ = options_.workers ? *options_.workers : UsableCpuCount();
  if (options_.mode == ExecutionMode::kSerial) workers_ = 1;  // it does what all of them would
  CheckReadable(options_.files);
  CheckOutputs(options_);
  progress_.Show({.more_chunks = true, .note = "opening the inputs"});
  inputs_ = OpenInputs(options_.files, [this](const std::string& name) {
    ThrowIfStopped();
    progress_.Show({.more_chunks = true, .note = "waiting for " + name});
  });
  bus_errors_.emplace(inputs_, options_.files);
  if (options_.warnings) SayUnlessEmpty(WarningOfForeignFormat(inputs_, options_.files));
  if (!options_.quiet) SayUnlessEmpty(NoteOfUnmapped(inputs_));
  format_ = ResolveFormat(options_, options_.format ? *options_.format : DetectFormat());
  mapped_chunks_ = SplitIntoChunks(inputs_, format_.format, options_.chunk_size_bytes);
  counting_workers_ = workers_;
  if (std::ranges::none_of(inputs_, &Input::is_stream)) {
    // More would find nothing to do, and to start one takes longer than to count a small file.
    const size_t most = std::max<size_t>(1, mapped_chunks_.size());
    counting_workers_ = static_cast<uint32_t>(std::min<size_t>(workers_, most));
  }
  input_bytes_ = 0;
  for (const Input& input : inputs_) {
    if (!input.size_known) input_bytes_.reset();
    if (input_bytes_) *input_bytes_ += input.file_bytes;
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
    if (!is_ngram && options_.warnings) SayUnlessEmpty(WarningOfNgramsBehind(input));
    format_is_of_ = &input;
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

void CountJob::SayUnlessEmpty(const std::string& text) {
  if (text.empty()) return;
  progress_.Erase();
  Say(text);
}

void CountJob::Allocate() {
  memory_limit_ = FindMemoryLimit(options_.memory_bytes);
  memory_.emplace(RunNeeds{.workers = counting_workers_,
                           .inputs = inputs_,
                           .mapped_chunks = mapped_chunks_,
                           .chunk_size_bytes = options_.chunk_size_bytes,
                           .progress = {.unsafe = options_.unsafe, .window = Window()},
                           .workers_may_die = options_.mode == ExecutionMode::kProcess,
                           .memory = memory_limit_});
  control_ = &memory_->control();
  supervisor_.emplace(
      workers_, [](std::string_view message) { Say(message); }, [] { return OutOfMemoryKills(); });
}

// Where nobody can slip in, there is no point in waiting for it.
RaceWindow CountJob::Window() const {
  return IsAlone() ? RaceWindow::None() : options_.race_window.value_or(RaceWindow::Yield());
}

void CountJob::Map() {
  CountPlan plan;
  plan.format = format_;
  plan.skip_malformed = options_.skip_malformed;
  plan.inputs = inputs_;
  plan.input_bytes = input_bytes_;
  memory_->Describe(&plan);
  plan.memory_remedy =
      fmt::format("{}: {}{}", memory_limit_.what,
                  counting_workers_ > 1 ? "use fewer workers (-j), or " : "", memory_limit_.remedy);
  if (memory_->blocks().limit == BlockPool::Limit::kMemory) plan.record_remedy = plan.memory_remedy;
  if (memory_->blocks().limit == BlockPool::Limit::kAddressSpace) {
    plan.record_remedy = fmt::format("address space: {}", AddressSpaceRemedy(counting_workers_));
  }
  MapPhase map({.plan = plan,
                .workers = counting_workers_,
                .workers_are_processes = options_.mode == ExecutionMode::kProcess,
                .input_bytes = input_bytes_,
                .stall_timeout = options_.stall_timeout,
                .check_inputs = [this] { ThrowIfChanged(inputs_, options_.files); },
                .on_stop_signal = [this](int signal_number) { SayStopped(signal_number); },
                .supervisor = &*supervisor_,
                .progress = &progress_,
                .bus_errors = &*bus_errors_});
  const auto outcomes = map.Run(executor_);
  bus_errors_.reset();
  feeder_failure_ = map.feeder_failure();

  // First: what went wrong may be the fault of a file that changed under the workers.
  ThrowIfChanged(inputs_, options_.files);
  for (const WorkerReport& report : control_->reports()) {
    if (!report.fatal.empty()) throw Error(std::string(report.fatal.view()), report.fatal_status);
  }
  ThrowIfWorkerDied(outcomes, [](uint32_t) { return "counting; nothing was written"; });
  if (options_.warnings) SayUnlessEmpty(WarningOfTouched(inputs_, options_.files));
  NotePeakMemory(outcomes);
}

void CountJob::SayStopped(int signal_number) {
  if (std::exchange(said_stopped_, true)) return;
  progress_.Erase();
  ShowIfReady(fmt::format("tally: stopped by SIG{} {}\n", sigabbrev_np(signal_number), HowFar()));
}

std::string CountJob::HowFar() const {
  switch (phase_) {
    case Phase::kPlan:
      return "before anything was counted";
    case Phase::kMap:
      break;
    case Phase::kMerge:
      return "while the tables were merged; nothing was written";
    case Phase::kWrite:
      return options_.output_path.empty() ? "while the counts were written"
                                          : "while the counts were written; the file is as it was";
    case Phase::kEnd:
      return "after the counts were written";
  }
  const auto done = static_cast<double>(control_->progress().file_bytes);
  std::string of_all;
  if (input_bytes_.value_or(0) > 0) {
    const auto all = static_cast<double>(*input_bytes_);
    of_all = fmt::format(" of {} ({:.0f} %)", FormatBytes(all), 100 * done / all);
  }
  return fmt::format("with {}{} counted; nothing was written", FormatBytes(done), of_all);
}

void CountJob::NotePeakMemory(std::span<const WorkerOutcome> outcomes) {
  for (size_t worker = 0; worker < outcomes.size(); ++worker) {
    if (outcomes[worker].pid == 0) continue;  // it shares this process's memory, or did not start
    if (worker >= stats_.worker_peak_rss_kb.size()) stats_.worker_peak_rss_kb.resize(worker + 1);
    long& peak = stats_.worker_peak_rss_kb[worker];
    peak = std::max(peak, outcomes[worker].usage.ru_maxrss);
  }
}

void CountJob::CheckInputs() {
  const InputFindings findings(*control_, inputs_, feeder_failure_, format_is_of_);
  findings.ThrowFirstFailure(options_.skip_malformed);
  stats_.malformed = findings.malformed();
  const WorkDone done = control_->work_done();
  if (!options_.quiet) findings.SayWhichWereSkipped();
  const bool is_doubtful = findings.MostWereSkipped() && options_.warnings;
  if (!options_.quiet || is_doubtful) findings.SaySkipped(format_.format);
  stats_.chunks = control_->queue().chunks_known();
  stats_.chunks_done = control_->progress().chunks;
  stats_.updates_lost = control_->updates_lost();
  if (options_.unsafe && !options_.quiet) SayWhatWasLost(done.chunks);
  stats_.bytes = done.text_bytes;
  stats_.records = done.records;
}

void CountJob::CheckBooks() const {
  CheckThatAllWasCounted(control_->queue(), inputs_);
  CheckShares(control_->queue(), control_->work_done());
}

void CountJob::SayWhatWasLost(uint64_t updates) const {
  const std::string lost = fmt::format(
      "--unsafe: {} of {} updates of the progress counter were lost", stats_.updates_lost, updates);
  if (IsAlone()) {
    return Say(lost +
               ": one worker alone has nobody to race with; use more (-j), and smaller chunks "
               "(--chunk-size) where there is but one");
  }
  const bool yields = Window() == RaceWindow::Yield();
  const std::string limit =
      yields ? fmt::format(" of up to {} ms", RaceWindow::kMostWaiting.count()) : "";
  Say(fmt::format(
      "{}, with {}{} between load and store (--race-window). The counts are right all the same: "
      "each worker counts into a table that nobody else writes.",
      lost, Window().Describe(), limit));
}

void CountJob::Merge() {
  memory_->DropUndoLogs();
  merged_ =
      MergeTables(memory_->tables(),
                  {.sort = options_.sort,
                   .min_count = options_.min_count,
                   .top = options_.top,
                   .find = options_.find},
                  ExecutorOfMerge(), workers_, &*supervisor_,
                  {.stall_timeout = options_.stall_timeout,
                   .on_stop_signal = [this](int signal_number) { SayStopped(signal_number); }});
  ThrowIfOverflowed();
  CheckTotal(control_->queue(), merged_.total);
  NotePeakMemory(merged_.outcomes);
  stats_.distinct = merged_.distinct;
  stats_.total = merged_.total;
}

// What so little text can come to is merged here before a worker would have started, and before a
// stop signal could be waited for.
Executor* CountJob::ExecutorOfMerge() {
  constexpr uint64_t kFewBytes = uint64_t{64} << 10;
  const bool are_processes = options_.mode == ExecutionMode::kProcess;
  return are_processes && stats_.bytes <= kFewBytes ? &calling_executor_ : executor_;
}

// A key whose total does not fit passes the limit in a worker's table or in the merge, as chance
// has it; of all such keys the first is named.
void CountJob::ThrowIfOverflowed() const {
  OverflowedKey first = merged_.overflowed;
  for (const WorkerReport& report : control_->reports()) first.Note(report.overflowed.view());
  if (first.found()) throw OverflowError(first.view());
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

void CountJob::GiveMemoryBack() {
  constexpr uint64_t kManyKeys = 100'000;  // of which a thread is worth its start
  std::vector<SharedRegion> regions = memory_->TakeTables();
  std::ranges::move(merged_.regions, std::back_inserter(regions));
  UnmapAll(regions, stats_.distinct >= kManyKeys ? workers_ : 1);
}

}  // namespace

void RunCount(const CountOptions& options, Executor* executor) {
  CountJob job(options, executor);
  try {
    job.Run();
  } catch (const Interrupted& stop) {
    job.SayStopped(stop.signal_number());
    throw;
  }
}

}  // namespace tally
