// One input of a run, opened and looked at by the master, read by the workers.
#ifndef TALLY_COMMON_INPUT_H_
#define TALLY_COMMON_INPUT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/mapped_file.h"
#include "common/unique_fd.h"

namespace tally {

/// What a file is, whatever its name: to refuse an output that is an input as well.
struct FileId {
  uint64_t device;
  uint64_t inode;
  bool operator==(const FileId&) const = default;
};

/// Who owns a file, who may read it, and how many names it has.
struct FileAttributes {
  uint64_t mode;
  uint64_t user;
  uint64_t group;
  uint64_t links;
  bool operator==(const FileAttributes&) const = default;
};

/// A file as it stands. Times are since the epoch.
struct FileState {
  FileId id;
  uint64_t size_bytes;
  int64_t modified_ns;  // set by whatever writes to it, but anybody may set it to any time
  int64_t changed_ns;   // set to now by all of these, and by what changes the attributes
  FileAttributes attributes;
};

/// Either mapped (a plain regular file) or a stream (anything else), which one worker reads from
/// front to end and hands out as blocks.
struct Input {
  std::string name;         // for messages
  uint64_t file_bytes = 0;  // its size where that is known, else 0
  bool size_known = false;
  std::optional<FileState> state;  // of a regular file, when it was opened

  // None: a stream. Standard input's text begins where its offset stands.
  std::optional<std::string_view> text;
  MappedFile mapping;  // what `text` lies in
  int cannot_map = 0;  // why a plain file is a stream all the same (errno)

  // Streams only.
  bool gzip = false;
  std::string path;    // opened again by the reader; empty: `fd` is read
  UniqueFd fd;         // pipes and standard input
  std::string prefix;  // bytes that were already read from `fd`

  bool is_stream() const { return !text.has_value(); }
};

}  // namespace tally

#endif  // TALLY_COMMON_INPUT_H_
