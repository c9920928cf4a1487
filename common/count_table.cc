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

CountTable::CountTable(char* region, Grant grant, char* undo_region)
    : region_(region),
      grant_(std::move(grant)),
      header_(reinterpret_cast<Header*>(region)),
      undo_(undo_region, header_->region_bytes),
      slots_(reinterpret_cast<Slot*>(region + kSlotsOffset)) {
  NoteCapacity();
  NoteEpoch();
}

void CountTable::NoteCapacity() {
  slots_end_ = slots_ + capacity();
  lines_ = capacity() / 2;
  // 5/8: linear probing then looks at 1.8 slots for a hit and 4 for a miss (Knuth, TAOCP 6.4,
  // equation 41), two of them in one cache line. (With 3/4, words take 13 % longer to count.)
  grow_at_ = capacity() / 8 * 5;
}

CountTable::AddResult CountTable::UndoBump(Slot* slot, uint64_t amount) {
  slot->count -= amount;
  return AddResult::kOverflow;
}

// Whether a slot, whose tag says that it may, holds the key.
struct CountTable::ShortKeys {
  static bool AreSame(const char* /*region*/, const Slot& slot, const Addition& addition) {
    return ((slot.key.low ^ addition.key.low) | (slot.key.high ^ addition.key.high)) == 0;
  }
};

// Of up to two halves, without a branch on the size: the first half and the one before the end.
struct CountTable::LongKeys {
  static bool AreSame(const char* region, const Slot& slot, const Addition& addition) {
    const char* const there = region + slot.key.low;
    const char* const here = addition.long_bytes();
    const size_t size = addition.key_size();
    if (size > 2 * kInlineBytes) return std::memcmp(there, here, size) == 0;
    const size_t last_half = size - kInlineBytes;
    // Both at once: "and" without a branch.
    return (Difference(there, here) | Difference(there + last_half, here + last_half)) == 0;
  }
};

// From a slot on.
template <class Keys>
CountTable::AddResult CountTable::Search(Slot* slot, const Addition& addition) {
  for (;; slot = After(slot)) {
    if (slot->tag == 0) return AddNew(slot, addition);
    if (!slot->MayHold(addition.tag) || !Keys::AreSame(region_, *slot, addition)) continue;
    return slot->tag == addition.tag ? Bump(slot, addition.amount)
                                     : AddFirst(slot, addition.tag, addition.amount);
  }
}

// Where a line is full of others, a key may be in the next one, which is not at hand. So these wait
// until all others are added: at the start of the span, where there are additions no more.
template <class Keys>
CountTable::AddResult CountTable::AddEach(std::span<Addition>* additions, Addition* failed) {
  Addition* const begin = additions->data();
  Addition* const end = begin + additions->size();
  Addition* waiting_end = begin;
  for (Addition* addition = begin; addition != end; ++addition) {
    // Which of the two slots in the cache line it is, no branch can predict.
    Slot* const home = Home(addition->tag);
    Slot* const likely = home + (home[1].tag == addition->tag ? 1 : 0);
    AddResult result;
    if (likely->tag == addition->tag && Keys::AreSame(region_, *likely, *addition)) [[likely]] {
      result = Bump(likely, addition->amount);
    } else if (!home[0].MayHold(addition->tag) && !home[1].MayHold(addition->tag) &&
               home[0].tag != 0 && home[1].tag != 0) {
      __builtin_prefetch(After(home + 1));
      *waiting_end++ = *addition;
      continue;
    } else {
      result = Search<Keys>(home, *addition);
    }
    if (result == AddResult::kAdded) [[likely]]
      continue;
    *failed = *addition;
    *additions = {std::copy_backward(begin, waiting_end, addition + 1), end};
    return result;
  }
  for (Addition* addition = begin; addition != waiting_end; ++addition) {
    const AddResult result = Search<Keys>(Home(addition->tag), *addition);
    if (result == AddResult::kAdded) continue;
    *failed = *addition;
    *additions = {addition + 1, waiting_end};
    return result;
  }
  *additions = {};
  return AddResult::kAdded;
}

CountTable::AddResult CountTable::AddShort(std::span<Addition>* additions, Addition* failed) {
  return AddEach<ShortKeys>(additions, failed);
}

