#include "common/block_pool.h"

#include <sys/mman.h>

namespace tally {

bool BlockPool::MayHold(uint32_t number, size_t bytes, MemoryBudget* memory) const {
  if (bytes <= target_bytes) return true;
  // The reader keeps what it has begun of the record behind it, which may be as long.
  return memory->TakeForBlock(number, 2 * (bytes - target_bytes));
}

void BlockPool::Trim(uint32_t number, MemoryBudget* memory) const {
  if (memory->taken_for_block(number) == 0) return;
  const size_t kept_bytes = RoundUpToPages(target_bytes + kReadablePadding);
  const size_t size_bytes = capacity_bytes + kReadablePadding;  // whole pages
  if (kept_bytes < size_bytes) {
    (void)madvise(block(number) + kept_bytes, size_bytes - kept_bytes, MADV_REMOVE);
  }
  memory->TakeForBlock(number, 0);
}

}  // namespace tally
