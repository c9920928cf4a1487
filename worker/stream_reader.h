// Cuts a stream into blocks of whole records.
#ifndef TALLY_WORKER_STREAM_READER_H_
#define TALLY_WORKER_STREAM_READER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "common/cut.h"
#include "common/error.h"
#include "common/input.h"
#include "worker/byte_source.h"

namespace tally {

/// Opens the stream of an input that is_stream(), decompressed. Throws an Error that names it.
/// `while_waiting`: see MakeDescriptorSource().
std::unique_ptr<ByteSource> OpenStream(const Input& input,
                                       std::function<void()> while_waiting = {});

/// One stream, from front to end. For the one worker that reads it.
class StreamReader {
 public:
  /// A block is full once it holds `block_bytes`; a longer record makes a longer block.
  StreamReader(std::unique_ptr<ByteSource> source, std::string name, CutRule cut_rule,
               size_t block_bytes);

  struct Filled {
    uint64_t begin;       // offset of the block's text in the stream
    size_t size_bytes;    // 0 only at the end of the stream
    uint64_t file_bytes;  // how much of the file was consumed for it
  };

  /// Fills `block` from its start. Throws an Error where the stream cannot be read on, once all
  /// whole records before that place were handed out, or where a record is longer than the block.
  Filled Fill(std::span<char> block);

  /// How much was handed out.
  uint64_t offset() const { return offset_; }

 private:
  size_t ReadUpTo(size_t goal, size_t size, std::span<char> block);

  std::unique_ptr<ByteSource> source_;
  std::string name_;
  CutRule cut_rule_;
  size_t block_bytes_;
  std::string begun_;  // the start of a record whose end was not read yet
  bool at_end_ = false;
  std::optional<Error> failure_;  // why the stream cannot be read on
  uint64_t offset_ = 0;
  uint64_t file_bytes_ = 0;
};

}  // namespace tally

#endif  // TALLY_WORKER_STREAM_READER_H_