CountTable::AddResult CountTable::AddLong(std::span<Addition>* additions, Addition* failed) {
  // Their bytes lie in the arena, beyond the slots that were asked for before.
  for (const Addition& addition : *additions) {
    const Slot* const home = Home(addition.tag);
    const Slot* const likely = home + (home[1].tag == addition.tag ? 1 : 0);
    __builtin_prefetch(region_ + (likely->tag == addition.tag ? likely->key.low : 0));
  }
  return AddEach<LongKeys>(additions, failed);
}

CountTable::AddResult CountTable::Add(std::string_view key, uint64_t amount) {
  Addition addition;
  Addition failed;
  std::span one(&addition, 1);
  if (key.size() > kInlineBytes) {
    PrepareLong(key.data(), key.size(), amount, &addition);
    return AddLong(&one, &failed);
  }
  PrepareShort(key.data(), key.size(), amount, &addition);
  return AddShort(&one, &failed);
}

// To the key's slot, for the first time in this epoch.
CountTable::AddResult CountTable::AddFirst(Slot* slot, uint64_t tag, uint64_t amount) {
  if (const AddResult noted = NoteForUndo(slot); noted != AddResult::kAdded) return noted;
  slot->tag = tag;
  return Bump(slot, amount);
}

CountTable::AddResult CountTable::AddNew(Slot* slot, const Addition& addition) {
  if (addition.key_size() > kInlineBytes) {
    return InsertLong(slot, addition.tag, addition.key_view(), addition.amount);
  }
  return Insert(slot, addition.tag, addition.key, addition.amount);
}

CountTable::AddResult CountTable::InsertLong(Slot* slot, uint64_t tag, std::string_view key,
                                             uint64_t amount) {
  if (SpareBytes() < key.size()) return AddResult::kFull;
  if (!MayUse(/*more_slots=*/0, key.size(), /*more_undo_entries=*/0)) return AddResult::kRefused;
  const uint64_t offset = header_->arena_begin - key.size();
  header_->arena_begin = offset;
  InThisOrder();  // RollBack() has to know what was written to
  std::memcpy(region_ + offset, key.data(), key.size());
  return Insert(slot, tag, {.low = offset, .high = 0}, amount);
}

CountTable::AddResult CountTable::Insert(Slot* slot, uint64_t tag, ShortKey key, uint64_t amount) {
  if (header_->size >= grow_at_) {
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

// A key's place among all slots stays what it was in proportion. So from the last slot to the
// first, each key moves up, into slots that were emptied before or are new. Only around the start
// of the table, where a crowd may reach past its keys' new homes or have wrapped around the end, do
// keys wait until the others are in place.
CountTable::AddResult CountTable::Grow() {
  const uint64_t more_slots = capacity() <= kMostDoubled ? capacity() : capacity() / 8 * 4;
  if (capacity() + more_slots > kMaxCapacity) return AddResult::kFull;
  const uint64_t more_bytes = more_slots * sizeof(Slot);
  if (SpareBytes() < more_bytes) return AddResult::kFull;
  const uint64_t notes = undo_.is_wanted() ? header_->size - undo_.size() : 0;
  if (!MayUse(more_slots, /*more_key_bytes=*/0, notes)) return AddResult::kRefused;
  NoteAllForUndo();
  Slot* const old_end = slots_end_;
  header_->capacity += more_slots;
  InThisOrder();
  NoteCapacity();
  std::vector<Slot> waiting;
  for (Slot* slot = old_end; slot-- != slots_;) {
    BeatAtTimes(IndexOf(slot));
    if (slot->tag == 0) continue;
    const Slot moving = *slot;
    *slot = {};
    const Slot* const home = Home(moving.tag);
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

bool CountTable::MayUse(uint64_t more_slots, uint64_t more_key_bytes, uint64_t more_undo_entries) {
  Need need{.slots_bytes = kSlotsOffset + (capacity() + more_slots) * sizeof(Slot),
            .keys_bytes = keys_bytes() + more_key_bytes,
            .undo_bytes = undo_.BytesWith(more_undo_entries)};
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
