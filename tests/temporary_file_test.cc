#include "master/temporary_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "master/output_file.h"
#include "tests/cli/run_tally.h"
#include "tests/test_util.h"

namespace tally {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr TemporaryName kBothWays[] = {TemporaryName::kIfNeeded, TemporaryName::kAlways};

/// Each test works in an empty directory of its own, with one target.
class TemporaryFileTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) const { return directory_.path() + "/" + name; }
  std::string Target() const { return Path("out"); }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_.path())) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  /// Of a target that is there, with its state; of one that is not, without.
  TemporaryFile Make(TemporaryName name) const {
    struct stat old_file {};
    const bool exists = stat(Target().c_str(), &old_file) == 0;
    return {Target(), "shown", exists ? &old_file : nullptr, name};
  }

  static void Append(const TemporaryFile& file, std::string_view bytes) {
    const UniqueFd fd = file.Duplicate();
    ASSERT_EQ(write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }

  static ino_t InodeOf(const TemporaryFile& file) {
    struct stat state {};
    EXPECT_EQ(fstat(file.Duplicate().get(), &state), 0);
    return state.st_ino;
  }
  static ino_t InodeOf(const std::string& path) {
    struct stat state {};
    EXPECT_EQ(stat(path.c_str(), &state), 0);
    return state.st_ino;
  }

  bool HasFilesWithoutNames() const {
    return bool{UniqueFd(open(directory_.path().c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600))};
  }

  TempDir directory_;
};

TEST_F(TemporaryFileTest, ItHasNoNameUntilItIsMovedIntoPlace) {
  if (!HasFilesWithoutNames()) GTEST_SKIP() << "this file system has no files without names";
  TemporaryFile file = Make(TemporaryName::kIfNeeded);
  Append(file, "new");
  EXPECT_THAT(Names(), ElementsAre());
  const ino_t inode = InodeOf(file);
  file.MoveIntoPlace(Durability::kSynced);
  EXPECT_EQ(InodeOf(Target()), inode);
  EXPECT_EQ(ReadFile(Target()), "new");
  EXPECT_THAT(Names(), ElementsAre("out"));
}

TEST_F(TemporaryFileTest, WhereItNeedsANameThatIsHiddenAndBesideTheTarget) {
  TemporaryFile file = Make(TemporaryName::kAlways);
  EXPECT_THAT(Names(), ElementsAre(StartsWith(".out.")));
  Append(file, "new");
  file.MoveIntoPlace(Durability::kSynced);
  EXPECT_EQ(ReadFile(Target()), "new");
  EXPECT_THAT(Names(), ElementsAre("out"));
}

TEST_F(TemporaryFileTest, AnOldFileIsReplacedAndKeepsItsPermissions) {
  for (const TemporaryName name : kBothWays) {
    for (const mode_t mode : {0600U, 0640U, 0755U}) {
      WriteFile(Target(), "old");
      ASSERT_EQ(chmod(Target().c_str(), mode), 0);
      TemporaryFile file = Make(name);
      Append(file, "new");
      EXPECT_EQ(ReadFile(Target()), "old");
      file.MoveIntoPlace(Durability::kNotSynced);
      EXPECT_EQ(ReadFile(Target()), "new");
      EXPECT_EQ(fs::status(Target()).permissions(), fs::perms{mode});
      EXPECT_THAT(Names(), ElementsAre("out"));
    }
  }
}

TEST_F(TemporaryFileTest, WithoutAMoveTheOldFileStaysAndNothingElse) {
  WriteFile(Target(), "old");
  for (const TemporaryName name : kBothWays) {
    Append(Make(name), "new");
    EXPECT_EQ(ReadFile(Target()), "old");
    EXPECT_THAT(Names(), ElementsAre("out"));
  }
}

TEST_F(TemporaryFileTest, ATargetThatAppearsOrVanishesMeanwhileMakesNoDifference) {
  for (const TemporaryName name : kBothWays) {
    for (const bool is_there : {false, true}) {
      if (is_there) WriteFile(Target(), "old");
      TemporaryFile file = Make(name);
      Append(file, "new");
      if (is_there) {
        fs::remove(Target());
      } else {
        WriteFile(Target(), "somebody else's");
      }
      file.MoveIntoPlace(Durability::kSynced);
      EXPECT_EQ(ReadFile(Target()), "new");
      EXPECT_THAT(Names(), ElementsAre("out"));
      fs::remove(Target());
    }
  }
}

TEST_F(TemporaryFileTest, AMoveThatFailsLeavesNothingBehind) {
  for (const TemporaryName name : kBothWays) {
    {
      TemporaryFile file = Make(name);
      fs::create_directory(Target());
      try {
        file.MoveIntoPlace(Durability::kSynced);
        ADD_FAILURE() << "a directory was replaced";
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), StartsWith("shown: cannot rename the finished"));
        EXPECT_THAT(error.what(), HasSubstr("Is a directory"));
      }
    }
    EXPECT_THAT(Names(), ElementsAre("out"));
    fs::remove(Target());
  }
}

TEST_F(TemporaryFileTest, ADirectoryThatIsRemovedMeanwhileIsAnError) {
  for (const TemporaryName name : kBothWays) {
    const std::string gone = Path("gone");
    fs::create_directory(gone);
    TemporaryFile file(gone + "/out", "shown", nullptr, name);
    fs::remove_all(gone);
    try {
      file.MoveIntoPlace(Durability::kSynced);
      ADD_FAILURE() << "a directory that is not there has a new file";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), StartsWith("shown: cannot "));
      EXPECT_THAT(error.what(), HasSubstr("No such file or directory; make its directory first"));
    }
  }
}

