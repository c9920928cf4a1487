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
#include "master/signals.h"

namespace tally {
namespace {

namespace fs = std::filesystem;

/// What a person can do about a failed system call on an output; empty where errno says it all.
std::string_view Remedy(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "; free some space there, or write to another place";
    case EACCES:
    case EPERM:
    case EROFS:
      return "; write to a place where you may";
    case ENOENT:
    case ENOTDIR:
      return "; make its directory first";
    case EFBIG:
      return "; raise the limit on file sizes (ulimit -f)";
    case EBUSY:
      return "; it is a mount point, write beside it";
    case EBADF:
      return "; it is closed, or open for reading only";
    case EIO:
      return "; check the disk";
    default:
      return "";
  }
}

Error Failure(const std::string& path, std::string_view what, int error) {
  return Error(SystemError(path, what, error).what() + std::string(Remedy(error)));
}

/// The directory whose entries are this process's open descriptors; empty without /proc.
fs::path OwnDescriptors() {
  std::error_code error;
  return fs::canonical("/proc/self/fd", error);
}

/// Follows symbolic links to the name that is to be made or replaced. Unlike realpath(), also
/// where the last of them dangles, and never through a descriptor's link in /proc.
fs::path FollowLinks(const std::string& path) {
  constexpr int kMaxLinks = 40;  // as in the kernel
  const fs::path own_descriptors = OwnDescriptors();
  fs::path current = path;
  for (int links = 0; links < kMaxLinks; ++links) {
    const fs::path parent = current.has_parent_path() ? current.parent_path() : fs::path(".");
    std::error_code error;
    const fs::path directory = fs::canonical(parent, error);
    if (error) throw Failure(path, "cannot write", error.value());
    current = directory / current.filename();
    if (directory == own_descriptors) return current;
    const fs::path link = fs::read_symlink(current, error);
    if (error) return current;
    current = directory / link;
  }
  throw Failure(path, "cannot write", ELOOP);
}

/// The N where `target` is this process's own /proc/self/fd/N.
std::optional<int> DescriptorAt(const fs::path& target) {
  if (target.parent_path() != OwnDescriptors()) return std::nullopt;
  const std::string name = target.filename();
  int descriptor = -1;
  const auto [end, status] = std::from_chars(name.data(), name.data() + name.size(), descriptor);
  if (status != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return descriptor;
}

/// A rename would replace even a read-only file; whoever made it read-only meant it.
void CheckWritable(const std::string& path, const std::string& target) {
  if (faccessat(AT_FDCWD, target.c_str(), W_OK, AT_EACCESS) != 0) {
    throw Failure(path, "cannot write", errno);
  }
}

/// Permissions of a file made by open(..., 0666). Single-threaded only: there is no call that
/// reads the mask without setting it.
mode_t NewFileMode() {
  const mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
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
  if (!exists && errno != ENOENT) throw Failure(path_, "cannot write", errno);
  if (exists && S_ISDIR(old_file.st_mode)) throw Failure(path_, "cannot write", EISDIR);
  if (exists && !S_ISREG(old_file.st_mode)) {
    OpenDirectly();
    return;
  }
  if (target.filename().empty()) throw Failure(path_, "cannot write", ENOENT);
  target_path_ = target;
  if (exists) CheckWritable(path_, target_path_);
  OpenTemporary(exists ? &old_file : nullptr);
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
  if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) throw Failure(path_, "cannot write", EBADF);
  fd_ = UniqueFd(fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!fd_) throw Failure(path_, "cannot write", errno);
}

void OutputFile::OpenDirectly() {
  // A FIFO is opened only once it has a reader.
  do {
    ThrowIfStopped();
    fd_ = UniqueFd(open(path_.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC));
  } while (!fd_ && errno == EINTR);
  if (!fd_) throw Failure(path_, "cannot write", errno);
}

void OutputFile::OpenTemporary(const struct stat* old_file) {
  constexpr size_t kMaxNameBytes = 255 - std::string_view("..XXXXXX").size();
  const fs::path target = target_path_;
  const std::string name = target.filename().string().substr(0, kMaxNameBytes);
  std::string temporary = target.parent_path() / fmt::format(".{}.XXXXXX", name);
  fd_ = UniqueFd(mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd_) throw Failure(path_, "cannot make a temporary file beside it", errno);
  temporary_path_ = std::move(temporary);

  // Only root can leave a file to its owner, and only a member can leave it to its group: for
  // anybody else the new file is their own.
  if (old_file != nullptr && fchown(fd_.get(), old_file->st_uid, old_file->st_gid) != 0) {
    (void)!fchown(fd_.get(), static_cast<uid_t>(-1), old_file->st_gid);
  }
  const mode_t mode = old_file != nullptr ? old_file->st_mode & 0777 : NewFileMode();
  if (fchmod(fd_.get(), mode) != 0) {
    const int error = errno;
    Discard();
    throw Failure(path_, "cannot set permissions", error);
  }
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
      throw Failure(path_, "cannot write", error);
  }
}

void OutputFile::Commit() {
  assert(fd_);
  ThrowIfStopped();
  try {
    if (!temporary_path_.empty() && durability_ == Durability::kSynced) Sync();
    Close();
    if (!temporary_path_.empty()) {
      if (rename(temporary_path_.c_str(), target_path_.c_str()) != 0) {
        throw Failure(path_, "cannot rename the finished temporary file", errno);
      }
      temporary_path_.clear();
    }
  } catch (...) {
    Discard();
    throw;
  }
}

// Without this, a crash of the machine soon after the rename can leave an empty file.
void OutputFile::Sync() {
  while (fsync(fd_.get()) != 0) {
    if (errno == EINVAL || errno == ENOTSUP) break;  // a file system with nothing to sync
    if (errno != EINTR) throw Failure(path_, "cannot write", errno);
    ThrowIfStopped();
  }
  // A signal may have come during a long wait that it could not end.
  ThrowIfStopped();
}

void OutputFile::Close() {
  // Linux has closed the descriptor even where it reports EINTR.
  if (close(fd_.Release()) != 0 && errno != EINTR) throw Failure(path_, "cannot write", errno);
}

void OutputFile::Discard() {
  fd_ = UniqueFd();
  if (!temporary_path_.empty()) unlink(temporary_path_.c_str());
  temporary_path_.clear();
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
