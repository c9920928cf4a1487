// System calls of the real program that fail, one by one: it ends in time, leaves nothing, and
// either its output is right or the old one is still there and it says why.
#include "tests/faults/failing_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/cli/oracle.h"
#include "tests/cli/run_tally.h"

#ifndef TALLY_FAILING_CALLS
#define TALLY_FAILING_CALLS ""
#endif

namespace tally {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kOldOutput = "as it was\n";
constexpr std::string_view kShort = "SHORT";

/// What a task counts, and how.
struct Task {
  const char* name;
  std::vector<std::string> arguments;
  Stdin in = {};
  bool to_file = true;  // to an old one
  const char* mode = "process";
  const char* without = "";  // a kind of call that never works
  bool has_stats = false;    // in place of old ones
  const char* chunk_size = "16K";
};

/// Whether a failure has consequences.
enum class Told {
  kMaybe,      // the program may do without any of these calls
  kSometimes,  // some failure ends a run
  kAlways,     // each one is told, as an error or as a warning
};

/// A kind of call that fails in all these ways.
struct FailingCall {
  const char* kind;
  std::vector<std::string> errors;
  Told told;
  const char* other_reason = "";  // a regular expression of what may be said instead of errno
};

/// No failure, but a request to call again: the call was interrupted, or did less than it was asked
/// to, or would have to wait.
bool IsRequestToCallAgain(std::string_view kind, std::string_view error) {
  return error == "EINTR" || error == kShort ||
         (error == "EAGAIN" && (kind == "read" || kind == "write"));
}

class FailingCallsCliTest : public CliTest {
 protected:
  void SetUp() override {
    if (std::string_view(TALLY_FAILING_CALLS).empty()) {
      GTEST_SKIP() << "a sanitizer wants to be the first library, not to be preceded by another";
    }
    if (TestMode() != "process") GTEST_SKIP() << "the modes are chosen by each of these tests";
    std::minstd_rand random(1);
    for (int word = 0; word < 12000; ++word) {
      text_ += "word" + std::to_string(random() % 500) + (word % 9 == 0 ? '\n' : ' ');
    }
    WriteInput();
    Write("in.gz", Gzip(text_, 2));
    fs::create_directory(Path("place"));
  }
  void WriteInput() {
    Write("in", text_);
    counts_ = AskOracle({text_}, OptionsOf(Format::kWords)).ByCount();
  }
  void TearDown() override { RecordProperty("runs", runs_); }

  Task CountsFile() const { return {"a mapped file", {"in"}}; }
  Task CountsGzip() const { return {"a gzip file", {"in.gz"}}; }
  Task CountsPipe() const { return {"a pipe", {}, Stdin::Text(text_)}; }
  Task CountsOpenFile() const { return {"an open file", {}, Stdin::File(Path("in"))}; }
  std::vector<Task> EveryInput() const {
    return {CountsFile(), CountsGzip(), CountsPipe(), CountsOpenFile()};
  }

  /// Lets the first such call of each task fail, then the second, ... until there was none to fail;
  /// each alone, and with all that come after it. Every kind of call has to occur in a task.
  void FailEachCall(const std::vector<Task>& tasks, const std::vector<FailingCall>& calls) {
    for (const FailingCall& call : calls) {
      calls_failed_ = 0;
      runs_failed_ = 0;
      for (const Task& task : tasks) {
        for (const std::string& error : call.errors) {
          for (const bool forever : {false, true}) {
            // A program that is asked to call again for ever does so.
            if (forever && error != kShort && IsRequestToCallAgain(call.kind, error)) continue;
            FailEachCall(task, call, error, forever);
            if (HasFailure()) return;
          }
        }
      }
      EXPECT_GT(calls_failed_, 0) << "no task has a call of " << call.kind;
      EXPECT_TRUE(runs_failed_ > 0 || call.told == Told::kMaybe) << call.kind << " may fail unseen";
    }
  }

  Command CommandOf(const Task& task) const {
    std::vector<std::string> arguments = {"count",   "-q",           "-j2",          "--mode",
                                          task.mode, "--chunk-size", task.chunk_size};
    if (task.to_file) arguments.insert(arguments.end(), {"-o", "place/out"});
    if (task.has_stats) arguments.insert(arguments.end(), {"--stats", "place/stats"});
    arguments.insert(arguments.end(), task.arguments.begin(), task.arguments.end());
    Command command = TallyCommand(arguments, task.in);
    command.environment["LD_PRELOAD"] = TALLY_FAILING_CALLS;
    command.environment["FAIL_RECORD"] = Path("record");
    command.environment["FAIL_ALSO"] = task.without;
    return command;
  }

  std::string text_;

