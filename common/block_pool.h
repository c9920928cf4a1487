// The blocks of shared memory that the text of streams is read into.
#ifndef TALLY_COMMON_BLOCK_POOL_H_
#define TALLY_COMMON_BLOCK_POOL_H_

#include <cstddef>
#include <cstdint>

#include "common/mapped_file.h"
#include "common/memory_budget.h"
#include "common/shared_region.h"

namespace tally {

/// All in one region, made by the master before it starts workers. A block is filled up to
/// `target_bytes`, which is accounted for beforehand; one that a longer record grows beyond them
/// has to be granted that, and gives it back when it is free again.
struct BlockPool {
  enum class Limit { kFormat, kMemory, kAddressSpace };

  SharedRegion region;
  uint32_t count = 0;
  uint64_t chunks_per_savepoint = 1;  // whose blocks a worker may keep meanwhile
  size_t capacity_bytes = 0;          // of a block, kReadablePadding not included,
  Limit limit = Limit::kFormat;       // and why it is not larger
  size_t target_bytes = 0;

  char* block(uint64_t number) const {
    return region.data() + number * (capacity_bytes + kReadablePadding);
  }

  /// Whether a block may have so much text. For whoever fills it.
  bool MayHold(uint32_t number, size_t bytes, MemoryBudget* memory) const;

  /// Gives back what was granted. For whoever fills the block, or frees it.
  void Trim(uint32_t number, MemoryBudget* memory) const;
};

}  // namespace tally

#endif  // TALLY_COMMON_BLOCK_POOL_H_
