#include "master/temporary_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>

#include "common/error.h"
#include "common/fault_point.h"
#include "master/messages.h"
#include "master/output_error.h"
#include "master/signals.h"

namespace tally {
namespace {

constexpr std::string_view kCannotMake = "cannot make a temporary file beside it";

/// Permissions of a file made by open(..., 0666). Single-threaded only: there is no call that
/// reads the mask without setting it.
mode_t NewFileMode() {
  const mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
}

}  // namespace

TemporaryFile::TemporaryFile(std::string target, std::string shown_path,
                             const struct stat* old_file, TemporaryName name)
    : target_(std::move(target)), shown_path_(std::move(shown_path)) {
  // A name is asked for after all where this fails: that may work, or tells what is wrong.
  if (name == TemporaryName::kIfNeeded) {
    fd_ = UniqueFd(open(Directory().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  }
  if (!fd_) OpenNamed();
  try {
    SetOwnerAndMode(old_file);
  } catch (...) {
    Remove();
    throw;
  }
}

TemporaryFile::~TemporaryFile() { Remove(); }

std::string TemporaryFile::Directory() const {
  return std::filesystem::path(target_).parent_path();
}

// Of a name of its own, six characters longer, that is as long as a name may be at most.
std::string TemporaryFile::NamePrefix() const {
  constexpr size_t kMostBytes = 255 - std::string_view("..xxxxxx").size();
  const std::string name = std::filesystem::path(target_).filename();
  return fmt::format("{}/.{}.", Directory(), name.substr(0, kMostBytes));
}

void TemporaryFile::OpenNamed() {
  std::string path = NamePrefix() + "XXXXXX";
  fd_ = UniqueFd(mkostemp(path.data(), O_CLOEXEC));
  if (!fd_) throw OutputError(shown_path_, kCannotMake, errno);
  own_path_ = std::move(path);
}

void TemporaryFile::SetOwnerAndMode(const struct stat* old_file) {
  // Only root can leave a file to its owner, and only a member can leave it to its group: for
  // anybody else the new file is their own.
  if (old_file != nullptr && fchown(fd_.get(), old_file->st_uid, old_file->st_gid) != 0) {
    (void)!fchown(fd_.get(), static_cast<uid_t>(-1), old_file->st_gid);
  }
  const mode_t mode = old_file != nullptr ? old_file->st_mode & 0777 : NewFileMode();
  if (fchmod(fd_.get(), mode) != 0) {
    throw OutputError(shown_path_, "cannot set permissions", errno);
  }
}

UniqueFd TemporaryFile::Duplicate() const {
  UniqueFd duplicate(fcntl(fd_.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!duplicate) throw OutputError(shown_path_, "cannot write", errno);
  return duplicate;
}

void TemporaryFile::MoveIntoPlace(Durability durability) {
  // Before it has a name: else a crash of the machine soon after that can leave an empty file.
  if (durability == Durability::kSynced) Sync();
  // Straight to a name that is free. One that is taken can only be replaced by another name.
  if (!own_path_.empty() || !Link(target_)) {
    if (own_path_.empty() && !LinkToNameOfItsOwn()) CopyToNamed();
    TALLY_FAULT_POINT("before-rename");
    if (rename(own_path_.c_str(), target_.c_str()) != 0) {
      throw OutputError(shown_path_, "cannot rename the finished temporary file", errno);
    }
    own_path_.clear();
  }
  if (durability == Durability::kSynced) SyncDirectory();
}

// By its link in /proc: to link the descriptor itself takes privileges.
bool TemporaryFile::Link(const std::string& path) const {
  const std::string descriptor = fmt::format("/proc/self/fd/{}", fd_.get());
  return linkat(AT_FDCWD, descriptor.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

bool TemporaryFile::LinkToNameOfItsOwn() {
  constexpr int kMostAttempts = 100;
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    uint32_t random;
    if (getentropy(&random, sizeof random) != 0) break;
    std::string path = fmt::format("{}{:06x}", NamePrefix(), random & 0xffffff);
    if (Link(path)) {
      own_path_ = std::move(path);
      return true;
    }
    if (errno != EEXIST) break;
  }
  return false;
}

// Some places have files without names, but no links to them: without /proc, or where a policy
// forbids links. There is no telling before it is tried, and then the work of hours is done.
void TemporaryFile::CopyToNamed() {
  constexpr size_t kPieceBytes = size_t{8} << 20;
  const UniqueFd unnamed = std::move(fd_);
  struct stat state {};
  if (fstat(unnamed.get(), &state) != 0) throw OutputError(shown_path_, kCannotMake, errno);
  OpenNamed();
  SetOwnerAndMode(&state);
  for (off_t copied = 0; copied < state.st_size;) {
    ThrowIfStopped();
    const ssize_t count = sendfile(fd_.get(), unnamed.get(), &copied, kPieceBytes);
    if (count > 0 || (count < 0 && errno == EINTR)) continue;
    throw OutputError(shown_path_, "cannot write", count == 0 ? EIO : errno);
  }
  Sync();  // whether or not it must outlive a crash: no close() reports errors of this descriptor
}

void TemporaryFile::Sync() const {
  while (fsync(fd_.get()) != 0) {
    if (errno == EINVAL || errno == ENOTSUP) break;  // a file system with nothing to sync
    if (errno != EINTR) throw OutputError(shown_path_, "cannot write", errno);
    ThrowIfStopped();
  }
  // A signal may have come during a long wait that it could not end.
  ThrowIfStopped();
}

// Without this, a crash of the machine soon after can take the name away again. The old file is
// gone, so this is too late to fail.
void TemporaryFile::SyncDirectory() const {
  const UniqueFd directory(open(Directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  int result = directory ? 0 : -1;
  if (directory) {
    do {
      result = fsync(directory.get());
    } while (result != 0 && errno == EINTR);
  }
  if (result == 0 || errno == EINVAL || errno == ENOTSUP) return;
  Say(SystemError(shown_path_,
                  "is complete, but a crash of the machine soon may undo that: its directory "
                  "cannot be synced",
                  errno)
          .what());
}

void TemporaryFile::Remove() {
  fd_ = UniqueFd();
  if (!own_path_.empty()) unlink(own_path_.c_str());
  own_path_.clear();
}

}  // namespace tally