 private:
  void FailEachCall(const Task& task, const FailingCall& call, const std::string& error,
                    bool forever) {
    constexpr int kMostCalls = 200;
    for (int number = 1; number <= kMostCalls; ++number) {
      SCOPED_TRACE(task.name + std::string(", ") + task.mode + ": FAIL_CALL=" + call.kind +
                   " FAIL_AT=" + std::to_string(number) + " FAIL_ERRNO=" + error +
                   (forever ? " FAIL_FOREVER=1" : "") + " FAIL_ALSO=" + task.without);
      Command command = CommandOf(task);
      command.environment["FAIL_CALL"] = call.kind;
      command.environment["FAIL_AT"] = std::to_string(number);
      command.environment["FAIL_ERRNO"] = error;
      if (forever) command.environment["FAIL_FOREVER"] = "1";
      const Outcome outcome = RunAndCheckTraces(command, task, call);
      if (Failures() == 0) {
        EXPECT_THAT(outcome, ExitsWith(0));
        return;
      }
      ++calls_failed_;
      if (outcome.exit_status != 0) ++runs_failed_;
      CheckOutcome(outcome, task, call, error);
      if (HasFailure()) return;
    }
    ADD_FAILURE() << call.kind << " does not end";
  }

  Outcome RunAndCheckTraces(const Command& command, const Task& task, const FailingCall& call) {
    ++runs_;
    Write("record", "");
    std::vector<std::string> names = {"out"};
    if (task.has_stats) names.emplace_back("stats");
    for (const std::string& name : names) {
      if (Read("place/" + name) != kOldOutput) Write("place/" + name, kOldOutput);
    }
    Process tally(command);
    Outcome outcome = tally.Wait();
    // Wait() saw the last worker end; one that the master could not reap may still be a zombie.
    if (std::string_view(call.kind) != "wait4") {
      EXPECT_FALSE(tally.AnyProcessLeft());
    }
    EXPECT_EQ(NamesIn(Path("place")), names);
    return outcome;
  }

  void CheckOutcome(const Outcome& outcome, const Task& task, const FailingCall& call,
                    const std::string& error) const {
    const std::string output = Read("place/out");
    const std::string reason = strerrordesc_np(ErrnoOf(error));
    if (IsRequestToCallAgain(call.kind, error)) {
      EXPECT_THAT(outcome, ExitsWith(0));
    } else if (call.told == Told::kAlways) {
      EXPECT_THAT(outcome.err, HasSubstr(reason));
    }
    if (outcome.exit_status == 0) {
      EXPECT_TRUE((task.to_file ? output : outcome.out) == counts_) << outcome;
      if (!task.to_file) {
        EXPECT_EQ(output, kOldOutput);
      }
      if (task.has_stats) {
        EXPECT_THAT(Read("place/stats"), StartsWith("{"));
      }
      return;
    }
    const bool lacks_memory = call.kind == std::string_view("mmap") && outcome.exit_status == 4;
    EXPECT_THAT(outcome, ExitsWith(lacks_memory ? 4 : 1));
    // The stats are written after the output, which stays where they fail.
    if (task.has_stats && output != kOldOutput) {
      EXPECT_TRUE(output == counts_) << outcome;
      EXPECT_THAT(outcome.err, StartsWith("tally: place/stats: "));
    } else {
      EXPECT_EQ(output, kOldOutput);
    }
    if (task.has_stats) {
      EXPECT_EQ(Read("place/stats"), kOldOutput);
    }
    EXPECT_THAT(outcome.err, StartsWith("tally: "));
    if (call.other_reason[0] != '\0') {
      EXPECT_THAT(outcome.err, AnyOf(HasSubstr(reason), ContainsRegex(call.other_reason)));
    } else {
      EXPECT_THAT(outcome.err, HasSubstr(reason));
    }
  }

  uint64_t Failures() const {
    const std::string bytes = Read("record");
    FailingCallsRecord record;
    if (bytes.size() != sizeof record) throw std::runtime_error("the library was not loaded");
    std::memcpy(&record, bytes.data(), sizeof record);
    return record.failures;
  }

  static std::vector<std::string> NamesIn(const std::string& directory) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory)) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  std::string counts_;
  int runs_ = 0;
  int calls_failed_ = 0;
  int runs_failed_ = 0;
};

constexpr const char* kNoMemory = "address space|memory";
constexpr const char* kNoDescriptor = "Bad file descriptor";

TEST_F(FailingCallsCliTest, EndsWellWhereOpeningFails) {
  FailEachCall(EveryInput(), {{"open", {"EMFILE", "EACCES"}, Told::kSometimes},
                              {"open_unnamed", {"EOPNOTSUPP", "EIO"}, Told::kMaybe},
                              {"open_system", {"EMFILE", "EACCES"}, Told::kMaybe},
                              {"access", {"EACCES"}, Told::kSometimes},
                              {"lseek", {"EIO"}, Told::kSometimes}});
}

