#include "master/run_memory.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>

#include "common/count_table.h"
#include "common/error.h"
#include "master/helper_threads.h"
#include "master/memory_plan.h"

namespace tally {
namespace {

std::vector<Stream> StreamsAmong(std::span<const Input> inputs) {
  std::vector<Stream> streams;
  for (uint32_t input = 0; input < inputs.size(); ++input) {
    if (!inputs[input].is_stream()) continue;
    // What has a path can be opened once more.
    const uint32_t reader = inputs[input].path.empty() ? kFeeder : kNobody;
    streams.push_back({.input = input, .reader = reader});
  }
  return streams;
}

// Of each run's own: nobody can prepare a file whose keys all collide.
uint64_t RandomSeed() {
  uint64_t seed;
  if (getentropy(&seed, sizeof seed) != 0)
    throw SystemError("a random number", "cannot be had", errno);
  return seed;
}

// What the tables may take, after the blocks.
uint64_t TableBudget(const RunNeeds& needs, const BlockPool& blocks) {
  const uint64_t for_blocks = blocks.count * blocks.target_bytes;
  const uint64_t least = needs.workers * CountTable::kMinRegionBytes + for_blocks;
  if (needs.memory.bytes < least) {
    const bool is_alone = needs.workers == 1;
    throw Error(
        fmt::format("{} worker{} at least {} of memory, but this run may take only {} ({}): {}{}",
                    needs.workers, is_alone ? " needs" : "s need",
                    FormatMemory(least, Rounding::kUp), FormatMemory(needs.memory.bytes),
                    needs.memory.what, is_alone ? "" : "use fewer workers (-j), or ",
                    needs.memory.remedy),
        kExitMemory);
  }
  return needs.memory.bytes - for_blocks;
}

}  // namespace

RunMemory::RunMemory(const RunNeeds& needs) : hash_seed_(RandomSeed()) {
  const std::vector<Stream> streams = StreamsAmong(needs.inputs);
  const bool keep_blocks = needs.workers_may_die && !streams.empty();
  const MemoryLimits limits = MemoryLimits::OfThisProcess();
  if (!streams.empty()) {
    blocks_ = ReserveBlocks({.workers = needs.workers,
                             .chunk_size_bytes = needs.chunk_size_bytes,
                             .fed_streams = static_cast<uint64_t>(std::count_if(
                                 streams.begin(), streams.end(),
                                 [](const Stream& stream) { return stream.reader == kFeeder; })),
                             .keep = keep_blocks,
                             .memory_limit_bytes = needs.memory.bytes},
                            limits);
  }
  ledger_ = ReserveLedger(needs.mapped_chunks, needs.inputs, limits);
  control_region_ = MapControlRegion(needs.workers, streams.size(), blocks_.count);
  control_ = ControlBlock::Create(
      control_region_.get_address(),
      {.workers = needs.workers,
       .progress = needs.progress,
       .memory_limit_bytes = TableBudget(needs, blocks_),
       .ledger = {reinterpret_cast<Chunk*>(ledger_.data()), ledger_.size_bytes() / sizeof(Chunk)},
       .mapped_chunks = needs.mapped_chunks.size(),
       .streams = streams,
       .blocks = streams.empty() ? nullptr : &blocks_,
       .keep_blocks = keep_blocks});
  regions_ = ReserveTables(needs.workers, needs.inputs, MemoryLimits::OfThisProcess(),
                           /*regions_each=*/keep_blocks ? 2 : 1);
  while (regions_.size() > needs.workers) {
    undo_regions_.push_back(std::move(regions_.back()));
    regions_.pop_back();
    undo_logs_.push_back(undo_regions_.back().data());
  }
  for (const SharedRegion& region : regions_) {
    tables_.push_back(region.data());
    CountTable::Create(region.data(), region.size_bytes(), hash_seed_);
  }
}

void RunMemory::Describe(CountPlan* plan) const {
  plan->control = control_;
  plan->tables = tables_;
  plan->undo_logs = undo_logs_;
  plan->table_bytes = regions_.front().size_bytes();
  plan->hash_seed = hash_seed_;
  plan->blocks = &blocks_;
}

void UnmapAll(std::span<SharedRegion> regions, uint32_t threads) {
  std::atomic<size_t> next = 0;
  const std::function<void(uint32_t)> unmap = [&](uint32_t) {
    for (size_t i = next++; i < regions.size(); i = next++) regions[i] = SharedRegion();
  };
  const uint64_t busy = std::clamp<uint64_t>(threads, 1, std::max<uint64_t>(1, regions.size()));
  const auto helpers = StartHelpers(static_cast<uint32_t>(busy - 1), unmap);
  unmap(0);
}

}  // namespace tally
