#include "worker/stream_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/escape.h"
#include "common/heartbeat.h"
#include "worker/ngram_parser.h"

namespace tally {

std::unique_ptr<ByteSource> OpenStream(const Input& input, Patience patience) {
  // A duplicate: the input keeps its own, for other threads and for messages.
  UniqueFd fd(input.path.empty() ? fcntl(input.fd.get(), F_DUPFD_CLOEXEC, 0)
                                 : open(input.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw SystemError(input.name, "cannot be opened", errno);
  auto source = MakeDescriptorSource(std::move(fd), input.name, std::move(patience));
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
  if (!std::exchange(filling_, true)) {
    size_ = begun_.size();
    std::memcpy(block.data(), begun_.data(), size_);
  }
  size_t goal = std::min(std::max(block_bytes_, size_ + 1), block.size());
  size_t cut = 0;
  for (;;) {
    ReadUpTo(goal, block);
    cut = at_end_ ? size_ : LastCut({block.data(), size_}, cut_rule_);
    if (cut > 0 || at_end_) break;
    if (failure_) throw Error(*failure_);
    if (size_ == block.size()) {
      throw Error(
          fmt::format("{}: a record of over {} bytes begins at byte {}; nothing as long can "
                      "be read from a pipe or a compressed file: give it as a plain file",
                      EscapeForMessage(name_), block.size(), offset_));
    }
    goal = std::min(2 * size_, block.size());
  }
  filling_ = false;
  begun_.assign(block.data() + cut, size_ - cut);
  const Filled filled{.begin = offset_,
                      .size_bytes = cut,
                      .file_bytes = source_->file_bytes_consumed() - file_bytes_};
  offset_ += cut;
  file_bytes_ += filled.file_bytes;
  return filled;
}

void StreamReader::ReadUpTo(size_t goal, std::span<char> block) {
  while (size_ < goal && !at_end_ && !failure_) {
    Beat();
    try {
      const size_t count = source_->Read(block.data() + size_, goal - size_);
      at_end_ = count == 0;
      size_ += count;
    } catch (const Error& error) {
      failure_ = error;
    }
  }
}

void StreamReader::SkipTo(uint64_t offset, const std::function<void()>& now_and_then) {
  std::vector<char> skipped(size_t{256} << 10);
  while (offset_ < offset) {
    now_and_then();
    const size_t count =
        source_->Read(skipped.data(), std::min<uint64_t>(skipped.size(), offset - offset_));
    if (count == 0) {
      throw Error(
          fmt::format("{}: changed while being read: it ends at byte {}, and did not before",
                      EscapeForMessage(name_), offset_));
    }
    offset_ += count;
  }
  file_bytes_ = source_->file_bytes_consumed();
}

Chunk MakeChunk(const StreamReader::Filled& filled, const char* text, uint32_t block, Format format,
                const Stream& stream) {
  NgramVersion version = stream.ngram_version;
  if (filled.begin == 0 && format == Format::kNgram) {
    version = DetectNgramVersion({text, filled.size_bytes});
  }
  return {.begin = filled.begin,
          .end = filled.begin + filled.size_bytes,
          .file_bytes = filled.file_bytes,
          .input = stream.input,
          .ngram_version = version,
          .block = block,
          .count = {}};
}

std::string TooManyChunks(const Input& input) {
  return fmt::format("{}: more chunks than a run can have; use a larger --chunk-size",
                     EscapeForMessage(input.name));
}

}  // namespace tally
