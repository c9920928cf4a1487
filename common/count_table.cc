#include "common/count_table.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "common/heartbeat.h"

namespace tally {
namespace {

// A table of gigabytes keeps its worker busy for seconds.
constexpr uint64_t kStepsPerBeat = uint64_t{1} << 16;
constexpr size_t kBytesPerBeat = size_t{64} << 20;

void BeatAtTimes(uint64_t step) {
  if (step % kStepsPerBeat == 0) Beat();
}

// Of 16 bytes; 0 where they are the same.
uint64_t Difference(const char* a, const char* b) {
  std::array<uint64_t, 2> a_words;
  std::array<uint64_t, 2> b_words;
  std::memcpy(a_words.data(), a, sizeof a_words);
  std::memcpy(b_words.data(), b, sizeof b_words);
  return (a_words[0] ^ b_words[0]) | (a_words[1] ^ b_words[1]);
}

static_assert(std::endian::native == std::endian::little, "short keys are masked as little-endian");

}  // namespace

CountTable CountTable::Create(char* region, size_t size_bytes, uint64_t seed) {
  *reinterpret_cast<Header*>(region) = {.seed = seed,
                                        .size = 0,
                                        .capacity = kMinCapacity,
                                        .arena_begin = size_bytes,
                                        .region_bytes = size_bytes};
  return CountTable(region);
}

void CountTable::Clear(char* region, size_t size_bytes) {
  for (size_t begin = 0; begin < size_bytes; begin += kBytesPerBeat) {
    Beat();
    if (madvise(region + begin, std::min(kBytesPerBeat, size_bytes - begin), MADV_REMOVE) != 0) {
      throw std::system_error(errno, std::generic_category(), "a table cannot be emptied");
    }
  }
}

CountTable::CountTable(char* region, Grant grant, char* undo_region, ShareDone share_done)
    : region_(region),
      grant_(std::move(grant)),
      share_done_(std::move(share_done)),
      header_(reinterpret_cast<Header*>(region)),
      undo_(undo_region, header_->region_bytes),
      slots_(reinterpret_cast<Slot*>(region + kSlotsOffset)),
      added_(size()) {
  NoteCapacity();
  NoteEpoch();
}

void CountTable::NoteCapacity() {
  slots_end_ = slots_ + capacity();
  lines_ = capacity() / 2;
}

CountTable::AddResult CountTable::UndoBump(Slot* slot, uint64_t amount) {
  slot->count -= amount;
  return AddResult::kOverflow;
}

// Whether a slot, whose tag says that it may, holds the key.
inline bool CountTable::IsSame(const Slot& slot, const ShortKey& key, size_t /*size*/) const {
  return ((slot.key.low ^ key.low) | (slot.key.high ^ key.high)) == 0;
}

// Of up to two halves, without a branch on the size: the first half and the one before the end.
inline bool CountTable::IsSame(const Slot& slot, const char* key, size_t size) const {
  const char* const there = region_ + slot.key.low;
  if (size > 2 * kInlineBytes) return std::memcmp(there, key, size) == 0;
  const size_t last_half = size - kInlineBytes;
  // Both at once: "and" without a branch.
  return (Difference(there, key) | Difference(there + last_half, key + last_half)) == 0;
}

// Those that are still to be added, where the table has grown.
template <class Key>
void CountTable::LocateAgain(Additions<Key>* additions, size_t next) const {
  if (additions->line_count == lines_) return;
  const auto locate = [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) additions->homes[i] = Home(additions->tags[i]);
  };
  locate(0, additions->put_off);
  locate(next, additions->size);
  additions->line_count = lines_;
}

// From a slot on.
template <class Key>
CountTable::AddResult CountTable::Search(Slot* slot, const Additions<Key>& additions, size_t at) {
  const Key& key = additions.keys[at];
  const uint64_t tag = additions.tags[at];
  const uint64_t amount = additions.amounts[at];
  for (;; slot = After(slot)) {
    if (slot->tag == 0) return Insert(slot, tag, key, amount);
    if (!slot->MayHold(tag) || !IsSame(*slot, key, SizeOf(tag))) continue;
    return slot->tag == tag ? Bump(slot, amount) : AddFirst(slot, tag, amount);
  }
}

