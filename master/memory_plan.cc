#include "master/memory_plan.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <boost/interprocess/anonymous_shared_memory.hpp>
#include <boost/interprocess/exceptions.hpp>
#include <cstdio>
#include <memory>

#include "common/control_block.h"
#include "common/count_table.h"
#include "common/error.h"

namespace tally {
namespace {

// Of the 128 TiB that a process has on x86-64, leave most to the inputs.
constexpr uint64_t kMostAddressSpace = uint64_t{1} << 45;

// More than any input needs: a key and its newline are at least one byte, and its 32-byte slot
// comes with at most 2.2 empty ones. (Small tables have more, where there is room.)
constexpr uint64_t kTableBytesPerInputByte = 64;

// The longest record that a stream may have.
constexpr uint64_t kMaxBlockBytes = uint64_t{256} << 20;

// Chunks that streams may add to a run: at the usual block size, 4 TiB of text.
constexpr uint64_t kMaxStreamChunks = uint64_t{1} << 22;

// Larger blocks leave the cache before they are counted; smaller ones cost more locking than
// counting.
constexpr uint64_t kMaxBlockTarget = uint64_t{1} << 20;
constexpr uint64_t kMinBlockTarget = uint64_t{64} << 10;

// For each worker, where blocks are kept. Half of them may wait for its next savepoint: after each,
// the first touch of a slot is a branch that nobody can predict, so rare ones are cheaper (text
// from a pipe takes 17 % longer with 6 blocks than where none are kept, 11 % with 16, 10 % with
// 24).
constexpr uint64_t kMostBlocks = 16;

bool AnyStream(std::span<const Input> inputs) {
  return std::any_of(inputs.begin(), inputs.end(),
                     [](const Input& input) { return input.is_stream(); });
}

uint64_t MostTableBytes(std::span<const Input> inputs, const MemoryLimits& limits) {
  const uint64_t by_memory = 2 * limits.physical_bytes;
  if (AnyStream(inputs)) return by_memory;
  uint64_t input_bytes = 0;
  for (const Input& input : inputs) input_bytes += input.text->size();
  const uint64_t least = 4 * CountTable::kMinRegionBytes;
  return std::min(by_memory, least + std::min(input_bytes, by_memory) * kTableBytesPerInputByte);
}

// Where even `least_bytes` for so many workers are too much.
Error TooLittleAddressSpace(uint64_t least_bytes, std::string_view what_for, uint32_t workers,
                            const MemoryLimits& limits) {
  const uint64_t left = limits.address_space_bytes;
  // The limits of the process are not the only ones (vm.overcommit_memory=2).
  const std::string there_is = left < least_bytes
                                   ? fmt::format("only {} are left", FormatMemory(left))
                                   : "the system gives less";
  return Error(
      fmt::format("{} worker{} at least {} of address space {}, but {}; {}", workers,
                  workers == 1 ? " needs" : "s need", FormatMemory(least_bytes, Rounding::kUp),
                  what_for, there_is, AddressSpaceRemedy(workers)),
      kExitMemory);
}

}  // namespace

MemoryLimits MemoryLimits::OfThisProcess() {
  MemoryLimits limits;
  struct sysinfo info;
  sysinfo(&info);
  limits.physical_bytes = (uint64_t{info.totalram} + info.totalswap) * info.mem_unit;
  limits.address_space_bytes = kMostAddressSpace;
  struct rlimit address_space;
  if (getrlimit(RLIMIT_AS, &address_space) == 0 && address_space.rlim_cur != RLIM_INFINITY) {
    unsigned long pages_used = 0;
    if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
      if (std::fscanf(file, "%lu", &pages_used) != 1) pages_used = 0;
      std::fclose(file);
    }
    const uint64_t used = pages_used * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    const uint64_t limit = address_space.rlim_cur;
    limits.address_space_bytes = std::min(kMostAddressSpace, limit - std::min(limit, used));
  }
  return limits;
}

