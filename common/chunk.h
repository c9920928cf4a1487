// A chunk: a numbered byte range of one input that begins and ends where records do.
#ifndef TALLY_COMMON_CHUNK_H_
#define TALLY_COMMON_CHUNK_H_

#include <compare>
#include <cstdint>
#include <limits>

#include "common/format.h"

namespace tally {

/// A place in the inputs; ordered as a reader of all of them would meet it.
struct Position {
  uint64_t input = 0;   // number of the input
  uint64_t offset = 0;  // bytes from the start of its text (decompressed, where it is compressed)

  auto operator<=>(const Position&) const = default;
};

constexpr Position kStartOfInputs{};
constexpr Position kEndOfInputs{std::numeric_limits<uint64_t>::max(), 0};
constexpr uint32_t kNobody = std::numeric_limits<uint32_t>::max();
constexpr uint32_t kNoBlock = std::numeric_limits<uint32_t>::max();

/// What counting a chunk came to.
struct ChunkCount {
  uint64_t lines = 0;
  uint64_t records = 0;  // that were added to a count,
  uint64_t amount = 0;   // and by how much in all, modulo 2^64
};

/// One entry of the ledger: all that is known of a chunk, by its number. Lives in shared memory;
/// made by the master for mapped inputs, by its reader for a stream; then written by the worker
/// that claims it.
struct Chunk {
  uint64_t begin = 0;  // [begin, end): offsets in the input's text
  uint64_t end = 0;
  uint64_t file_bytes = 0;  // the part of the file it stands for, for progress
  uint32_t input = 0;
  NgramVersion ngram_version = NgramVersion::kV2;
  uint32_t block = kNoBlock;  // of a stream: the block that holds its text, while that is kept
  uint32_t owner = kNobody;   // the worker that claimed it
  uint64_t done = 0;          // 0: not yet; else its place among those that its owner has counted
  ChunkCount count = {};      // once done

  Position position() const { return {.input = input, .offset = begin}; }
  uint64_t size_bytes() const { return end - begin; }
};

}  // namespace tally

#endif  // TALLY_COMMON_CHUNK_H_
