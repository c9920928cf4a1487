// Cuts the mapped inputs into chunks.
#ifndef TALLY_MASTER_SPLITTER_H_
#define TALLY_MASTER_SPLITTER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "common/chunk.h"
#include "common/format.h"
#include "common/input.h"

namespace tally {

/// A run has at most this many mapped chunks; where a tiny chunk size would make more, chunks are
/// larger. Bounds the ledger.
constexpr uint64_t kMaxMappedChunks = uint64_t{1} << 22;

/// Chunks of about `chunk_size_bytes` (at least 1), each ending at a record's end or at the end of
/// its input; together they are all bytes of all mapped inputs, in order. A record longer than that
/// makes a longer chunk. Touches one page of the input for each chunk.
std::vector<Chunk> SplitIntoChunks(std::span<const Input> inputs, Format format,
                                   uint64_t chunk_size_bytes);

}  // namespace tally

#endif  // TALLY_MASTER_SPLITTER_H_
