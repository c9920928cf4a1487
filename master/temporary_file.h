// A file that gets its name when it is whole.
#ifndef TALLY_MASTER_TEMPORARY_FILE_H_
#define TALLY_MASTER_TEMPORARY_FILE_H_

#include <sys/stat.h>

#include <string>

#include "common/unique_fd.h"

namespace tally {

/// Whether a finished file waits until the disk has it: then it outlives a crash of the machine.
/// Costs up to some tenths of a second.
enum class Durability { kSynced, kNotSynced };

/// Whether a temporary file has a name of its own.
enum class TemporaryName {
  kIfNeeded,  // where the file system cannot do without (O_TMPFILE)
  kAlways,    // for tests
};

/// A new file on the file system of its target, with the permissions (and, as far as possible, the
/// owner) of the file that it is to replace. It has no name, so that nothing of it is left, however
/// this process ends; where that cannot be, it is `.NAME.xxxxxx` beside the target, and the
/// destructor removes it.
/// Every failure throws an Error that names `shown_path`. For the single-threaded master only.
class TemporaryFile {
 public:
  /// `target` is what MoveIntoPlace() makes or replaces: no symbolic link. `old_file` is its state;
  /// null: there is none.
  TemporaryFile(std::string target, std::string shown_path, const struct stat* old_file,
                TemporaryName name = TemporaryName::kIfNeeded);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  /// A descriptor to write to it, for the caller to close before MoveIntoPlace().
  UniqueFd Duplicate() const;

  /// Gives it the target's name. Where it throws, for a stop signal too, what had that name before
  /// has it still: a directory that cannot be synced afterwards is only warned of.
  void MoveIntoPlace(Durability durability);

 private:
  std::string Directory() const;
  std::string NamePrefix() const;
  void OpenNamed();
  void SetOwnerAndMode(const struct stat* old_file);
  bool Link(const std::string& path) const;
  bool LinkToNameOfItsOwn();
  void CopyToNamed();
  void Sync() const;
  void SyncDirectory() const;
  void Remove();

  std::string target_;
  std::string shown_path_;
  std::string own_path_;  // empty: it has no name of its own (any more)
  UniqueFd fd_;
};

}  // namespace tally

#endif  // TALLY_MASTER_TEMPORARY_FILE_H_
