#include "worker/stream_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/error.h"
#include "common/escape.h"

namespace tally {

std::unique_ptr<ByteSource> OpenStream(const Input& input, std::function<void()> while_waiting) {
  // A duplicate: the input keeps its own, for other threads and for messages.
  UniqueFd fd(input.path.empty() ? fcntl(input.fd.get(), F_DUPFD_CLOEXEC, 0)
                                 : open(input.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw SystemError(input.name, "cannot be opened", errno);
  auto source = MakeDescriptorSource(std::move(fd), input.name, std::move(while_waiting));
  if (!input.prefix.empty()) source = MakePrefixedSource(input.prefix, std::move(source));
  if (input.gzip) source = MakeGzipSource(std::move(source), input.name);
  return source;
}

StreamReader::StreamReader(std::unique_ptr<ByteSource> source, std::string name, CutRule cut_rule,
                           size_t block_bytes)
    : source_(std::move(source)),
      name_(std::move(name)),
      cut_rule_(cut_rule),
      block_bytes_(block_bytes) {}

StreamReader::Filled StreamReader::Fill(std::span<char> block) {
  size_t size = begun_.size();
  std::memcpy(block.data(), begun_.data(), size);
  size_t goal = std::min(std::max(block_bytes_, size + 1), block.size());
  size_t cut = 0;
  for (;;) {
    size = ReadUpTo(goal, size, block);
    cut = at_end_ ? size : LastCut({block.data(), size}, cut_rule_);
    if (cut > 0 || at_end_) break;
    if (failure_) throw Error(*failure_);
    if (size == block.size()) {
      throw Error(
          fmt::format("{}: a record of over {} bytes begins at byte {}; nothing as long can "
                      "be read from a pipe or a compressed file: give it as a plain file",
                      EscapeForMessage(name_), block.size(), offset_));
    }
    goal = std::min(2 * size, block.size());
  }
  begun_.assign(block.data() + cut, size - cut);
  const Filled filled{.begin = offset_,
                      .size_bytes = cut,
                      .file_bytes = source_->file_bytes_consumed() - file_bytes_};
  offset_ += cut;
  file_bytes_ += filled.file_bytes;
  return filled;
}

size_t StreamReader::ReadUpTo(size_t goal, size_t size, std::span<char> block) {
  while (size < goal && !at_end_ && !failure_) {
    try {
      const size_t count = source_->Read(block.data() + size, goal - size);
      at_end_ = count == 0;
      size += count;
    } catch (const Error& error) {
      failure_ = error;
    }
  }
  return size;
}

}  // namespace tally
