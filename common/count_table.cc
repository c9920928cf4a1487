#include "common/count_table.h"

#include <bit>

namespace tally {
namespace {

static_assert(std::endian::native == std::endian::little, "short keys are masked as little-endian");

}  // namespace

CountTable CountTable::Create(char* region, size_t size_bytes, uint64_t seed) {
  auto* header = reinterpret_cast<Header*>(region);
  const size_t slots_offset = RoundUpToPages(sizeof(Header));
  *header = {.seed = seed,
             .size = 0,
             .log2_capacity = kMinLog2Capacity,
             .slots_offset = slots_offset,
             .slots_end = slots_offset + (sizeof(Slot) << kMinLog2Capacity),
             .arena_begin = size_bytes,
             .region_bytes = size_bytes};
  return CountTable(region);
}

CountTable::CountTable(char* region) : region_(region), header_(reinterpret_cast<Header*>(region)) {
  AttachSlots();
}

void CountTable::AttachSlots() {
  slots_ = reinterpret_cast<Slot*>(region_ + header_->slots_offset);
  slots_end_ = slots_ + capacity();
  hash_shift_ = 64 - static_cast<unsigned>(header_->log2_capacity);
  // 5/8: linear probing then looks at 1.8 slots for a hit and 4 for a miss on average (Knuth,
  // TAOCP 6.4, equation 41).
  grow_at_ = capacity() / 8 * 5;
  last_ = slots_;  // empty, or some key: either way a valid guess
}

CountTable::AddResult CountTable::UndoBump(Slot* slot, uint64_t amount) {
  slot->count -= amount;
  return AddResult::kOverflow;
}

CountTable::AddResult CountTable::AddLong(std::string_view key, uint64_t amount) {
  if (last_->key_size() == key.size() && KeyOf(*last_) == key) return Bump(last_, amount);
  const uint64_t hash = HashBytes(key.data(), key.size(), header_->seed);
  const uint64_t tag = MakeTag(hash, key.size());
  for (Slot* slot = Home(hash);; slot = After(slot)) {
    if (slot->tag == tag && KeyOf(*slot) == key) {
      last_ = slot;
      return Bump(slot, amount);
    }
    if (slot->tag == 0) return InsertLong(slot, tag, key, amount);
  }
}

CountTable::AddResult CountTable::InsertLong(Slot* slot, uint64_t tag, std::string_view key,
                                             uint64_t amount) {
  if (header_->arena_begin - header_->slots_end < key.size()) return AddResult::kFull;
  const uint64_t offset = header_->arena_begin - key.size();
  std::memcpy(region_ + offset, key.data(), key.size());
  header_->arena_begin = offset;
  return Insert(slot, tag, {.low = offset, .high = 0}, amount);
}

CountTable::AddResult CountTable::Insert(Slot* slot, uint64_t tag, ShortKey key, uint64_t amount) {
  if (header_->size >= grow_at_) {
    if (!Grow()) return AddResult::kFull;
    slot = FirstEmpty(tag);
  }
  *slot = {.count = amount, .tag = tag, .key = key};
  ++header_->size;
  last_ = slot;
  return AddResult::kAdded;
}

CountTable::Slot* CountTable::FirstEmpty(uint64_t hash) const {
  Slot* slot = Home(hash);
  while (slot->tag != 0) slot = After(slot);
  return slot;
}

bool CountTable::Grow() {
  if (header_->log2_capacity == kMaxLog2Capacity) return false;
  const size_t new_bytes = 2 * capacity() * sizeof(Slot);
  if (header_->arena_begin - header_->slots_end < new_bytes) return false;
  Slot* const old_begin = slots_;
  Slot* const old_end = slots_end_;
  header_->slots_offset = header_->slots_end;
  header_->slots_end += new_bytes;
  ++header_->log2_capacity;
  AttachSlots();
  // Old slots come in the order of their hashes, so both arrays are walked from front to back.
  for (const Slot* slot = old_begin; slot != old_end; ++slot) {
    if (slot->tag != 0) *FirstEmpty(slot->tag) = *slot;
  }
  ReleasePages(old_begin, static_cast<size_t>(old_end - old_begin) * sizeof(Slot));
  return true;
}

}  // namespace tally