std::vector<SharedRegion> ReserveTables(uint32_t workers, std::span<const Input> inputs,
                                        const MemoryLimits& limits, uint32_t regions_each) {
  const uint64_t count = uint64_t{workers} * regions_each;
  // Half of the space for all tables: the merge needs its own.
  uint64_t bytes = std::min(MostTableBytes(inputs, limits), limits.address_space_bytes / 2 / count);
  for (; bytes >= CountTable::kMinRegionBytes; bytes /= 2) {
    try {
      std::vector<SharedRegion> regions;
      while (regions.size() < count) regions.push_back(SharedRegion::Reserve(bytes));
      return regions;
    } catch (const NoAddressSpace&) {
      // The system gives less than its limits say (vm.overcommit_memory=2): try half.
    }
  }
  throw TooLittleAddressSpace(2 * count * CountTable::kMinRegionBytes, "for tables and their merge",
                              workers, limits);
}

SharedRegion ReserveLedger(std::span<const Chunk> mapped_chunks, std::span<const Input> inputs,
                           const MemoryLimits& limits) {
  uint64_t entries = mapped_chunks.size();
  if (AnyStream(inputs)) {
    entries += std::min(kMaxStreamChunks, limits.address_space_bytes / 16 / sizeof(Chunk));
  }
  auto ledger = SharedRegion::Reserve(std::max<uint64_t>(entries, 1) * sizeof(Chunk));
  std::uninitialized_copy(mapped_chunks.begin(), mapped_chunks.end(),
                          reinterpret_cast<Chunk*>(ledger.data()));
  return ledger;
}

boost::interprocess::mapped_region MapControlRegion(uint32_t workers, size_t streams,
                                                    size_t blocks) {
  const size_t size_bytes = ControlBlock::BytesFor(workers, streams, blocks);
  try {
    return boost::interprocess::anonymous_shared_memory(size_bytes);
  } catch (const boost::interprocess::interprocess_exception& error) {
    throw NoAddressSpace(
        fmt::format("no room for {} KiB of shared memory to control {} workers: {}; {}",
                    size_bytes >> 10, workers, error.what(), AddressSpaceRemedy(workers)));
  }
}

BlockPool ReserveBlocks(const BlockNeeds& needs, const MemoryLimits& limits) {
  BlockPool pool;
  pool.target_bytes = std::clamp(needs.chunk_size_bytes, kMinBlockTarget, kMaxBlockTarget);
  const uint64_t least = uint64_t{2} * needs.workers;
  uint64_t count = least;
  if (needs.keep) {
    // As many as are no burden, and leave room for long records.
    const uint64_t by_memory = needs.memory_limit_bytes / 8 / pool.target_bytes;
    const uint64_t by_space = limits.address_space_bytes / 64 / pool.target_bytes;
    count = std::clamp(std::min(by_memory, by_space), least, kMostBlocks * needs.workers);
  }
  pool.chunks_per_savepoint = count / needs.workers / 2;  // the readers need the other half
  count = std::min<uint64_t>(count + needs.fed_streams, WorkQueue::kMaxBlocks);
  // Twice as many may hold long records at a time, which half of the memory is enough for. Each
  // asks for it then.
  const uint64_t for_long_records = RoundUpToPages(
      std::max(pool.target_bytes + kReadablePadding, needs.memory_limit_bytes / 4 / least));
  uint64_t bytes =
      std::min({kMaxBlockBytes, for_long_records, limits.address_space_bytes / 8 / count});
  for (; bytes >= pool.target_bytes + kReadablePadding; bytes /= 2) {
    bytes = RoundUpToPages(bytes);
    try {
      pool.region = SharedRegion::Reserve(count * bytes);
      pool.capacity_bytes = bytes - kReadablePadding;
      if (bytes < kMaxBlockBytes) {
        pool.limit =
            bytes == for_long_records ? BlockPool::Limit::kMemory : BlockPool::Limit::kAddressSpace;
      }
      pool.count = static_cast<uint32_t>(count);
      return pool;
    } catch (const NoAddressSpace&) {
      // As above: try half.
    }
  }
  throw TooLittleAddressSpace(8 * count * (pool.target_bytes + kReadablePadding),
                              "to read what cannot be mapped (pipes, compressed files, or files "
                              "larger than the space left)",
                              needs.workers, limits);
}

}  // namespace tally
