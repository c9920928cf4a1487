#include "master/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "common/error.h"
#include "common/escape.h"
#include "master/output_error.h"
#include "master/signals.h"

namespace tally {
namespace {

namespace fs = std::filesystem;

/// Whether the entries of this directory, a canonical path, are this process's open descriptors.
bool HoldsOwnDescriptors(const fs::path& directory) {
  if (directory.filename() != "fd") return false;  // nearly always, and what follows takes a while
  std::error_code error;
  return directory == fs::canonical("/proc/self/fd", error);
}

/// Follows symbolic links to the name that is to be made or replaced. Unlike realpath(), also
/// where the last of them dangles, and never through a descriptor's link in /proc.
fs::path FollowLinks(const std::string& path) {
  constexpr int kMaxLinks = 40;  // as in the kernel
  fs::path current = path;
  for (int links = 0; links < kMaxLinks; ++links) {
    const fs::path parent = current.has_parent_path() ? current.parent_path() : fs::path(".");
    std::error_code error;
    const fs::path directory = fs::canonical(parent, error);
    if (error) throw OutputError(path, "cannot write", error.value());
    current = directory / current.filename();
    if (HoldsOwnDescriptors(directory)) return current;
    const fs::path link = fs::read_symlink(current, error);
    if (error) return current;
    current = directory / link;
  }
  throw OutputError(path, "cannot write", ELOOP);
}

/// The N where `target` is this process's own /proc/self/fd/N.
std::optional<int> DescriptorAt(const fs::path& target) {
  if (!HoldsOwnDescriptors(target.parent_path())) return std::nullopt;
  const std::string name = target.filename();
  int descriptor = -1;
  const auto [end, status] = std::from_chars(name.data(), name.data() + name.size(), descriptor);
  if (status != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return descriptor;
}

/// A rename would replace even a read-only file; whoever made it read-only meant it.
void CheckWritable(const std::string& path, const std::string& target) {
  if (faccessat(AT_FDCWD, target.c_str(), W_OK, AT_EACCESS) != 0) {
    throw OutputError(path, "cannot write", errno);
  }
}

}  // namespace

OutputFile::OutputFile() : path_("standard output") { OpenDescriptor(STDOUT_FILENO); }

OutputFile::OutputFile(const std::string& path, Durability durability)
    : durability_(durability), path_(path) {
  const fs::path target = FollowLinks(path);
  if (const std::optional<int> descriptor = DescriptorAt(target)) {
    OpenDescriptor(*descriptor);
    return;
  }
  struct stat old_file {};
  const bool exists = stat(path.c_str(), &old_file) == 0;
  if (!exists && errno != ENOENT) throw OutputError(path_, "cannot write", errno);
  if (exists && S_ISDIR(old_file.st_mode)) throw OutputError(path_, "cannot write", EISDIR);
  if (exists && !S_ISREG(old_file.st_mode)) {
    OpenDirectly();
    return;
  }
  if (target.filename().empty()) throw OutputError(path_, "cannot write", ENOENT);
  if (exists) CheckWritable(path_, target);
  temporary_.emplace(target, path_, exists ? &old_file : nullptr);
  fd_ = temporary_->Duplicate();
}

OutputFile::~OutputFile() { Discard(); }

void OutputFile::CheckTarget(const std::string& path) {
  struct stat status {};
  // A reader of a FIFO must not see it opened and closed.
  const bool special =
      stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
  if (!special) OutputFile(path, Durability::kNotSynced);
}

// A duplicate, for Commit() to close: that reports errors as any close() does (of a file on NFS,
// say), and nothing else the program opens can become descriptor 1.
void OutputFile::OpenDescriptor(int descriptor) {
  const int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) throw OutputError(path_, "cannot write", EBADF);
  fd_ = UniqueFd(fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!fd_) throw OutputError(path_, "cannot write", errno);
}

void OutputFile::OpenDirectly() {
  // A FIFO is opened only once it has a reader.
  do {
    ThrowIfStopped();
    fd_ = UniqueFd(open(path_.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC));
  } while (!fd_ && errno == EINTR);
  if (!fd_) throw OutputError(path_, "cannot write", errno);
}

bool OutputFile::IsTerminal() const { return isatty(fd_.get()) == 1; }

void OutputFile::Write(std::string_view bytes) {
  assert(fd_);
  while (!bytes.empty()) {
    ThrowIfStopped();
    WriteSome(&bytes);
  }
}

void OutputFile::WriteSome(std::string_view* bytes) {
  const ssize_t written = write(fd_.get(), bytes->data(), bytes->size());
  if (written > 0) {
    bytes->remove_prefix(static_cast<size_t>(written));
    return;
  }
  const int error = written == 0 ? EIO : errno;
  switch (error) {
    case EINTR:
      return;
    case EAGAIN: {
      // Another program may have made a shared terminal or pipe non-blocking. A signal that comes
      // just before poll() does not end it, so it ends by itself now and then.
      constexpr int kPollMs = 200;
      pollfd writable{.fd = fd_.get(), .events = POLLOUT, .revents = 0};
      poll(&writable, 1, kPollMs);
      return;
    }
    case EPIPE:
      DieBySignal(SIGPIPE);
    default:
      throw OutputError(path_, "cannot write", error);
  }
}

void OutputFile::Commit() {
  assert(fd_);
  ThrowIfStopped();
  try {
    Close();
    if (temporary_) temporary_->MoveIntoPlace(durability_);
    temporary_.reset();
  } catch (...) {
    Discard();
    throw;
  }
}

void OutputFile::Close() {
  // Linux has closed the descriptor even where it reports EINTR.
  if (close(fd_.Release()) != 0 && errno != EINTR) throw OutputError(path_, "cannot write", errno);
}

void OutputFile::Discard() {
  fd_ = UniqueFd();
  temporary_.reset();
}

void Print(std::string_view text) {
  OutputFile out;
  out.Write(text);
  out.Commit();
}

std::optional<FileId> RegularFileId(const std::string& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0 || !S_ISREG(file.st_mode)) return std::nullopt;
  return FileId{.device = file.st_dev, .inode = file.st_ino};
}

void RefuseToOverwrite(std::optional<FileId> output, const std::string& name,
                       const std::vector<std::string>& inputs) {
  if (!output) return;
  for (const std::string& path : inputs) {
    if (output == (path == "-" ? RegularFileId(STDIN_FILENO) : RegularFileId(path))) {
      throw Error(
          fmt::format("{}: is an input as well; nothing was written", EscapeForMessage(name)));
    }
  }
}

void RefuseToOverwrite(const std::string& output_path, const std::vector<std::string>& inputs) {
  RefuseToOverwrite(RegularFileId(output_path), output_path, inputs);
}

void RefuseToShareStandardOutput(const std::string& path, std::string_view option,
                                 std::string_view what) {
  const auto output = RegularFileId(STDOUT_FILENO);
  if (output && output == RegularFileId(path)) {
    throw UsageError(fmt::format("{} names the file that {} to, {}; name another", option, what,
                                 EscapeForMessage(path)));
  }
}

bool NameOneFile(const std::string& a, const std::string& b) {
  try {
    return FollowLinks(a) == FollowLinks(b);
  } catch (const Error&) {
    return false;  // opening it will tell what is wrong with it
  }
}

std::optional<FileId> RegularFileId(int fd) {
  struct stat file {};
  if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) return std::nullopt;
  return FileId{.device = file.st_dev, .inode = file.st_ino};
}

}  // namespace tally