// Where a line is full of others, a key may be in the next one, which is not at hand. So that
// addition is put off until then, with that line for a home.
template <class Key>
CountTable::AddResult CountTable::AddEach(Additions<Key>* additions) {
  LocateAgain(additions, additions->next);
  for (size_t at = additions->next; at < additions->size; ++at) {
    const uint64_t tag = additions->tags[at];
    // A later one, from the L2 cache, where it has come by now.
    constexpr size_t kAhead = 8;
    const size_t ahead = std::min(at + kAhead, additions->size - 1);
    __builtin_prefetch(additions->homes[ahead], /*for writing=*/1);
    // Which of the two slots in the cache line it is, no branch can predict.
    Slot* const home = additions->homes[at];
    Slot* const likely = home + (home[1].tag == tag ? 1 : 0);
    AddResult result;
    if (likely->tag == tag && IsSame(*likely, additions->keys[at], SizeOf(tag))) [[likely]] {
      result = Bump(likely, additions->amounts[at]);
    } else if (!home[0].MayHold(tag) && !home[1].MayHold(tag) && home[0].tag != 0 &&
               home[1].tag != 0) {
      additions->PutOff(at, After(home + 1));
      continue;
    } else {
      result = Search(home, *additions, at);
      LocateAgain(additions, at + 1);
    }
    if (result == AddResult::kAdded) [[likely]]
      continue;
    additions->failed = at;
    additions->next = at + 1;
    return result;
  }
  added_ += additions->size - additions->put_off;
  additions->size = additions->put_off;
  additions->put_off = 0;
  additions->next = 0;
  if (ShouldBeSparser()) MakeSparser();
  return AddResult::kAdded;
}

template <class Key>
CountTable::AddResult CountTable::AddAll(Additions<Key>* additions) {
  AddResult result = AddResult::kAdded;
  while (result == AddResult::kAdded && additions->size > 0) result = Add(additions);
  return result;
}

CountTable::AddResult CountTable::Add(ShortAdditions* additions) { return AddEach(additions); }

CountTable::AddResult CountTable::Add(LongAdditions* additions) {
  // Of few keys, the bytes are at hand: they take less of the cache than the slots.
  if (lines_ <= 2 * kMostCachedLines) return AddEach(additions);
  // Else they lie in the arena, beyond the slots that were asked for before.
  LocateAgain(additions, additions->next);
  for (size_t i = additions->next; i < additions->size; ++i) {
    const uint64_t tag = additions->tags[i];
    const Slot* const home = additions->homes[i];
    const Slot* const likely = home + (home[1].tag == tag ? 1 : 0);
    __builtin_prefetch(region_ + (likely->tag == tag ? likely->key.low : 0));
  }
  return AddEach(additions);
}

CountTable::AddResult CountTable::Add(std::string_view key, uint64_t amount) {
  if (key.size() > kInlineBytes) {
    LongAdditions one;
    Append(key.data(), key.size(), amount, &one);
    return AddAll(&one);
  }
  ShortAdditions one;
  Append(LoadShort(key.data(), key.size()), key.size(), amount, &one);
  return AddAll(&one);
}

// To the key's slot, for the first time in this epoch.
CountTable::AddResult CountTable::AddFirst(Slot* slot, uint64_t tag, uint64_t amount) {
  if (const AddResult noted = NoteForUndo(slot); noted != AddResult::kAdded) return noted;
  slot->tag = tag;
  return Bump(slot, amount);
}

CountTable::AddResult CountTable::Insert(Slot* slot, uint64_t tag, const char* key,
                                         uint64_t amount) {
  const size_t size = SizeOf(tag);
  if (SpareBytes() < size) return AddResult::kFull;
  if (!MayUse(/*more_slots=*/0, size, /*more_undo_entries=*/0)) return AddResult::kRefused;
  const uint64_t offset = header_->arena_begin - size;
  header_->arena_begin = offset;
  InThisOrder();  // RollBack() has to know what was written to
  std::memcpy(region_ + offset, key, size);
  return Insert(slot, tag, ShortKey{.low = offset, .high = 0}, amount);
}

CountTable::AddResult CountTable::Insert(Slot* slot, uint64_t tag, const ShortKey& key,
                                         uint64_t amount) {
  if (header_->size >= MostKeysIn(capacity())) {
    if (const AddResult grown = Grow(); grown != AddResult::kAdded) return grown;
    slot = FirstEmpty(tag);
  }
  if (const AddResult noted = NoteForUndo(slot); noted != AddResult::kAdded) return noted;
  *slot = {.count = amount, .tag = tag, .key = key};
  ++header_->size;
  return AddResult::kAdded;
}

