#include "master/output_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "master/signals.h"

namespace tally {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr int kAsExpected = 7;

std::string ContentOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void MakeFile(const fs::path& path, std::string_view content, mode_t mode = 0644) {
  std::ofstream(path, std::ios::binary) << content;
  ASSERT_EQ(chmod(path.c_str(), mode), 0);
}

mode_t ModeOf(const fs::path& path) {
  struct stat file {};
  EXPECT_EQ(stat(path.c_str(), &file), 0);
  return file.st_mode & 07777;
}

std::string MessageOf(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// As if nobody had ignored anything before: a shell starts what it runs in the background with
/// SIGINT ignored.
void NoteStopSignalsAfresh() {
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) signal(signal_number, SIG_DFL);
  NoteStopSignals();
}

void WriteWhole(const std::string& path, std::string_view content) {
  OutputFile file(path);
  file.Write(content);
  file.Commit();
}

/// Each test works in an empty directory of its own.
class OutputFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "output_file_test.XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { fs::remove_all(directory_); }

  std::string PathOf(const std::string& name) const { return directory_ / name; }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_)) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  /// Starts a child that runs `body` with `stdout_fd` as its standard output and exits with what
  /// it returns.
  static pid_t StartChild(int stdout_fd, const std::function<int()>& body) {
    const pid_t child = fork();
    if (child == 0) {
      if (dup2(stdout_fd, STDOUT_FILENO) < 0) _exit(90);
      int status = 91;
      try {
        status = body();
      } catch (const std::exception& error) {
        std::cerr << error.what() << "\n";
      }
      _exit(status);
    }
    return child;
  }
  static int StatusOf(pid_t child) {
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
  }
  static int ExitOf(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }
  static int SignalOf(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : -1; }
  /// What an OutputFile to `path` throws for somebody who is not root, who may write anywhere.
  static std::string MessageAsNobody(const std::string& path) {
    constexpr uid_t kNobody = 65534;
    const bool is_root = geteuid() == 0;
    if (is_root && seteuid(kNobody) != 0) return "cannot become nobody";
    std::string message = MessageOf([&] { OutputFile file(path); });
    if (is_root && seteuid(0) != 0) return "cannot become root again";
    return message;
  }

  fs::path directory_;
};

TEST_F(OutputFileTest, ANewFileAppearsWholeWithThePermissionsOfTheMask) {
  const mode_t mask = umask(027);
  {
    OutputFile file(PathOf("out"));
    file.Write("one\n");
    file.Write("two\n");
    EXPECT_FALSE(fs::exists(PathOf("out")));
    file.Commit();
    EXPECT_EQ(ContentOf(PathOf("out")), "one\ntwo\n");
  }
  umask(mask);
  EXPECT_EQ(ModeOf(PathOf("out")), 0640U);
  EXPECT_THAT(Names(), ElementsAre("out"));
}

TEST_F(OutputFileTest, AnOldFileIsReplacedAndKeepsItsPermissions) {
  for (const mode_t mode : {0600U, 0664U, 0755U}) {
    MakeFile(PathOf("out"), "old", mode);
    WriteWhole(PathOf("out"), "new");
    EXPECT_EQ(ContentOf(PathOf("out")), "new");
    EXPECT_EQ(ModeOf(PathOf("out")), mode);
  }
  EXPECT_THAT(Names(), ElementsAre("out"));
}

TEST_F(OutputFileTest, RootLeavesAFileToItsOwner) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  MakeFile(PathOf("out"), "old", 0640);
  ASSERT_EQ(chown(PathOf("out").c_str(), 1234, 5678), 0);
  WriteWhole(PathOf("out"), "new");
  struct stat file {};
  ASSERT_EQ(stat(PathOf("out").c_str(), &file), 0);
  EXPECT_EQ(file.st_uid, 1234U);
  EXPECT_EQ(file.st_gid, 5678U);
}

TEST_F(OutputFileTest, WithoutCommitTheOldFileStaysAndNothingElse) {
  MakeFile(PathOf("out"), "old");
  {
    OutputFile file(PathOf("out"));
    file.Write("new");
    OutputFile other(PathOf("fresh"));
  }
  EXPECT_EQ(ContentOf(PathOf("out")), "old");
  EXPECT_THAT(Names(), ElementsAre("out"));
}

TEST_F(OutputFileTest, NoRowsMakeAnEmptyFile) {
  MakeFile(PathOf("out"), "old");
  WriteWhole(PathOf("out"), "");
  EXPECT_EQ(ContentOf(PathOf("out")), "");
}

