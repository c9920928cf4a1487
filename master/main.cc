// The program `tally`: parse, run, and say what went wrong.
#include <unistd.h>

#include <exception>
#include <new>
#include <span>
#include <variant>

#include "common/error.h"
#include "common/fault_point.h"
#include "master/command_line.h"
#include "master/compare/compare_job.h"
#include "master/count_job.h"
#include "master/messages.h"
#include "master/output_file.h"
#include "master/race/race_job.h"
#include "master/signals.h"

namespace tally {
namespace {

int RunCommand(const CountOptions& options) {
  RunCount(options, MakeExecutor(options.mode).get());
  return kExitDone;
}

int RunCommand(const RaceOptions& options) {
  RunRace(options);
  return kExitDone;
}

int RunCommand(const CompareOptions& options) {
  return compare::RunCompare(options) ? kExitDone : kExitFailed;
}

int RunCommand(const PrintAndExit& request) {
  request.exit_status == kExitDone ? Print(request.text) : SayAsIs(request.text);
  return request.exit_status;
}

int Run(std::span<const char* const> arguments) {
  OccupyStandardStreams();
  NoteStopSignals();
  TALLY_SET_UP_FAULTS();
  return std::visit([](const auto& command) { return RunCommand(command); },
                    ParseCommandLine(arguments, isatty(STDIN_FILENO) == 1));
}

int Complain(const char* message, int exit_status) {
  Say(message);
  return exit_status;
}

}  // namespace
}  // namespace tally

int main(int argc, char** argv) {
  try {
    return tally::Run(std::span<const char* const>(argv, static_cast<size_t>(argc)).subspan(1));
  } catch (const tally::Error& error) {
    return tally::Complain(error.what(), error.exit_status());
  } catch (const tally::Interrupted& stop) {
    tally::DieBySignal(stop.signal_number());
  } catch (const std::bad_alloc&) {
    return tally::Complain("out of memory; use fewer workers (-j) or raise the limit (ulimit -v)",
                           tally::kExitMemory);
  } catch (const std::exception& error) {
    return tally::Complain(error.what(), tally::kExitInternal);
  }
}