CountTable::Slot* CountTable::FirstEmpty(uint64_t tag) const {
  Slot* slot = Home(tag);
  while (slot->tag != 0) slot = After(slot);
  return slot;
}

CountTable::AddResult CountTable::Grow() {
  const uint64_t step = StepFrom(capacity());
  const GrowthPoint now = {.keys = size(), .additions = added_};
  uint64_t more = step;
  if (capacity() > kMostDoubled && share_done_) {
    const double growth = ForecastGrowth(last_growth_, now, share_done_());
    const auto wanted = static_cast<uint64_t>(static_cast<double>(capacity()) * (growth - 1));
    const uint64_t two_steps = step + StepFrom(capacity() + step);
    more = std::clamp(wanted, capacity() / 8, two_steps) / 8 * 8;
  }
  const bool is_optional = more > step;
  AddResult grown = GrowBy(more, is_optional);
  if (grown != AddResult::kAdded && is_optional) grown = GrowBy(step, /*is_optional=*/false);
  if (grown == AddResult::kAdded) last_growth_ = now;
  return grown;
}

// Nearly each key is then in its first line, so that branches are predicted.
void CountTable::MakeSparser() {
  may_not_be_sparser_ = GrowBy(StepFrom(capacity()), /*is_optional=*/true) != AddResult::kAdded;
}

// Has memory put under new slots, which begin at `new_slots`: the last ones that have none so far,
// down to `home` at least. Returns the first that has. (256 KiB at a time stay in the L2 cache
// until keys move there, and are enough to be worth the call.)
CountTable::Slot* CountTable::PopulateBelow(Slot* populated, Slot* home, Slot* new_slots) {
  constexpr ptrdiff_t kSlotsAtOnce = (ptrdiff_t{256} << 10) / sizeof(Slot);
  const ptrdiff_t wanted = std::max(kSlotsAtOnce, populated - home);
  Slot* const begin = populated - std::min(wanted, populated - new_slots);
  PopulateForWriting(begin, populated);
  return begin;
}

// A key's place among all slots stays what it was in proportion. So from the last slot to the
// first, each key moves up, into slots that were emptied before or are new. Only around the start
// of the table, where a crowd may reach past its keys' new homes or have wrapped around the end, do
// keys wait until the others are in place.
CountTable::AddResult CountTable::GrowBy(uint64_t more_slots, bool is_optional) {
  if (capacity() + more_slots > kMaxCapacity) return AddResult::kFull;
  const uint64_t more_bytes = more_slots * sizeof(Slot);
  if (SpareBytes() < more_bytes) return AddResult::kFull;
  // Slots that are not needed leave the region to long keys.
  if (is_optional && used_bytes() + more_bytes > region_bytes() / 4) return AddResult::kFull;
  const uint64_t notes = undo_.is_wanted() ? header_->size - undo_.size() : 0;
  if (!MayUse(more_slots, /*more_key_bytes=*/0, notes, is_optional)) return AddResult::kRefused;
  NoteAllForUndo();
  Slot* const old_end = slots_end_;
  header_->capacity += more_slots;
  InThisOrder();
  NoteCapacity();
  std::vector<Slot> waiting;
  Slot* populated = slots_end_;  // new slots from here on have memory
  for (Slot* slot = old_end; slot-- != slots_;) {
    BeatAtTimes(IndexOf(slot));
    if (slot->tag == 0) continue;
    const Slot moving = *slot;
    *slot = {};
    Slot* const home = Home(moving.tag);
    if (home < populated && old_end < populated) [[unlikely]] {
      populated = PopulateBelow(populated, home, old_end);
    }
    Slot* const target = FirstEmpty(moving.tag);
    if (home > slot && target >= home) {
      *target = moving;
    } else {
      waiting.push_back(moving);
    }
  }
  for (const Slot& slot : waiting) *FirstEmpty(slot.tag) = slot;
  return AddResult::kAdded;
}

bool CountTable::MayUse(uint64_t more_slots, uint64_t more_key_bytes, uint64_t more_undo_entries,
                        bool is_optional) {
  Need need{.slots_bytes = kSlotsOffset + (capacity() + more_slots) * sizeof(Slot),
            .keys_bytes = keys_bytes() + more_key_bytes,
            .undo_bytes = undo_.BytesWith(more_undo_entries),
            .is_optional = is_optional};
  if (need.bytes() <= granted_bytes_ || !grant_) return true;
  // Long keys do not ask one by one.
  constexpr uint64_t kStepBytes = uint64_t{64} << 10;
  need.keys_bytes += kStepBytes - need.bytes() % kStepBytes;
  if (!grant_(need)) return false;
  granted_bytes_ = need.bytes();
  return true;
}

