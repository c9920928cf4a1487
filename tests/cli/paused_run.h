// Runs that a test stops at a certain state, to do something to them there.
#ifndef TALLY_TESTS_CLI_PAUSED_RUN_H_
#define TALLY_TESTS_CLI_PAUSED_RUN_H_

#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "tests/cli/run_tally.h"

namespace tally {

/// Runs that wait for a standard input which the test holds open.
class PausedRunCliTest : public CliTest {
 protected:
  /// With a standard input that the test holds open, and signals left to the kernel where a
  /// sanitizer would turn them into an exit status.
  Command Waiting(std::vector<std::string> arguments) const {
    Command command = TallyCommand(std::move(arguments), {Stdin::Kind::kOpenPipe, ""});
    LeaveSignalsToTheKernel(&command);
    return command;
  }

  static void LeaveSignalsToTheKernel(Command* command) {
    for (const char* name : {"ASAN_OPTIONS", "TSAN_OPTIONS"}) {
      const char* const set = getenv(name);
      command->environment[name] =
          std::string(set == nullptr ? "" : set) + ":handle_segv=0:handle_sigbus=0:handle_abort=0";
    }
  }

  /// Until it has workers, which have read all there is and sleep.
  static std::vector<pid_t> WorkersAtRest(Process* tally, size_t workers) {
    std::vector<pid_t> children;
    tally->WaitUntil(
        [&] {
          children = WorkersOf(tally->pid());
          const size_t expected = TestMode() == "serial" ? 1 : workers;
          return children.size() == expected && tally->UnreadStdinBytes() == 0 &&
                 std::all_of(children.begin(), children.end(),
                             [](pid_t child) { return StateOf(child) == 'S'; });
        },
        "the workers to wait for more input");
    std::sort(children.begin(), children.end());
    return children;
  }

  /// Until it sleeps in a system call, ready for signals.
  static void MasterAtRest(Process* tally) {
    tally->WaitUntil(
        [tally] { return Catches(tally->pid(), SIGTERM) && StateOf(tally->pid()) == 'S'; },
        "the master to wait");
  }

  /// A file whose counts fill any pipe.
  void WriteManyLines(const std::string& name, int lines = 30000) const {
    std::string text;
    for (int i = 0; i < lines; ++i) text += std::to_string(i) + "\n";
    Write(name, text);
  }
};

}  // namespace tally

#endif  // TALLY_TESTS_CLI_PAUSED_RUN_H_
