#include "master/input_opener.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "common/error.h"
#include "master/signals.h"
#include "worker/byte_source.h"
#include "worker/stream_reader.h"

namespace tally {
namespace {

constexpr size_t kPeekBytes = size_t{64} << 10;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kStdinName = "standard input";

UniqueFd OpenForReading(const std::string& path) {
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
    ThrowIfStopped();
  }
}

// Reads what a first line takes, or to the end. A pipe is not waited for any longer than that.
std::string ReadFirstBytes(ByteSource* source) {
  std::string bytes;
  while (bytes.size() < kPeekBytes) {
    char buffer[4096];
    const size_t count = source->Read(buffer, sizeof buffer);
    bytes.append(buffer, count);
    const bool has_magic = bytes.size() >= 3;
    if (count == 0 || (has_magic && !LooksLikeGzip(bytes) && bytes.find('\n') != bytes.npos)) break;
  }
  return bytes;
}

// The start of what gzip bytes that may break off hold.
std::string InflatePrefix(const std::string& compressed) {
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing < 0) throw SystemError("/dev/null", "cannot be opened", errno);
  const auto source = MakeGzipSource(
      MakePrefixedSource(compressed, MakeDescriptorSource(nothing, "/dev/null")), "");
  std::string text;
  try {
    while (text.size() < kPeekBytes && text.find('\n') == text.npos) {
      char buffer[4096];
      const size_t count = source->Read(buffer, sizeof buffer);
      if (count == 0) break;
      text.append(buffer, count);
    }
  } catch (const Error&) {
    // Here the prefix ends. If it is the file that is damaged, its reader will say so.
  }
  return text;
}

void PeekAtStream(Input* input) {
  const int duplicate = fcntl(input->fd.get(), F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0) throw SystemError(input->name, "cannot be read", errno);
  input->prefix =
      ReadFirstBytes(MakeDescriptorSource(duplicate, input->name, ThrowIfStopped).get());
  input->gzip = LooksLikeGzip(input->prefix);
}

// A file of no bytes, a file that says so but is not (/proc), or one that can be mapped.
void MapOrStream(const std::string& path, const struct stat& status, Input* input) {
  const off_t begin = path == "-" ? std::max<off_t>(lseek(input->fd.get(), 0, SEEK_CUR), 0) : 0;
  char first[3];
  const ssize_t count = pread(input->fd.get(), first, sizeof first, begin);
  if (count < 0) throw SystemError(input->name, "cannot be read", errno);
  input->gzip = LooksLikeGzip({first, static_cast<size_t>(count)});
  input->size_known = true;
  const auto size = static_cast<uint64_t>(std::max(status.st_size, begin));
  input->file_bytes = size - static_cast<uint64_t>(begin);
  if (count == 0) {
    input->text = "";
    return;
  }
  if (!input->gzip && input->file_bytes > 0) {
    try {
      input->mapping = MappedFile(input->fd.get(), size);
      input->text = input->mapping.text().substr(static_cast<size_t>(begin));
      return;
    } catch (const std::system_error&) {
      // Some file systems cannot map; reading works everywhere.
    }
  }
  input->size_known = input->file_bytes > 0;
  if (path == "-") return PeekAtStream(input);
  // Thousands of compressed files are not all kept open: the reader opens its own again.
  input->path = path;
}

Input OpenInput(const std::string& path) {
  Input input;
  input.name = path == "-" ? std::string(kStdinName) : path;
  input.fd = OpenForReading(path);
  struct stat status;
  if (fstat(input.fd.get(), &status) != 0) throw SystemError(input.name, "cannot be read", errno);
  if (S_ISDIR(status.st_mode)) throw SystemError(input.name, "cannot be counted", EISDIR);
  if (S_ISREG(status.st_mode)) {
    input.id = FileId{.device = status.st_dev, .inode = status.st_ino};
    MapOrStream(path, status, &input);
    if (!input.is_stream() || !input.path.empty()) input.fd = UniqueFd();
  } else {
    PeekAtStream(&input);
  }
  return input;
}

}  // namespace

std::vector<Input> OpenInputs(const std::vector<std::string>& paths) {
  if (std::count(paths.begin(), paths.end(), "-") > 1) {
    throw UsageError("'-' is given twice, but standard input can be read only once");
  }
  std::vector<Input> inputs;
  inputs.reserve(paths.size());
  for (const std::string& path : paths) inputs.push_back(OpenInput(path));
  return inputs;
}

std::string FirstBytes(const Input& input) {
  std::string bytes;
  if (!input.is_stream()) {
    bytes = input.text->substr(0, kPeekBytes);
  } else if (!input.path.empty()) {
    bytes = ReadFirstBytes(OpenStream(input).get());
  } else {
    bytes = input.gzip ? InflatePrefix(input.prefix) : input.prefix;
  }
  if (bytes.starts_with(kByteOrderMark)) bytes.erase(0, kByteOrderMark.size());
  return bytes;
}

}  // namespace tally
