// How much address space the parts of a run may reserve. Reserving costs nothing until it is
// touched, so each part gets the most it could ever use, as far as limits allow.
#ifndef TALLY_MASTER_MEMORY_PLAN_H_
#define TALLY_MASTER_MEMORY_PLAN_H_

#include <boost/interprocess/mapped_region.hpp>
#include <cstdint>
#include <span>
#include <vector>

#include "common/chunk.h"
#include "common/input.h"
#include "common/shared_region.h"
#include "worker/worker.h"

namespace tally {

/// What a machine and its limits allow; a value of its own so that tests can make one up.
struct MemoryLimits {
  uint64_t physical_bytes = 0;       // memory and swap
  uint64_t address_space_bytes = 0;  // what this process may still map

  static MemoryLimits OfThisProcess();
};

/// `regions_each` for each worker's table, each as large as its keys could need: bounded by the
/// inputs where their size is known, and by twice the machine's memory. Takes less where the system
/// gives less. Throws an Error with the numbers where there is not even room for small tables.
std::vector<SharedRegion> ReserveTables(uint32_t workers, std::span<const Input> inputs,
                                        const MemoryLimits& limits, uint32_t regions_each = 1);

/// The ledger: the mapped chunks, and room for those of the streams, if there are any.
SharedRegion ReserveLedger(std::span<const Chunk> mapped_chunks, std::span<const Input> inputs,
                           const MemoryLimits& limits);

/// Zeroed shared memory for a ControlBlock: the one region that is touched from end to end, and so
/// is not merely reserved.
boost::interprocess::mapped_region MapControlRegion(uint32_t workers, size_t streams,
                                                    size_t blocks);

struct BlockNeeds {
  uint32_t workers;
  uint64_t chunk_size_bytes;
  uint64_t fed_streams = 0;  // each of which may have a block that it cannot fill for long
  bool keep;                 // they are kept for a while once they were counted
  uint64_t memory_limit_bytes;
};

/// Blocks for streams.
BlockPool ReserveBlocks(const BlockNeeds& needs, const MemoryLimits& limits);

}  // namespace tally

#endif  // TALLY_MASTER_MEMORY_PLAN_H_
