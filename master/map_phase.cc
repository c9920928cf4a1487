#include "master/map_phase.h"

#include <fmt/format.h>

#include "common/error.h"
#include "common/escape.h"
#include "common/fault_point.h"
#include "common/heartbeat.h"
#include "master/signals.h"

namespace tally {
MapPhase::MapPhase(const Setup& setup)
    : setup_(setup),
      control_(*setup.plan.control),
      feeder_(setup.plan),
      watch_(setup.workers, setup.stall_timeout) {}

std::vector<WorkerOutcome> MapPhase::Run(Executor* executor) {
  const Supervision supervision{
      .on_tick =
          [this] {
            TALLY_FAULT_POINT("tick");
            setup_.supervisor->NoteKills();
            setup_.progress->Show(CurrentProgress());
          },
      .ask_to_stop = [this] { AskToStop(); },
      .on_end = [this](uint32_t worker, const WorkerOutcome& end) { return OnEnd(worker, end); },
      .is_hung = [this](uint32_t worker,
                        pid_t) { return watch_.IsHung(worker, control_.pulse(worker)->beats); },
      .on_too_few =
          [this](uint32_t started, int error) {
            setup_.progress->Erase();
            setup_.supervisor->OnTooFew(started, setup_.workers, error);
          },
      .heirs = this,
      .feeder = &feeder_};
  // It takes a twentieth of a run on a small file, whose only worker may begin meanwhile. Of
  // several, some would run for long before the last one is started.
  if (setup_.workers > 1) setup_.supervisor->NoteKills();
  auto outcomes = executor->Run(
      setup_.workers, [this](uint32_t worker) { return RunBody(worker); }, supervision);
  ProgressState done = CurrentProgress();
  done.more_chunks = false;
  setup_.progress->Finish(done);
  return outcomes;
}

bool MapPhase::RunBody(uint32_t worker) const {
  if (setup_.workers_are_processes) {
    setup_.bus_errors->LeaveToMaster(&control_.report(worker).page_failure);
  }
  return RunWorker(setup_.plan, worker);
}

Next MapPhase::OnEnd(uint32_t worker, const WorkerOutcome& outcome) {
  if (outcome.succeeded && control_.queue().workers()[worker].finished) return Next::kGoOn;
  if (outcome.signal_number == 0 && !control_.report(worker).fatal.empty()) return Next::kStop;
  // It may be the fault of a file that changed under it.
  setup_.check_inputs();
  ThrowIfUnreadable(control_.report(worker).page_failure);
  setup_.progress->Erase();
  watch_.StartOver(worker);
  return setup_.supervisor->OnDeath(worker, outcome, Describe(worker));
}

void MapPhase::ThrowIfUnreadable(const PageFailure& failure) const {
  if (failure.error == 0) return;
  const Error reason =
      SystemError(setup_.plan.inputs[failure.input].name,
                  fmt::format("cannot be read at byte {}", failure.file_offset), failure.error);
  throw Error(fmt::format("{}; nothing was written", reason.what()));
}

LastWork MapPhase::Describe(uint32_t worker) const {
  const WorkQueue& queue = control_.queue();
  const WorkerState& state = queue.workers()[worker];
  LastWork work{.doing = "it was between two chunks"};
  uint64_t lost_chunks = 0;
  uint64_t lost_bytes = 0;
  const auto ledger = queue.ledger();
  for (size_t number = 0; number < ledger.size(); ++number) {
    const Chunk& chunk = ledger[number];
    if (chunk.owner != worker) continue;
    if (chunk.done != 0) ++work.progress;
    if (queue.IsSaved(chunk)) continue;
    ++lost_chunks;
    lost_bytes += chunk.size_bytes();
    if (chunk.done != 0) continue;
    work.piece = fmt::format("chunk {}", number + 1);
    const Input& input = setup_.plan.inputs[chunk.input];
    work.doing =
        fmt::format("counting {} ({}, bytes {} to {}{})", work.piece, EscapeForMessage(input.name),
                    chunk.begin, chunk.end, input.gzip ? ", decompressed" : "");
  }
  if (work.piece.empty() && state.stream != WorkerState::kNoStream) {
    const Stream& stream = queue.streams()[state.stream];
    work.doing = fmt::format("reading {}", EscapeForMessage(setup_.plan.inputs[stream.input].name));
    work.piece = fmt::format("{} at {}", work.doing, stream.published);
  }
  for (uint32_t dead = 0; dead < setup_.workers && work.piece.empty(); ++dead) {
    const WorkerState& other = queue.workers()[dead];
    if (!other.left_to_others || other.inherited || other.heir != worker) continue;
    work.piece = fmt::format("the work of worker {}", dead + 1);
    work.doing = fmt::format("taking over {}", work.piece);
  }
  if (lost_chunks > 0) {
    work.again = fmt::format(
        "{} chunk{} ({}) {} to be counted again", lost_chunks, lost_chunks == 1 ? "" : "s",
        FormatBytes(static_cast<double>(lost_bytes)), lost_chunks == 1 ? "has" : "have");
  }
  return work;
}

void MapPhase::Appoint(uint32_t worker, int error) {
  setup_.progress->Erase();
  setup_.supervisor->OnNoSuccessor(worker, error);
  control_.queue().LeaveToOthers(worker);
}

bool MapPhase::AreDone(uint32_t worker) { return control_.queue().workers()[worker].inherited; }

void MapPhase::Dismiss(uint32_t worker) { control_.queue().TakeBack(worker); }

void MapPhase::AskToStop() {
  setup_.progress->Erase();
  control_.queue().Stop();
  // Threads that do not end soon take the process with them: there may be no other chance.
  if (StopSignal() != 0) setup_.on_stop_signal(StopSignal());
}

ProgressState MapPhase::CurrentProgress() const {
  const WorkDone done = control_.progress();
  return {.chunks_done = done.chunks,
          .chunks_known = control_.queue().chunks_known(),
          .more_chunks = !control_.queue().streams().empty(),
          .bytes_done = done.file_bytes,
          .bytes_total = setup_.input_bytes};
}

}  // namespace tally
