// Task `io`: each item writes a file of its own, waits until the disk has it, and reads it back.
// The files have no names (where the file system knows such files), so nothing is left of them,
// however the program ends.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/error.h"
#include "common/escape.h"
#include "common/unique_fd.h"
#include "master/compare/items.h"
#include "master/compare/tasks.h"

namespace tally::compare {
namespace {

constexpr size_t kFileBytes = size_t{256} << 10;

std::string Directory() {
  const char* const directory = std::getenv("TMPDIR");
  return directory != nullptr && *directory != '\0' ? directory : "/tmp";
}

bool IsInMemory(const std::string& directory) {
  struct statfs about {};
  return std::filesystem::is_directory(directory) && statfs(directory.c_str(), &about) == 0 &&
         (about.f_type == TMPFS_MAGIC || about.f_type == RAMFS_MAGIC);
}

UniqueFd OpenFileWithoutName(const std::string& directory) {
  UniqueFd file(open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file && (errno == EOPNOTSUPP || errno == EISDIR)) {
    // A file system that knows no such files: one with a name, for as short as can be.
    std::string path = directory + "/tally.XXXXXX";
    file = UniqueFd(mkostemp(path.data(), O_CLOEXEC));
    if (file) unlink(path.c_str());
  }
  if (!file) {
    const bool remedy = errno != EMFILE && errno != ENFILE;
    throw SystemError(EscapeForMessage(directory),
                      remedy ? "no file can be made there (TMPDIR chooses another directory)"
                             : "no file can be made there",
                      errno);
  }
  return file;
}

// Different in each file, and made in no time: it is not what is to be measured.
std::string ContentOf(uint32_t item) {
  return std::string(kFileBytes, static_cast<char>('a' + item % 26));
}

void WriteAndSync(int fd, std::string_view content, const std::string& directory) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw SystemError(EscapeForMessage(directory), "a write failed", errno);
    content.remove_prefix(static_cast<size_t>(written));
  }
  if (fsync(fd) != 0) throw SystemError(EscapeForMessage(directory), "fsync failed", errno);
}

std::string ReadAll(int fd, const std::string& directory) {
  // Out of the page cache, where the file system allows it: what is read comes from the disk.
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  std::string content(kFileBytes, '\0');
  size_t size = 0;
  while (size < content.size()) {
    const ssize_t got =
        pread(fd, content.data() + size, content.size() - size, static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw SystemError(EscapeForMessage(directory), "a read failed", errno);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  content.resize(size);
  return content;
}

uint64_t WriteAndReadBack(const std::string& directory, uint32_t item) {
  const UniqueFd file = OpenFileWithoutName(directory);
  const std::string content = ContentOf(item);
  WriteAndSync(file.get(), content, directory);
  if (ReadAll(file.get(), directory) != content) {
    throw Error(fmt::format("{}: other bytes were read than written", EscapeForMessage(directory)));
  }
  return content.size();
}

}  // namespace

Task IoTask() {
  const std::string directory = Directory();
  Task task = TaskOfItems("io",
                          fmt::format("20 files of 256 KiB in {}: written, synced, read back",
                                      EscapeForMessage(directory)),
                          [directory](uint32_t item) { return WriteAndReadBack(directory, item); });
  if (IsInMemory(directory)) {
    task.not_shown = fmt::format(
        "This shows nothing of a disk: {} is in memory, where a sync costs nothing. TMPDIR chooses "
        "another directory.",
        EscapeForMessage(directory));
  }
  return task;
}

}  // namespace tally::compare
