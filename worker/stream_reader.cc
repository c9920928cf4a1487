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
#include "worker/gzip_source.h"
#include "worker/ngram_parser.h"

namespace tally {
namespace {

// So much is inflated in some milliseconds.
constexpr size_t kMostBytesPerRead = size_t{1} << 20;

}  // namespace

std::unique_ptr<ByteSource> OpenStream(const Input& input, Patience patience) {
  // A duplicate: the input keeps its own, for other threads and for messages.
  UniqueFd fd(input.path.empty() ? fcntl(input.fd.get(), F_DUPFD_CLOEXEC, 0)
                                 : open(input.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw SystemError(input.name, "cannot be opened", errno);
  auto source =
      MakeDescriptorSource(std::move(fd), input.name, std::move(patience),
                           {.first_byte = input.prefix.size(), .is_compressed = input.gzip});
  if (!input.prefix.empty()) source = MakePrefixedSource(input.prefix, std::move(source));
  if (input.gzip) source = MakeGzipSource(std::move(source), input.name);
  return source;
}

StreamReader::StreamReader(std::unique_ptr<ByteSource> source, std::string name, CutRule cut_rule,
                           size_t block_bytes, std::string memory_remedy)
    : source_(std::move(source)),
      name_(std::move(name)),
      cut_rule_(cut_rule),
      block_bytes_(block_bytes),
      memory_remedy_(std::move(memory_remedy)) {}

StreamReader::Filled StreamReader::Fill(std::span<char> block, const FillHooks& hooks) {
  if (!filling_) Begin(block, hooks);
  size_t cut = 0;
  for (;;) {
    ReadOn(block, hooks);
    cut = at_end_ ? size_ : LastCut({block.data(), size_}, cut_rule_, searched_);
    if (cut > 0 || at_end_) break;
    if (failure_) throw Error(*failure_);
    Grow(block.size(), hooks);
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

// With the start of the record that the last block did not have whole.
void StreamReader::Begin(std::span<char> block, const FillHooks& hooks) {
  size_ = begun_.size();
  SetGoal(std::min(std::max(block_bytes_, size_ + 1), block.size()), hooks);
  std::memcpy(block.data(), begun_.data(), size_);
  begun_.clear();
  if (begun_.capacity() > block_bytes_) begun_.shrink_to_fit();
  NoteSearched();
  filling_ = true;
}

std::string StreamReader::ALongRecord(size_t bytes) const {
  return fmt::format("{}: a record of over {} bytes begins at {} {}", EscapeForMessage(name_),
                     bytes, source_->byte_name(), offset_);
}

Error StreamReader::TooLong(size_t most_bytes) const {
  const std::string what = ALongRecord(most_bytes);
  if (memory_remedy_.empty()) {
    return Error(what +
                 "; nothing as long can be read from a pipe or a compressed file: give it as a "
                 "plain file");
  }
  return Error(
      fmt::format("{}; out of memory to read a longer one from a pipe or a compressed file "
                  "({}, or give it as a plain file)",
                  what, memory_remedy_),
      kExitMemory);
}

void StreamReader::Grow(size_t most_bytes, const FillHooks& hooks) {
  NoteSearched();
  if (size_ == most_bytes) throw TooLong(most_bytes);
  SetGoal(std::min(2 * size_, most_bytes), hooks);
}

void StreamReader::SetGoal(size_t bytes, const FillHooks& hooks) {
  if (bytes > block_bytes_ && hooks.may_hold && !hooks.may_hold(bytes)) {
    throw Error(fmt::format("{}; out of memory to read on: tables and other long records have the "
                            "rest ({}, or give it as a plain file)",
                            ALongRecord(size_), hooks.remedy),
                kExitMemory);
  }
  goal_ = bytes;
}

// No record ends in what there is, but the bytes of a last white space character may be incomplete.
void StreamReader::NoteSearched() {
  constexpr size_t kMostSpaceBytes = 3;
  searched_ = size_ - std::min(size_, kMostSpaceBytes - 1);
}

void StreamReader::ReadOn(std::span<char> block, const FillHooks& hooks) {
  while (size_ < goal_ && !at_end_ && !failure_) {
    Beat();
    try {
      const size_t count =
          source_->Read(block.data() + size_, std::min(goal_ - size_, kMostBytesPerRead));
      at_end_ = count == 0;
      size_ += count;
      text_bytes_read_ += count;
    } catch (const Error& error) {
      failure_ = error;
    }
    if (hooks.after_read) hooks.after_read();
  }
}

void StreamReader::SkipTo(uint64_t offset, const std::function<void()>& now_and_then) {
  std::vector<char> skipped(size_t{256} << 10);
  while (offset_ < offset) {
    now_and_then();
    const size_t count =
        source_->Read(skipped.data(), std::min<uint64_t>(skipped.size(), offset - offset_));
    if (count == 0) {
      throw Error(fmt::format("{}: changed while being read: it ends at {} {}, and did not before",
                              EscapeForMessage(name_), source_->byte_name(), offset_));
    }
    offset_ += count;
    text_bytes_read_ += count;
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
