#include "master/compare/measured_run.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <memory>
#include <string_view>
#include <utility>

#include "common/error.h"
#include "common/fixed_text.h"
#include "common/shared_value.h"
#include "master/compare/items.h"
#include "master/process_executor.h"
#include "master/signals.h"
#include "master/worker_failure.h"

namespace tally::compare {
namespace {

using Clock = std::chrono::steady_clock;

// What the process of a run tells the master.
struct Report {
  double wall_ms = 0;
  uint64_t peak_memory_kb = 0;
  FixedText<512> result;
  uint32_t error_count = 0;
  std::array<FixedText<768>, kItems + 1> errors;

  void NoteError(std::string_view error) {
    if (error_count < errors.size()) errors[error_count++].Set(error);
  }
};

// Passes everything on, and notes how much memory the workers took.
class MemoryMeter : public Executor {
 public:
  explicit MemoryMeter(ExecutionMode mode) : executor_(MakeExecutor(mode)) {}

  std::vector<WorkerOutcome> Run(uint32_t workers, const Body& body,
                                 const Supervision& supervision = {}) override {
    auto outcomes = executor_->Run(workers, body, supervision);
    uint64_t sum_kb = 0;
    for (const WorkerOutcome& outcome : outcomes) {
      sum_kb += static_cast<uint64_t>(outcome.usage.ru_maxrss);
    }
    peak_kb_ = std::max(peak_kb_, sum_kb);
    return outcomes;
  }
  std::string_view name() const override { return executor_->name(); }

  uint64_t peak_kb() const { return peak_kb_; }

 private:
  std::unique_ptr<Executor> executor_;
  uint64_t peak_kb_ = 0;
};

uint64_t OwnPeakKb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss);
}

double Milliseconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
}

// In the process of the run.
void RunAndReport(const Task& task, ExecutionMode mode, uint32_t workers, const OnItem& on_item,
                  Report* report) {
  NoteStopSignals();
  try {
    MemoryMeter executor(mode);
    const auto begin = Clock::now();
    const Result result =
        task.run({.mode = mode, .workers = workers, .executor = &executor, .on_item = on_item});
    report->wall_ms = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
    report->peak_memory_kb = OwnPeakKb() + executor.peak_kb();
    report->result.Set(result.text);
    for (const std::string& error : result.errors) report->NoteError(error);
  } catch (const Interrupted& stop) {
    DieBySignal(stop.signal_number());
  } catch (const std::exception& error) {
    report->NoteError(error.what());
  }
}

Measurement Collect(const Report& report, const rusage& usage) {
  Measurement measured{.wall_ms = report.wall_ms,
                       .user_ms = Milliseconds(usage.ru_utime),
                       .system_ms = Milliseconds(usage.ru_stime),
                       .context_switches = static_cast<uint64_t>(usage.ru_nvcsw + usage.ru_nivcsw),
                       .peak_memory_kb = report.peak_memory_kb,
                       .result = std::string(report.result.view()),
                       .errors = {}};
  for (uint32_t i = 0; i < report.error_count; ++i) {
    measured.errors.emplace_back(report.errors[i].view());
  }
  return measured;
}

// Thrown out of a tick: the executor then ends the run.
struct HitDeadline {};

// Where a run's process is killed, its workers are, too, by the kernel. While one of these lives,
// they become this process's to wait for; its end is theirs.
class Orphanage {
 public:
  Orphanage() { prctl(PR_SET_CHILD_SUBREAPER, 1); }
  ~Orphanage() {
    while (waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
    }
    prctl(PR_SET_CHILD_SUBREAPER, 0);
  }
  Orphanage(const Orphanage&) = delete;
  Orphanage& operator=(const Orphanage&) = delete;
};

Measurement Failed(std::string error) {
  Measurement measured;
  measured.errors.push_back(std::move(error));
  return measured;
}

}  // namespace

Measurement MeasureRun(const Task& task, ExecutionMode mode, uint32_t workers,
                       const OnItem& on_item, const std::function<void()>& on_tick) {
  const Orphanage orphanage;
  const auto begin = Clock::now();
  try {
    const SharedValue<Report> report;
    const auto outcomes = ProcessExecutor().Run(
        /*workers=*/1,
        [&](uint32_t) {
          RunAndReport(task, mode, workers, on_item, &*report);
          return true;
        },
        {.on_tick = [&] {
          on_tick();
          if (Clock::now() - begin >= task.deadline) throw HitDeadline();
        }});
    if (!outcomes[0].succeeded) report->NoteError("its process " + DescribeEnd(outcomes[0]));
    return Collect(*report, outcomes[0].usage);
  } catch (const HitDeadline&) {
    return Failed(fmt::format("hit its deadline of {:g} s, which stopped it",
                              std::chrono::duration<double>(task.deadline).count()));
  } catch (const Error& error) {
    return Failed(error.what());  // no memory, no process
  }
}

}  // namespace tally::compare
