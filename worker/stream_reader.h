// Cuts a stream into blocks of whole records.
#ifndef TALLY_WORKER_STREAM_READER_H_
#define TALLY_WORKER_STREAM_READER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "common/chunk.h"
#include "common/cut.h"
#include "common/error.h"
#include "common/input.h"
#include "common/work_queue.h"
#include "worker/byte_source.h"

namespace tally {

/// Opens the stream of an input that is_stream(), decompressed. Throws an Error that names it.
std::unique_ptr<ByteSource> OpenStream(const Input& input, Patience patience = {});

/// What whoever has the block filled has to say meanwhile. All is optional.
struct FillHooks {
  /// Whether the block may have so much text: asked where that is more than usual.
  std::function<bool(size_t bytes)> may_hold = {};
  /// What would help where it may not, for the message.
  std::string_view remedy = {};
  /// Called after each read. May throw to go on later.
  std::function<void()> after_read = {};
};

/// One stream, from front to end. For its one reader.
class StreamReader {
 public:
  /// A block is full once it holds `block_bytes`; a longer record makes a longer block. Where the
  /// blocks are as long as memory allows, `memory_remedy` says what would make them longer.
  StreamReader(std::unique_ptr<ByteSource> source, std::string name, CutRule cut_rule,
               size_t block_bytes, std::string memory_remedy = "");

  struct Filled {
    uint64_t begin;       // offset of the block's text in the stream
    size_t size_bytes;    // 0 only at the end of the stream
    uint64_t file_bytes;  // how much of the file was consumed for it
  };

  /// Fills `block` from its start. Throws an Error where the stream cannot be read on, once all
  /// whole records before that place were handed out, or where a record is longer than the block
  /// is or may become. What after_read and the source's patience throw comes through: then it is to
  /// be called again, with the same block, which has part of the text already.
  Filled Fill(std::span<char> block, const FillHooks& hooks = {});

  /// Goes to the place, the end of a record, that another reader has handed out everything up to.
  /// Calls `now_and_then` meanwhile. Throws an Error where the stream ends before.
  /// REQUIRES: nothing was filled yet.
  void SkipTo(uint64_t offset, const std::function<void()>& now_and_then);

  /// How much was handed out.
  uint64_t offset() const { return offset_; }

  /// How much was read: of the text, and of the file.
  uint64_t text_bytes_read() const { return text_bytes_read_; }
  uint64_t file_bytes_read() const { return source_->file_bytes_consumed(); }

 private:
  void Begin(std::span<char> block, const FillHooks& hooks);
  void Grow(size_t most_bytes, const FillHooks& hooks);
  void SetGoal(size_t bytes, const FillHooks& hooks);
  void NoteSearched();
  void ReadOn(std::span<char> block, const FillHooks& hooks);
  std::string ALongRecord(size_t bytes) const;
  Error TooLong(size_t most_bytes) const;

  std::unique_ptr<ByteSource> source_;
  std::string name_;
  CutRule cut_rule_;
  size_t block_bytes_;
  std::string memory_remedy_;
  std::string begun_;     // the start of a record whose end was not read yet
  bool filling_ = false;  // a block is under way,
  size_t size_ = 0;       // has so much text,
  size_t searched_ = 0;   // no record end so far,
  size_t goal_ = 0;       // and is to have so much
  bool at_end_ = false;
  std::optional<Error> failure_;  // why the stream cannot be read on
  uint64_t offset_ = 0;
  uint64_t file_bytes_ = 0;  // that were consumed for it
  uint64_t text_bytes_read_ = 0;
};

/// The chunk that a filled block becomes; `text` is the block's. `stream` is what the queue knows.
Chunk MakeChunk(const StreamReader::Filled& filled, const char* text, uint32_t block, Format format,
                const Stream& stream);

/// What is wrong where such a chunk finds no room in the ledger.
std::string TooManyChunks(const Input& input);

}  // namespace tally

#endif  // TALLY_WORKER_STREAM_READER_H_
