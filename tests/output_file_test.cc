#include "master/output_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "common/error.h"
#include "master/signals.h"
#include "tests/output_file_fixture.h"
#include "tests/test_util.h"

namespace tally {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

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
