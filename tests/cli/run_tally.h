// Runs the real program in a directory of its own, as a person or a script would, and keeps what it
// said and how it ended.
#ifndef TALLY_TESTS_CLI_RUN_TALLY_H_
#define TALLY_TESTS_CLI_RUN_TALLY_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sanitized.h"

namespace tally {

/// What the workers are in `tally count`: a process each, or what $TALLY_TEST_MODE says, so that
/// all these tests can be run once more in another mode.
std::string TestMode();

/// Longer than any run takes even on a loaded machine: what is not done by then hangs.
constexpr auto kDeadline = std::chrono::seconds(60);

/// An empty directory; removed with all that is in it.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void WriteFile(const std::string& path, std::string_view bytes);
/// Nothing where there is no such file.
std::string ReadFile(const std::string& path);

/// `bytes` as gzip, cut into so many members of about the same size.
std::string Gzip(std::string_view bytes, size_t members = 1);

/// What a program finds as its standard input.
struct Stdin {
  enum class Kind {
    kNothing,   // /dev/null
    kText,      // a pipe that holds `text`, then ends
    kOpenPipe,  // a pipe that the test writes to and closes
    kFile,      // opened from the path `text`
    kTerminal,
    kClosed,
  };
  Kind kind = Kind::kNothing;
  std::string text;

  static Stdin Text(std::string text) { return {Kind::kText, std::move(text)}; }
  static Stdin File(std::string path) { return {Kind::kFile, std::move(path)}; }
};

/// Where an output of a program goes.
enum class Output { kPipe, kTerminal, kUnreadPipe, kClosed };

struct Command {
  std::vector<std::string> arguments;
  Stdin in = {};
  Output out = Output::kPipe;
  Output err = Output::kPipe;
  std::map<std::string, std::optional<std::string>> environment = {};  // changes; none: unset
  std::string directory = {};                                          // empty: this process's
  std::string program = TALLY_BINARY;
};

/// How a program ended, and what it wrote.
struct Outcome {
  std::string out;
  std::string err;
  std::string terminal;  // what went to the terminal, of both
  int exit_status = -1;  // -1: by a signal
  int signal_number = 0;
  std::optional<std::chrono::milliseconds> terminal_after;  // its first byte, after the start
};

std::ostream& operator<<(std::ostream& os, const Outcome& outcome);

MATCHER_P(ExitsWith, status, "exits with status " + testing::PrintToString(status)) {
  return arg.exit_status == status;
}
MATCHER_P(DiesBy, signal, "dies by signal " + testing::PrintToString(signal)) {
  return arg.signal_number == signal;
}

/// A running program, in a process group of its own. Its terminal, where it has one, is raw but for
/// Ctrl-C. The destructor kills the whole group.
class Process {
 public:
  explicit Process(const Command& command);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void Signal(int signal_number) const;

  /// To its standard input (kOpenPipe).
  void WriteStdin(std::string_view bytes);
  void CloseStdin();
  /// Bytes that it has not read from there yet.
  int UnreadStdinBytes() const;
  /// Bytes that did not fit into the pipe yet.
  size_t UntakenStdinBytes() const { return stdin_text_.size(); }

  void TypeOnTerminal(std::string_view bytes) const;

  /// What it wrote so far.
  const Outcome& outcome() const { return outcome_; }

  /// Reads its output until the condition holds. False, and the test has failed, where that takes
  /// longer than the deadline.
  bool WaitUntil(const std::function<bool()>& condition, const char* what);

  /// Until it has ended and so has every process that holds its outputs: a worker that outlives
  /// its master fails the test.
  Outcome Wait();

  /// Of its standard output, a kUnreadPipe: how much waits there; and an end to it.
  int UnreadOutputBytes() const;
  void CloseUnreadOutput();

  /// Whether any process of its group exists, even as a zombie.
  bool AnyProcessLeft() const;

 private:
  struct Stream {
    int fd = -1;
    std::string* to = nullptr;
    bool paused = false;
  };

  void OpenStdin(const Stdin& in, int* child_end);
  void OpenOutput(Output output, std::string* to, int* child_end);
  void OpenTerminal();
  void Spawn(const Command& command, int in, int out, int err);
  void Pump(std::chrono::milliseconds limit);
  void PumpStdin();
  void ReadFrom(Stream* stream);
  void Reap();
  bool Ended() const;

  pid_t pid_ = -1;
  bool reaped_ = false;
  int stdin_fd_ = -1;
  std::string stdin_text_;   // still to be written
  bool keep_stdin_ = false;  // open after that
  int terminal_fd_ = -1;
  std::string terminal_name_;
  std::vector<int> child_ends_;  // closed here once the child has them
  std::vector<Stream> streams_;
  Outcome outcome_;
  std::chrono::steady_clock::time_point start_;
};

Outcome RunCommand(const Command& command);

/// The processes whose parent is `pid`.
std::vector<pid_t> ChildrenOf(pid_t pid);
/// Its threads but the main one.
std::vector<pid_t> ThreadsOf(pid_t pid);
/// Its children, or its threads where workers are threads.
std::vector<pid_t> WorkersOf(pid_t pid);
/// Its state as in /proc/PID/stat ('S': it sleeps); 0 where there is no such process.
char StateOf(pid_t pid);
/// Whether it sleeps in that call, like SYS_openat, and not for some lock on the way there.
bool SleepsIn(pid_t pid, long system_call);
/// Whether it has a handler for the signal.
bool Catches(pid_t pid, int signal_number);

/// Each test works in an empty directory, with files named relative to it.
class CliTest : public testing::Test {
 protected:
  std::string Path(std::string_view name) const { return dir_.path() + '/' + std::string(name); }
  void Write(std::string_view name, std::string_view bytes) const { WriteFile(Path(name), bytes); }
  std::string Read(std::string_view name) const { return ReadFile(Path(name)); }
  /// The names of all files there, sorted.
  std::vector<std::string> Files() const;

  Command TallyCommand(std::vector<std::string> arguments, Stdin in = {}) const;
  Outcome Tally(std::vector<std::string> arguments, Stdin in = {}) const {
    return RunCommand(TallyCommand(std::move(arguments), std::move(in)));
  }
  /// By bash, with the program on its PATH.
  Command ShellCommand(std::string script) const;
  Outcome Shell(std::string script) const { return RunCommand(ShellCommand(std::move(script))); }

 private:
  TempDir dir_;
};

}  // namespace tally

#endif  // TALLY_TESTS_CLI_RUN_TALLY_H_