TEST_F(FailingCallsCliTest, EndsWellWhereAskingAboutFilesFails) {
  FailEachCall(EveryInput(), {{"stat", {"EIO"}, Told::kSometimes},
                              {"stat", {"ENOENT"}, Told::kSometimes, "changed while being read"},
                              {"fcntl", {"EMFILE"}, Told::kSometimes, kNoDescriptor}});
}

TEST_F(FailingCallsCliTest, EndsWellWhereMappingFails) {
  FailEachCall(EveryInput(), {{"mmap", {"ENOMEM"}, Told::kSometimes, kNoMemory},
                              {"munmap", {"ENOMEM"}, Told::kMaybe}});
  Task task = CountsFile();
  task.chunk_size = "64K";  // or nothing is prefetched
  FailEachCall({task}, {{"madvise", {"EIO"}, Told::kMaybe}});
}

TEST_F(FailingCallsCliTest, EndsWellWhereReadingFails) {
  FailEachCall(EveryInput(),
               {{"read", {"EIO", "EINTR"}, Told::kSometimes}, {"pread", {"EIO"}, Told::kAlways}});
}

TEST_F(FailingCallsCliTest, EndsWellWhereReadingTakesManyCalls) {
  FailEachCall(EveryInput(), {{"read", {"EAGAIN", "SHORT"}, Told::kMaybe}});
}

TEST_F(FailingCallsCliTest, EndsWellWhereWritingFails) {
  FailEachCall({CountsFile(), CountsGzip(), CountsPipe()},
               {{"write", {"ENOSPC", "EIO", "EINTR", "EAGAIN", "SHORT"}, Told::kAlways},
                {"fsync", {"EIO", "ENOSPC", "EINTR"}, Told::kAlways},
                {"fsync", {"EINVAL"}, Told::kMaybe},  // nothing there can be synced
                {"fchmod", {"EPERM"}, Told::kAlways},
                {"fchown", {"EPERM"}, Told::kMaybe}});
}

TEST_F(FailingCallsCliTest, EndsWellWhereClosingFails) {
  FailEachCall(EveryInput(),
               {{"close", {"EIO"}, Told::kSometimes}, {"close", {"EINTR"}, Told::kMaybe}});
}

TEST_F(FailingCallsCliTest, EndsWellWhereNamingFails) {
  FailEachCall({CountsFile()}, {{"linkat", {"EPERM", "ENOENT", "EEXIST", "ENOSPC"}, Told::kMaybe},
                                {"rename", {"EIO", "EXDEV"}, Told::kAlways}});
}

TEST_F(FailingCallsCliTest, EndsWellWhereWritingFailsWithoutUnnamedFiles) {
  Task task = CountsFile();
  task.without = "open_unnamed";
  FailEachCall({task}, {{"open", {"EACCES"}, Told::kSometimes},
                        {"write", {"ENOSPC", "SHORT"}, Told::kAlways},
                        {"fsync", {"EIO"}, Told::kAlways},
                        {"close", {"EIO"}, Told::kSometimes},
                        {"fchmod", {"EPERM"}, Told::kAlways},
                        {"fchown", {"EPERM"}, Told::kMaybe},
                        {"rename", {"EIO"}, Told::kAlways}});
}

TEST_F(FailingCallsCliTest, EndsWellWhereWritingFailsWithoutLinks) {
  Task task = CountsFile();
  task.without = "linkat";
  FailEachCall({task}, {{"open", {"EACCES"}, Told::kSometimes},
                        {"stat", {"EIO"}, Told::kSometimes},
                        {"write", {"ENOSPC"}, Told::kAlways},
                        {"sendfile", {"ENOSPC", "EIO", "EINTR", "SHORT"}, Told::kAlways},
                        {"fsync", {"EIO"}, Told::kAlways},
                        {"close", {"EIO"}, Told::kSometimes},
                        {"fchmod", {"EPERM"}, Told::kAlways},
                        {"rename", {"EIO"}, Told::kAlways}});
}

TEST_F(FailingCallsCliTest, EndsWellWhereWritingToStandardOutputFails) {
  Task task = CountsFile();
  task.to_file = false;
  FailEachCall({task}, {{"write", {"ENOSPC", "EIO", "EINTR", "EAGAIN", "SHORT"}, Told::kAlways},
                        {"close", {"EIO", "ENOSPC"}, Told::kSometimes},
                        {"close", {"EINTR"}, Told::kMaybe},
                        {"fcntl", {"EMFILE"}, Told::kSometimes, kNoDescriptor}});
}