TEST_F(OutputFileTest, APathMayBeRelative) {
  const fs::path before = fs::current_path();
  fs::current_path(directory_);
  WriteWhole("out", "here");
  WriteWhole("./again", "here too");
  fs::current_path(before);
  EXPECT_EQ(ContentOf(PathOf("out")), "here");
  EXPECT_THAT(Names(), ElementsAre("again", "out"));
}

TEST_F(OutputFileTest, ASymbolicLinkStaysAndItsTargetIsReplaced) {
  fs::create_directory(PathOf("deep"));
  MakeFile(PathOf("deep/target"), "old", 0604);
  fs::create_symlink("deep/target", PathOf("middle"));
  fs::create_symlink(PathOf("middle"), PathOf("link"));
  WriteWhole(PathOf("link"), "new");
  EXPECT_TRUE(fs::is_symlink(PathOf("link")));
  EXPECT_TRUE(fs::is_symlink(PathOf("middle")));
  EXPECT_FALSE(fs::is_symlink(PathOf("deep/target")));
  EXPECT_EQ(ContentOf(PathOf("deep/target")), "new");
  EXPECT_EQ(ModeOf(PathOf("deep/target")), 0604U);
  EXPECT_THAT(Names(), ElementsAre("deep", "link", "middle"));
}

TEST_F(OutputFileTest, ADanglingSymbolicLinkGetsItsTarget) {
  fs::create_directory(PathOf("deep"));
  fs::create_symlink("../target", PathOf("deep/link"));
  WriteWhole(PathOf("deep/link"), "new");
  EXPECT_TRUE(fs::is_symlink(PathOf("deep/link")));
  EXPECT_EQ(ContentOf(PathOf("target")), "new");
}

TEST_F(OutputFileTest, SymbolicLinksInACircleAreAnError) {
  fs::create_symlink("b", PathOf("a"));
  fs::create_symlink("a", PathOf("b"));
  EXPECT_THAT(MessageOf([&] { OutputFile file(PathOf("a")); }),
              HasSubstr("Too many levels of symbolic links"));
}

TEST_F(OutputFileTest, APlaceWhereNoFileCanBeIsNamedWithTheReason) {
  MakeFile(PathOf("file"), "");
  EXPECT_EQ(MessageOf([&] { OutputFile file(directory_); }),
            directory_.string() + ": cannot write: Is a directory");
  EXPECT_THAT(MessageOf([&] { OutputFile file(PathOf("no/out")); }),
              StartsWith(PathOf("no/out") + ": cannot write: No such file or directory; make"));
  EXPECT_THAT(MessageOf([&] { OutputFile file(PathOf("new/")); }), HasSubstr("No such file"));
  EXPECT_THAT(MessageOf([&] { OutputFile file(PathOf("file/out")); }), HasSubstr("Not a dir"));
  EXPECT_THAT(MessageOf([&] { OutputFile file(PathOf("file/")); }), HasSubstr("Not a dir"));
  EXPECT_THAT(MessageOf([&] { OutputFile file(""); }), HasSubstr("No such file"));
  EXPECT_THAT(MessageOf([&] { OutputFile file(PathOf(std::string(300, 'x'))); }),
              HasSubstr("File name too long"));
  EXPECT_THAT(Names(), ElementsAre("file"));
}

TEST_F(OutputFileTest, TheLongestNameStillGetsATemporaryFile) {
  const std::string name(255, 'x');
  WriteWhole(PathOf(name), "new");
  EXPECT_THAT(Names(), ElementsAre(name));
}

TEST_F(OutputFileTest, AReadOnlyFileIsNotReplaced) {
  ASSERT_EQ(chmod(directory_.c_str(), 0777), 0);
  MakeFile(PathOf("out"), "old", 0444);
  EXPECT_THAT(MessageAsNobody(PathOf("out")), HasSubstr("Permission denied"));
  EXPECT_EQ(ContentOf(PathOf("out")), "old");
}

TEST_F(OutputFileTest, ADirectoryThatTakesNoFilesIsAnError) {
  ASSERT_EQ(chmod(directory_.c_str(), 0555), 0);
  EXPECT_THAT(MessageAsNobody(PathOf("out")), HasSubstr("Permission denied"));
  ASSERT_EQ(chmod(directory_.c_str(), 0755), 0);
}

TEST_F(OutputFileTest, AFullDeviceIsAnErrorWithTheReason) {
  EXPECT_EQ(MessageOf([] { WriteWhole("/dev/full", "rows"); }),
            "/dev/full: cannot write: No space left on device; free some space there, or write "
            "to another place");
  WriteWhole("/dev/null", "rows");
}

