#include "master/input_opener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "common/error.h"
#include "common/escape.h"
#include "master/signals.h"
#include "worker/byte_source.h"
#include "worker/gzip_source.h"
#include "worker/stream_reader.h"

namespace tally {
namespace {

// Enough for the longest key and the columns behind it.
constexpr size_t kPeekBytes = kMaxKeyBytes + (size_t{64} << 10);
// A process may have 65530 mappings (vm.max_map_count), and a file takes up to two. The others are
// read: small ones, or there would not be so many.
constexpr size_t kMaxMappedFiles = 16384;
constexpr std::string_view kStdinName = "standard input";

std::string NameOf(const std::string& path) { return path == "-" ? std::string(kStdinName) : path; }

int64_t InNs(const timespec& time) {
  constexpr int64_t kNsPerSecond = 1'000'000'000;
  return time.tv_sec * kNsPerSecond + time.tv_nsec;
}

FileState StateOf(const struct stat& status) {
  return {.id = {.device = status.st_dev, .inode = status.st_ino},
          .size_bytes = static_cast<uint64_t>(status.st_size),
          .modified_ns = InNs(status.st_mtim),
          .changed_ns = InNs(status.st_ctim),
          .attributes = {.mode = status.st_mode,
                         .user = status.st_uid,
                         .group = status.st_gid,
                         .links = status.st_nlink}};
}

// What happened to a file, to follow its name, and what to do about it. Empty: nothing that may
// have changed its text.
std::string DescribeChange(const FileState& before, const FileState& now) {
  constexpr const char* kChanged = ": changed while being read";
  if (now.id != before.id) {
    return fmt::format(
        "{}: another file took its place; nothing was written: count again for that one", kChanged);
  }
  if (now.size_bytes < before.size_bytes) {
    return fmt::format(" shrank from {} to {} bytes while being read; nothing was written",
                       before.size_bytes, now.size_bytes);
  }
  if (now.size_bytes != before.size_bytes || now.modified_ns != before.modified_ns) {
    return fmt::format("{}; nothing was written: count it once it is complete", kChanged);
  }
  return "";
}

// None where it is not there.
std::optional<FileState> StateNow(const Input& input, const std::string& path) {
  struct stat status {};
  if ((path == "-" ? fstat(STDIN_FILENO, &status) : stat(path.c_str(), &status)) == 0) {
    return StateOf(status);
  }
  if (errno == ENOENT) return std::nullopt;
  throw SystemError(input.name, "cannot be checked for changes, so nothing was written", errno);
}

// What says of itself that it is empty is no file on a disk (/proc), and its time is made up.
bool CanTellChanges(const Input& input) { return input.state && input.state->size_bytes > 0; }

// Refuses what can be read only once and was named before: two readers would tear its records.
void NoteReadOnce(const std::string& path, const struct stat& status,
                  std::vector<std::pair<FileId, std::string>>* seen) {
  constexpr unsigned kMemoryDevices = 1;  // /dev/null and the like
  const bool is_device = S_ISCHR(status.st_mode) && major(status.st_rdev) != kMemoryDevices;
  if (!S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode) && !is_device) return;
  const FileId id{.device = status.st_dev, .inode = status.st_ino};
  for (const auto& [other_id, other] : *seen) {
    if (other_id != id) continue;
    throw UsageError(
        fmt::format("'{}' and '{}' are the same pipe or terminal, which can be read only "
                    "once",
                    EscapeForMessage(other), EscapeForMessage(path)));
  }
  seen->emplace_back(id, path);
}

void CheckOneReadable(const std::string& path, std::vector<std::pair<FileId, std::string>>* seen) {
  struct stat status;
  const bool is_stdin = path == "-";
  if ((is_stdin ? fstat(STDIN_FILENO, &status) : stat(path.c_str(), &status)) != 0) {
    throw SystemError(NameOf(path), is_stdin ? "cannot be read" : "cannot be opened", errno);
  }
  if (S_ISDIR(status.st_mode)) throw SystemError(NameOf(path), "cannot be counted", EISDIR);
  if (!is_stdin && faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0) {
    throw SystemError(path, "cannot be opened", errno);
  }
  NoteReadOnce(path, status, seen);
}

UniqueFd OpenForReading(const std::string& path, const std::function<void()>& while_waiting) {
  if (path == "-") {
    UniqueFd fd(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
    if (!fd) throw SystemError(kStdinName, "cannot be read", errno);
    return fd;
  }
  for (;;) {
    UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (fd) return fd;
    // Opening a FIFO waits for a writer.
    if (errno != EINTR) throw SystemError(path, "cannot be opened", errno);
    while_waiting();
  }
}

bool HasFirstLine(std::string_view text) {
  return text.size() >= kPeekBytes || text.find('\n') != text.npos;
}

// Appends the next piece to `text`. False where there is none.
bool ReadMore(ByteSource* source, std::string* text) {
  char buffer[4096];
  const size_t count = source->Read(buffer, sizeof buffer);
  text->append(buffer, count);
  return count > 0;
}

// The start of what gzip bytes that may break off hold.
std::string InflatePrefix(const std::string& compressed) {
  const auto source = MakeGzipSource(MakePrefixedSource(compressed, nullptr), "");
  std::string text;
  try {
    while (!HasFirstLine(text) && ReadMore(source.get(), &text)) {
    }
  } catch (const Error&) {
    // Here the prefix ends. If it is the file that is damaged, its reader will say so.
  }
  return text;
}

bool MayBecomeGzip(std::string_view first_bytes) {
  return first_bytes.size() < kGzipMagicBytes &&
         (first_bytes.empty() || first_bytes.front() == '\x1f');
}

// Reads no more of a pipe than its first line takes.
void PeekAtStream(Input* input, const std::function<void()>& while_waiting) {
  UniqueFd duplicate(fcntl(input->fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!duplicate) throw SystemError(input->name, "cannot be read", errno);
  const auto source = MakeDescriptorSource(std::move(duplicate), input->name, {while_waiting});
  std::string& prefix = input->prefix;
  while (MayBecomeGzip(prefix) && ReadMore(source.get(), &prefix)) {
  }
  input->gzip = LooksLikeGzip(prefix);
  if (!input->gzip) {
    while (!HasFirstLine(prefix) && ReadMore(source.get(), &prefix)) {
    }
    return;
  }
  // Inflating it all again for each further piece would take quadratic time.
  for (size_t next_look = 0; prefix.size() < kPeekBytes;) {
    if (prefix.size() >= next_look) {
      if (HasFirstLine(InflatePrefix(prefix))) return;
      next_look = 2 * prefix.size();
    }
    if (!ReadMore(source.get(), &prefix)) return;
  }
}

// A file of no bytes, a file that says so but is not (/proc), or one that can be mapped.
void MapOrStream(const std::string& path, const struct stat& status, bool may_map,
                 const std::function<void()>& while_waiting, Input* input) {
  const off_t begin = path == "-" ? lseek(input->fd.get(), 0, SEEK_CUR) : 0;
  if (begin < 0) throw SystemError(input->name, "cannot be read", errno);
  char first[kGzipMagicBytes];
  const ssize_t count = pread(input->fd.get(), first, sizeof first, begin);
  if (count < 0) {
    throw SystemError(input->name, fmt::format("cannot be read at byte {}", begin), errno);
  }
  const std::string_view start(first, static_cast<size_t>(count));
  input->gzip = LooksLikeGzip(start) || (path.ends_with(".gz") && LooksLikeDamagedGzip(start));
  input->size_known = true;
  const auto size = static_cast<uint64_t>(std::max(status.st_size, begin));
  input->file_bytes = size - static_cast<uint64_t>(begin);
  if (count == 0) {
    if (path.ends_with(".gz")) {
      throw Error(fmt::format("{}: truncated gzip data: it is empty; get it again",
                              EscapeForMessage(input->name)));
    }
    input->text = "";
    return;
  }
  if (!input->gzip && input->file_bytes > 0 && may_map) {
    try {
      input->mapping = MappedFile(input->fd.get(), size);
      input->text = input->mapping.text().substr(static_cast<size_t>(begin));
      return;
    } catch (const std::system_error& error) {
      // Some file systems cannot map; reading works everywhere.
      input->cannot_map = error.code().value();
    }
  }
  // Files of /sys say that they have a page, and have less.
  input->size_known = input->file_bytes > 0 && input->cannot_map != ENODEV;
  // What says of itself that it is empty may say something else when it is read again (/proc).
  if (path == "-" || !input->size_known) return PeekAtStream(input, while_waiting);
  // Thousands of compressed files are not all kept open: the reader opens its own again.
  input->path = path;
}

Input OpenInput(const std::string& path, bool may_map, const WhileWaiting& while_waiting_for) {
  Input input;
  input.name = NameOf(path);
  const auto while_waiting = [&] { while_waiting_for(input.name); };
  input.fd = OpenForReading(path, while_waiting);
  struct stat status;
  if (fstat(input.fd.get(), &status) != 0) throw SystemError(input.name, "cannot be read", errno);
  if (S_ISREG(status.st_mode)) {
    input.state = StateOf(status);
    MapOrStream(path, status, may_map, while_waiting, &input);
    if (!input.is_stream() || !input.path.empty()) input.fd = UniqueFd();
  } else {
    PeekAtStream(&input, while_waiting);
  }
  return input;
}

}  // namespace

void CheckReadable(const std::vector<std::string>& paths) {
  if (std::count(paths.begin(), paths.end(), "-") > 1) {
    throw UsageError("'-' is given twice, but standard input can be read only once");
  }
  std::vector<std::pair<FileId, std::string>> read_once;
  for (const std::string& path : paths) CheckOneReadable(path, &read_once);
}

std::vector<Input> OpenInputs(const std::vector<std::string>& paths,
                              const WhileWaiting& while_waiting_for) {
  std::vector<Input> inputs;
  inputs.reserve(paths.size());
  size_t mapped = 0;
  for (const std::string& path : paths) {
    ThrowIfStopped();
    inputs.push_back(OpenInput(path, /*may_map=*/mapped < kMaxMappedFiles, while_waiting_for));
    if (!inputs.back().is_stream()) ++mapped;
  }
  return inputs;
}

std::string FirstText(const Input& input) {
  if (!input.is_stream()) {
    return std::string(input.text->substr(0, std::min(input.text->find('\n'), kPeekBytes) + 1));
  }
  if (input.path.empty()) return input.gzip ? InflatePrefix(input.prefix) : input.prefix;
  std::string text;
  try {
    const auto source = OpenStream(input);
    while (!HasFirstLine(text) && ReadMore(source.get(), &text)) {
    }
  } catch (const Error&) {
    // Its reader will say so, if nothing before it fails.
  }
  return text;
}

std::optional<std::string> FirstLine(const Input& input) {
  const std::string text = FirstText(input);
  const std::string_view line = WithoutByteOrderMark(text);
  if (line.empty()) return std::nullopt;
  return std::string(line.substr(0, line.find('\n')));
}

void ThrowIfChanged(std::span<const Input> inputs, const std::vector<std::string>& paths) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Input& input = inputs[i];
    if (!CanTellChanges(input)) continue;
    const auto now = StateNow(input, paths[i]);
    const std::string change =
        now ? DescribeChange(*input.state, *now)
            : ": changed while being read: it was moved or removed; nothing was written: put it "
              "back and count again";
    if (!change.empty()) throw Error(EscapeForMessage(input.name) + change);
  }
}

std::string FirstTouched(std::span<const Input> inputs, const std::vector<std::string>& paths) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Input& input = inputs[i];
    if (!CanTellChanges(input)) continue;
    const auto now = StateNow(input, paths[i]);
    if (!now || now->changed_ns == input.state->changed_ns) continue;
    if (now->attributes == input.state->attributes) return input.name;
  }
  return "";
}

}  // namespace tally