TEST_F(TemporaryFileTest, TheLongestNameIsReplacedToo) {
  const std::string longest(255, 'x');
  for (const TemporaryName name : kBothWays) {
    for (int run = 0; run < 2; ++run) {
      TemporaryFile file(Path(longest), "shown", nullptr, name);
      file.MoveIntoPlace(Durability::kNotSynced);
    }
    EXPECT_THAT(Names(), ElementsAre(longest));
  }
}

TEST_F(TemporaryFileTest, ItNeedsNoPrivileges) {
  if (geteuid() != 0) GTEST_SKIP() << "the other tests show it";
  ASSERT_EQ(chmod(directory_.path().c_str(), 0777), 0);
  for (const bool is_there : {false, true}) {
    Child child([&] {
      constexpr uid_t kNobody = 65534;
      if (setgid(kNobody) != 0 || setuid(kNobody) != 0) return false;
      TemporaryFile file = Make(TemporaryName::kIfNeeded);
      Append(file, is_there ? "second" : "first");
      const ino_t inode = InodeOf(file);
      file.MoveIntoPlace(Durability::kSynced);
      return InodeOf(Target()) == inode;  // not copied
    });
    EXPECT_EQ(child.Wait(), 0);
    EXPECT_EQ(ReadFile(Target()), is_there ? "second" : "first");
    EXPECT_THAT(Names(), ElementsAre("out"));
  }
}

TEST_F(TemporaryFileTest, AProcessThatIsKilledWhileItWritesLeavesNothing) {
  if (!HasFilesWithoutNames()) GTEST_SKIP() << "this file system has no files without names";
  WriteFile(Target(), "old");
  for (const std::string name : {"out", "fresh"}) {
    const Pipe has_written;
    Child child([&]() -> bool {
      OutputFile file(Path(name));
      file.Write(std::string(1'000'000, 'x'));
      has_written.Send();
      for (;;) file.Write("more");
    });
    ASSERT_TRUE(has_written.Receive());
    EXPECT_TRUE(DiedBy(child.Kill(), SIGKILL));
    EXPECT_THAT(Names(), ElementsAre("out"));
    EXPECT_EQ(ReadFile(Target()), "old");
  }
}

// The moment between a link to a name of its own and its renaming is hard to hit.
TEST_F(TemporaryFileTest, AProcessThatIsKilledAtAnyTimeLeavesNothingThatIsNotWhole) {
  if (!HasFilesWithoutNames()) GTEST_SKIP() << "this file system has no files without names";
  const std::string whole(100'000, 'x');
  for (int run = 0; run < 100; ++run) {
    const Pipe is_ready;
    Child child([&]() -> bool {
      is_ready.Send();
      for (;;) {
        OutputFile file(Target(), Durability::kNotSynced);
        file.Write(whole);
        file.Commit();
      }
    });
    ASSERT_TRUE(is_ready.Receive());
    usleep(static_cast<useconds_t>(37 * run));
    child.Kill();
    const std::vector<std::string> names = Names();
    EXPECT_LE(names.size(), 2U);
    for (const std::string& name : names) {
      EXPECT_TRUE(ReadFile(Path(name)) == whole) << name;
      fs::remove(Path(name));
    }
  }
}

/// Runs `body` in a child where something else is mounted over `place`. -1: that is not allowed.
int StatusWithMount(const std::string& place, const char* options,
                    const std::function<bool()>& body) {
  constexpr int kNotAllowed = 77;
  const int status = Child([&] {
                       if (unshare(CLONE_NEWNS) != 0 ||
                           mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
                           mount("none", place.c_str(), "tmpfs", 0, options) != 0) {
                         _exit(kNotAllowed);
                       }
                       return body();
                     }).Wait();
  return WIFEXITED(status) && WEXITSTATUS(status) == kNotAllowed ? -1 : status;
}

TEST_F(TemporaryFileTest, WithoutProcItIsCopiedToAName) {
  std::string large;
  large.resize(size_t{20} << 20, 'x');  // copied in pieces
  for (const bool is_there : {false, true}) {
    const int status = StatusWithMount("/proc", "", [&] {
      TemporaryFile file = Make(TemporaryName::kIfNeeded);
      Append(file, large);
      file.MoveIntoPlace(Durability::kNotSynced);
      return true;
    });
    if (status == -1) GTEST_SKIP() << "nothing can be mounted here";
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(ReadFile(Target()) == large);
    EXPECT_THAT(Names(), ElementsAre("out"));
    if (!is_there) fs::permissions(Target(), fs::perms{0604});
  }
  EXPECT_EQ(fs::status(Target()).permissions(), fs::perms{0604});
}

TEST_F(TemporaryFileTest, AFullDiskIsAnErrorAndLeavesTheOldFile) {
  const int status = StatusWithMount(directory_.path(), "size=1M", [&] {
    WriteFile(Target(), "old");
    for (int run = 0; run < 3; ++run) {
      try {
        OutputFile file(Target());
        file.Write(std::string(2'000'000, 'x'));
        return false;
      } catch (const Error& error) {
        if (std::string_view(error.what()).find("No space left on device; free some") ==
            std::string_view::npos) {
          return false;
        }
      }
      if (Names() != std::vector<std::string>{"out"} || ReadFile(Target()) != "old") return false;
    }
    OutputFile file(Target());
    file.Write(std::string(900'000, 'x'));  // what failed before takes no space
    file.Commit();
    return true;
  });
  if (status == -1) GTEST_SKIP() << "nothing can be mounted here";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace tally