TEST_F(OutputFileTest, AFailedWriteLeavesTheOldFileAndNothingElse) {
  MakeFile(PathOf("out"), "old");
  const int status = StatusOf(StartChild(STDOUT_FILENO, [this] {
    NoteStopSignalsAfresh();
    const rlimit limit{.rlim_cur = 100'000, .rlim_max = 100'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    const std::string message =
        MessageOf([this] { WriteWhole(PathOf("out"), std::string(150'000, 'x')); });
    return message.starts_with(PathOf("out") + ": cannot write: File too large;") ? kAsExpected : 1;
  }));
  EXPECT_EQ(ExitOf(status), kAsExpected);
  EXPECT_EQ(ContentOf(PathOf("out")), "old");
  EXPECT_THAT(Names(), ElementsAre("out"));
}

TEST_F(OutputFileTest, AFailedRenameLeavesNothingBehind) {
  OutputFile file(PathOf("out"));
  file.Write("new");
  fs::create_directory(PathOf("out"));
  EXPECT_THAT(MessageOf([&] { file.Commit(); }), HasSubstr("Is a directory"));
  EXPECT_THAT(Names(), ElementsAre("out"));
}

TEST_F(OutputFileTest, AStopSignalLeavesTheOldFileAndNothingElse) {
  MakeFile(PathOf("out"), "old");
  for (const bool after_writing : {false, true}) {
    const int status = StatusOf(StartChild(STDOUT_FILENO, [this, after_writing] {
      NoteStopSignalsAfresh();
      try {
        OutputFile file(PathOf("out"));
        if (after_writing) file.Write("new");
        raise(SIGINT);
        if (!after_writing) file.Write("new");
        file.Commit();
      } catch (const Interrupted& interrupted) {
        return interrupted.signal_number() == SIGINT ? kAsExpected : 1;
      }
      return 2;
    }));
    EXPECT_EQ(ExitOf(status), kAsExpected);
    EXPECT_EQ(ContentOf(PathOf("out")), "old");
    EXPECT_THAT(Names(), ElementsAre("out"));
  }
}

TEST_F(OutputFileTest, AFifoIsWrittenToDirectly) {
  ASSERT_EQ(mkfifo(PathOf("fifo").c_str(), 0600), 0);
  const pid_t child = StartChild(STDOUT_FILENO, [this] {
    WriteWhole(PathOf("fifo"), "rows");
    return kAsExpected;
  });
  EXPECT_EQ(ContentOf(PathOf("fifo")), "rows");
  EXPECT_EQ(ExitOf(StatusOf(child)), kAsExpected);
  EXPECT_TRUE(fs::is_fifo(PathOf("fifo")));
  EXPECT_THAT(Names(), ElementsAre("fifo"));
}

TEST_F(OutputFileTest, AStopSignalEndsTheWaitForAFifosReader) {
  ASSERT_EQ(mkfifo(PathOf("fifo").c_str(), 0600), 0);
  const int status = StatusOf(StartChild(STDOUT_FILENO, [this] {
    NoteStopSignalsAfresh();
    const pid_t waiting = getpid();
    if (fork() == 0) {
      usleep(50'000);
      kill(waiting, SIGTERM);
      _exit(0);
    }
    try {
      // The end of the child interrupts the wait too, and must not end it.
      OutputFile file(PathOf("fifo"));
    } catch (const Interrupted& interrupted) {
      return interrupted.signal_number() == SIGTERM ? kAsExpected : 1;
    }
    return 2;
  }));
  EXPECT_EQ(ExitOf(status), kAsExpected);
}

TEST_F(OutputFileTest, AClosedStandardOutputIsAnError) {
  const int status = StatusOf(StartChild(STDOUT_FILENO, [] {
    close(STDOUT_FILENO);
    const std::string message = MessageOf([] { OutputFile file; });
    const std::string by_name = MessageOf([] { OutputFile file("/dev/stdout"); });
    if (!by_name.starts_with("/dev/stdout: cannot write: Bad file descriptor")) return 1;
    return message ==
                   "standard output: cannot write: Bad file descriptor; it is closed, or open for "
                   "reading only"
               ? kAsExpected
               : 2;
  }));
  EXPECT_EQ(ExitOf(status), kAsExpected);
}

TEST_F(OutputFileTest, AStandardOutputOpenForReadingIsAnError) {
  const int fd = open("/dev/null", O_RDONLY);
  const int status = StatusOf(StartChild(fd, [] {
    const std::string message = MessageOf([] { OutputFile file; });
    return message.starts_with("standard output: cannot write: Bad file") ? kAsExpected : 1;
  }));
  close(fd);
  EXPECT_EQ(ExitOf(status), kAsExpected);
}

TEST_F(OutputFileTest, AFullStandardOutputIsAnError) {
  const int fd = open("/dev/full", O_WRONLY);
  const int status = StatusOf(StartChild(fd, [] {
    const std::string message = MessageOf([] { OutputFile().Write("rows"); });
    return message.starts_with("standard output: cannot write: No space left") ? kAsExpected : 1;
  }));
  close(fd);
  EXPECT_EQ(ExitOf(status), kAsExpected);
}

TEST_F(OutputFileTest, AStandardOutputWithoutReaderEndsTheProcessByItsSignal) {
  for (const bool is_ignored : {false, true}) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    close(ends[0]);
    const int status = StatusOf(StartChild(ends[1], [is_ignored] {
      signal(SIGPIPE, is_ignored ? SIG_IGN : SIG_DFL);
      OutputFile().Write("rows");
      return 1;
    }));
    close(ends[1]);
    EXPECT_EQ(SignalOf(status), SIGPIPE);
  }
}

TEST_F(OutputFileTest, ANonBlockingStandardOutputGetsEveryByte) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
  const std::string rows(1'000'000, 'r');
  const pid_t child = StartChild(ends[1], [&rows] {
    OutputFile file;
    file.Write(rows);
    file.Commit();
    return kAsExpected;
  });
  close(ends[1]);
  size_t received = 0;
  std::vector<char> buffer(10'000);
  while (const ssize_t count = read(ends[0], buffer.data(), buffer.size())) {
    ASSERT_GT(count, 0);
    received += static_cast<size_t>(count);
    usleep(500);
  }
  close(ends[0]);
  EXPECT_EQ(received, rows.size());
  EXPECT_EQ(ExitOf(StatusOf(child)), kAsExpected);
}

TEST_F(OutputFileTest, AStopSignalEndsAWriteThatNobodyReads) {
  for (const int flags : {0, O_NONBLOCK}) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    ASSERT_EQ(fcntl(ends[1], F_SETFL, flags), 0);
    NoteStopSignalsAfresh();  // before the fork, so that the signal cannot come too early
    const pid_t child = StartChild(ends[1], [] {
      try {
        OutputFile().Write(std::string(1'000'000, 'r'));
      } catch (const Interrupted&) {
        return kAsExpected;
      }
      return 1;
    });
    for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGXFSZ}) {
      signal(signal_number, SIG_DFL);
    }
    usleep(100'000);
    kill(child, SIGTERM);
    EXPECT_EQ(ExitOf(StatusOf(child)), kAsExpected);
    close(ends[0]);
    close(ends[1]);
  }
}

TEST_F(OutputFileTest, WhatIsOpenAlreadyIsWrittenToWhereItStands) {
  MakeFile(PathOf("log"), "old ");
  for (const std::string path : {"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}) {
    const int fd = open(PathOf("log").c_str(), O_WRONLY | O_APPEND);
    const int status = StatusOf(StartChild(fd, [&path] {
      WriteWhole(path, "new ");
      // The descriptor itself stays open.
      return write(STDOUT_FILENO, "more ", 5) == 5 ? kAsExpected : 1;
    }));
    close(fd);
    EXPECT_EQ(ExitOf(status), kAsExpected);
  }
  EXPECT_EQ(ContentOf(PathOf("log")), "old new more new more new more ");
  EXPECT_THAT(Names(), ElementsAre("log"));
}

TEST_F(OutputFileTest, AFileIsTheSameUnderAnotherName) {
  MakeFile(PathOf("a"), "");
  MakeFile(PathOf("b"), "");
  fs::create_hard_link(PathOf("a"), PathOf("hard"));
  fs::create_symlink("a", PathOf("soft"));
  const auto id = RegularFileId(PathOf("a"));
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(RegularFileId(PathOf("hard")), id);
  EXPECT_EQ(RegularFileId(PathOf("soft")), id);
  EXPECT_NE(RegularFileId(PathOf("b")), id);
  const int fd = open(PathOf("a").c_str(), O_RDONLY);
  EXPECT_EQ(RegularFileId(fd), id);
  close(fd);
  EXPECT_FALSE(RegularFileId(fd).has_value());
  EXPECT_FALSE(RegularFileId(directory_).has_value());
  EXPECT_FALSE(RegularFileId("/dev/null").has_value());
  EXPECT_FALSE(RegularFileId(PathOf("missing")).has_value());
}

}  // namespace
}  // namespace tally
