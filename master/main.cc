// The program `tally`: parse, run, and say what went wrong.
#include <fcntl.h>
#include <unistd.h>

#include <exception>
#include <new>
#include <span>

#include "common/error.h"
#include "master/cli.h"
#include "master/count_job.h"
#include "master/executor.h"
#include "master/messages.h"
#include "master/output_file.h"
#include "master/signals.h"

namespace tally {
namespace {

// A standard stream that the program was started without (`>&-`) becomes /dev/null opened the wrong
// way round, so that using it fails. Else the next file to be opened would take its number, and
// what is meant for the stream.
void OccupyStandardStreams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

int Print(const PrintAndExit& request) {
  if (request.exit_status == kExitDone) {
    OutputFile out;
    out.Write(request.text);
    out.Commit();
  } else {
    SayAsIs(request.text);
  }
  return request.exit_status;
}

int Run(std::span<const char* const> arguments) {
  OccupyStandardStreams();
  NoteStopSignals();
  const CommandLine command = ParseCommandLine(arguments, isatty(STDIN_FILENO) == 1);
  if (const auto* request = std::get_if<PrintAndExit>(&command)) return Print(*request);
  const auto& options = std::get<CountOptions>(command);
  RunCount(options, MakeExecutor(options.mode).get());
  return kExitDone;
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
  } catch (const tally::UsageError& error) {
    return tally::Complain(error.what(), tally::kExitUsage);
  } catch (const tally::Error& error) {
    return tally::Complain(error.what(), tally::kExitFailed);
  } catch (const tally::Interrupted& stop) {
    tally::DieBySignal(stop.signal_number());
  } catch (const std::bad_alloc&) {
    return tally::Complain("out of memory; use fewer workers (-j) or raise the limit (ulimit -v)",
                           tally::kExitFailed);
  } catch (const std::exception& error) {
    return tally::Complain(error.what(), tally::kExitInternal);
  }
}
