// Where a run's bytes end up: standard output, a device, or a file that appears whole or not at
// all.
#ifndef TALLY_MASTER_OUTPUT_FILE_H_
#define TALLY_MASTER_OUTPUT_FILE_H_

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/input.h"
#include "common/unique_fd.h"
#include "master/output.h"
#include "master/temporary_file.h"

namespace tally {

/// A file being written. For a regular (or new) file the bytes go to a temporary one with the
/// target's permissions, and Commit() moves it to the target (to what it links to, where the target
/// is a symbolic link); without Commit() nothing is left of it.
/// Pipes and devices (/dev/null, a FIFO) are written to directly, and so is what is open already
/// (/dev/stdout, /dev/fd/3), even where that is a regular file.
/// Every failure throws an Error naming the path; a write to a pipe whose reader has gone ends
/// the process by SIGPIPE. Write() throws Interrupted once a signal asked to stop.
/// For the master only.
class OutputFile : public ByteSink {
 public:
  /// Standard output.
  OutputFile();
  /// `path`; throws where no file can be made there.
  explicit OutputFile(const std::string& path, Durability durability = Durability::kSynced);
  ~OutputFile() override;

  /// Throws what the constructor and Write() would throw for `path` as things stand, and leaves
  /// nothing behind: to find out before hours of work rather than after.
  static void CheckTarget(const std::string& path);

  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void Write(std::string_view bytes) override;

  /// Whether a person reads it.
  bool IsTerminal() const;

  /// Makes what was written the file's content; nothing can be written after it. close() is
  /// checked, for standard output too. Where it throws, the old file is still there.
  void Commit();

 private:
  void OpenDescriptor(int descriptor);
  void OpenDirectly();
  void WriteSome(std::string_view* bytes);
  void Close();
  void Discard();

  Durability durability_ = Durability::kNotSynced;
  std::string path_;                        // as given, for messages
  std::optional<TemporaryFile> temporary_;  // none where it is written to directly
  UniqueFd fd_;
};

/// Prints a text to standard output, with all that OutputFile checks.
void Print(std::string_view text);

/// The identity of the file at `path`, or of an open descriptor: to refuse an output that is also
/// an input. None where there is no such file or it is not a regular one.
std::optional<FileId> RegularFileId(const std::string& path);
std::optional<FileId> RegularFileId(int fd);

/// Throws an Error where an output, named so in messages, is one of the inputs (paths, or "-" for
/// standard input).
void RefuseToOverwrite(std::optional<FileId> output, const std::string& name,
                       const std::vector<std::string>& inputs);
void RefuseToOverwrite(const std::string& output_path, const std::vector<std::string>& inputs);

/// Throws a UsageError where a further output goes to the file that standard output is. `option`
/// names it ("--stats"), and `what` says what else goes there ("the counts").
void RefuseToShareStandardOutput(const std::string& path, std::string_view option,
                                 std::string_view what);

/// Whether outputs to these paths would end up in one file, be it there already or not.
bool NameOneFile(const std::string& a, const std::string& b);

}  // namespace tally

#endif  // TALLY_MASTER_OUTPUT_FILE_H_