TEST_F(FailingCallsCliTest, EndsWellWhereWritingTheStatsFails) {
  Task task = CountsFile();
  task.has_stats = true;
  FailEachCall({task}, {{"open", {"EACCES"}, Told::kSometimes},
                        {"open_unnamed", {"EIO"}, Told::kMaybe},
                        {"write", {"ENOSPC", "EINTR", "SHORT"}, Told::kAlways},
                        {"fsync", {"EIO"}, Told::kAlways},
                        {"close", {"EIO"}, Told::kSometimes},
                        {"fchmod", {"EPERM"}, Told::kAlways},
                        {"linkat", {"ENOSPC"}, Told::kMaybe},
                        {"rename", {"EIO"}, Told::kAlways}});
}

// As for processes, but that what a thread could not do the others see.
TEST_F(FailingCallsCliTest, EndsWellInASingleProcess) {
  std::vector<Task> tasks;
  for (const char* const mode : {"thread", "serial"}) {
    for (Task task : {CountsFile(), CountsGzip()}) {
      task.mode = mode;
      tasks.push_back(task);
    }
  }
  FailEachCall(tasks, {{"open", {"EMFILE"}, Told::kSometimes},
                       {"mmap", {"ENOMEM"}, Told::kSometimes, kNoMemory},
                       {"read", {"EIO", "EINTR"}, Told::kSometimes},
                       {"write", {"ENOSPC"}, Told::kAlways},
                       {"fsync", {"EIO"}, Told::kAlways},
                       {"close", {"EIO"}, Told::kSometimes},
                       {"rename", {"EIO"}, Told::kAlways}});
}

TEST_F(FailingCallsCliTest, EndsWellWhereStartingProcessesFails) {
  FailEachCall(
      {CountsFile(), CountsGzip(), CountsPipe()},
      {{"fork", {"EAGAIN", "ENOMEM"}, Told::kMaybe},
       {"wait4", {"ECHILD", "EINTR"}, Told::kSometimes, "worker [12] of 2: cannot be waited for"},
       {"poll", {"ENOMEM", "EINTR"}, Told::kMaybe}});
}

// What can be done otherwise is done, and told.
TEST_F(FailingCallsCliTest, GoesOnWithFewerWorkersAndWithoutMappings) {
  for (const auto& [kind, told] :
       {std::pair{"fork", "only 1 of 2 workers could be started"},
        std::pair{"mmap", "in: cannot be mapped .Cannot allocate memory., so it is read"}}) {
    int told_and_done = 0;
    for (int number = 1; number <= 12; ++number) {
      Command command = CommandOf(CountsFile());
      std::erase(command.arguments, "-q");
      Write("record", "");
      command.environment["FAIL_CALL"] = kind;
      command.environment["FAIL_AT"] = std::to_string(number);
      command.environment["FAIL_ERRNO"] = "ENOMEM";
      const Outcome outcome = RunCommand(command);
      const bool says_so = testing::Matches(testing::ContainsRegex(told))(outcome.err);
      if (says_so && outcome.exit_status == 0) ++told_and_done;
    }
    EXPECT_GT(told_and_done, 0) << kind;
  }
}

TEST_F(FailingCallsCliTest, EndsWellWhereStartingThreadsFails) {
  std::vector<Task> tasks = {CountsFile(), CountsGzip(), CountsPipe()};
  for (Task& task : tasks) task.mode = "thread";
  FailEachCall(tasks, {{"pthread_create", {"EAGAIN"}, Told::kMaybe},
                       {"eventfd", {"EMFILE"}, Told::kAlways},
                       {"eventfd_read", {"EAGAIN"}, Told::kMaybe},
                       {"eventfd_write", {"EAGAIN"}, Told::kMaybe},
                       {"poll", {"ENOMEM", "EINTR"}, Told::kMaybe}});
  FailEachCall({tasks.back()}, {{"mmap", {"ENOMEM"}, Told::kSometimes, kNoMemory},
                                {"read", {"EIO"}, Told::kSometimes},
                                {"write", {"ENOSPC"}, Told::kAlways},
                                {"fcntl", {"EMFILE"}, Told::kSometimes, kNoDescriptor}});
}

// Of many keys, threads make the text, and give the memory back.
TEST_F(FailingCallsCliTest, ManyKeysNeedNoThreads) {
  text_.clear();
  for (int i = 0; i < 120'000; ++i) text_ += "key" + std::to_string(i) + '\n';
  WriteInput();
  FailEachCall({CountsFile()}, {{"pthread_create", {"EAGAIN"}, Told::kMaybe}});
}

}  // namespace
}  // namespace tally
