// Output files in an empty directory, and children with a standard output of their own.
#ifndef TALLY_TESTS_OUTPUT_FILE_FIXTURE_H_
#define TALLY_TESTS_OUTPUT_FILE_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "master/output_file.h"

namespace tally {

constexpr int kAsExpected = 7;

inline std::string ContentOf(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void MakeFile(const std::filesystem::path& path, std::string_view content,
                     mode_t mode = 0644) {
  std::ofstream(path, std::ios::binary) << content;
  ASSERT_EQ(chmod(path.c_str(), mode), 0);
}

inline mode_t ModeOf(const std::filesystem::path& path) {
  struct stat file {};
  EXPECT_EQ(stat(path.c_str(), &file), 0);
  return file.st_mode & 07777;
}

inline std::string MessageOf(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

inline void WriteWhole(const std::string& path, std::string_view content) {
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
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string PathOf(const std::string& name) const { return directory_ / name; }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
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

  std::filesystem::path directory_;
};

}  // namespace tally

#endif  // TALLY_TESTS_OUTPUT_FILE_FIXTURE_H_