CountTable::AddResult CountTable::NoteInMoreRoom(const Slot* slot) {
  if (!undo_.is_wanted()) return AddResult::kAdded;
  constexpr uint64_t kMoreEntries = 1000;
  if (!MayUse(/*more_slots=*/0, /*more_key_bytes=*/0, kMoreEntries)) return AddResult::kRefused;
  undo_.MakeRoom(kMoreEntries);
  undo_.Note(IndexOf(slot), *slot);
  return AddResult::kAdded;
}

// For changes that leave no slot what it was.
void CountTable::NoteAllForUndo() {
  if (!undo_.is_wanted()) return;
  undo_.MakeRoom(header_->size - undo_.size());
  for (const Slot* slot = slots_; slot != slots_end_; ++slot) {
    BeatAtTimes(IndexOf(slot));
    const bool was_noted = (slot->tag & kEpochMask) == epoch_bits_;
    if (slot->tag != 0 && !was_noted) undo_.Note(IndexOf(slot), *slot);
  }
  undo_.SetComplete();
}

void CountTable::SetSavepoint() {
  if (undo_.epochs_end()) {
    for (Slot* slot = slots_; slot != slots_end_; ++slot) {
      BeatAtTimes(IndexOf(slot));
      if (slot->tag != 0) slot->tag &= ~kEpochMask;
    }
  }
  undo_.SetSavepoint(*header_);
  NoteEpoch();
  granted_bytes_ = 0;  // less is needed now
}

void CountTable::RollBack() {
  if (undo_.is_complete()) {
    // As many slots as there are now: the table may have grown.
    for (Slot* slot = slots_; slot != slots_end_; ++slot) {
      BeatAtTimes(IndexOf(slot));
      if (slot->tag != 0) *slot = {};
    }
  }
  // Growing finds zeros where there is nothing so far.
  const uint64_t arena_begin = undo_.state().arena_begin;
  for (uint64_t begin = header_->arena_begin; begin < arena_begin; begin += kBytesPerBeat) {
    Beat();
    std::memset(region_ + begin, 0, std::min(kBytesPerBeat, arena_begin - begin));
  }
  InThisOrder();
  uint64_t step = 0;
  undo_.Visit([&](uint64_t index, const Slot& before) {
    BeatAtTimes(step++);
    slots_[index] = before;
  });
  InThisOrder();
  *header_ = undo_.state();
  undo_.Forget();
  NoteCapacity();
}

// Those that a partition's keys are in, and other keys, too.
std::array<std::span<const CountTable::Slot>, 2> CountTable::SlotsOf(
    uint64_t partition, unsigned log2_partitions) const {
  const uint64_t hashes_each = uint64_t{1} << (32 - log2_partitions);
  const Slot* const begin = LineOf(partition * hashes_each);
  const Slot* end = LineOf((partition + 1) * hashes_each - 1) + 2;
  // Probing may have pushed its last keys on into the next partition, which may be this one again.
  while (end != slots_end_ && end->tag != 0) ++end;
  const Slot* end_at_start = slots_;
  if (end == slots_end_) {
    while (end_at_start != begin && end_at_start->tag != 0) ++end_at_start;
  }
  return {std::span(begin, end), std::span<const Slot>(slots_, end_at_start)};
}

uint64_t CountTable::CountPartition(uint64_t partition, unsigned log2_partitions) const {
  uint64_t count = 0;
  for (const std::span<const Slot> slots : SlotsOf(partition, log2_partitions)) {
    for (const Slot& slot : slots) count += IsInPartition(slot, partition, log2_partitions);
  }
  return count;
}

uint64_t CountTable::LongestProbe() const {
  uint64_t longest = 0;
  for (const Slot* slot = slots_; slot != slots_end_; ++slot) {
    if (slot->tag == 0) continue;
    const Slot* const home = Home(slot->tag);
    const uint64_t around_the_end = slot < home ? capacity() : 0;
    longest = std::max(longest, IndexOf(slot) + around_the_end - IndexOf(home) + 1);
  }
  return longest;
}

}  // namespace tally
