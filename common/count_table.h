// A hash table from keys to counts, inside one range of shared memory: what a worker fills and the
// merge reads.
#ifndef TALLY_COMMON_COUNT_TABLE_H_
#define TALLY_COMMON_COUNT_TABLE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string_view>

#include "common/growth_forecast.h"
#include "common/hash.h"
#include "common/shared_region.h"
#include "common/undo_log.h"

namespace tally {

/// Open addressing with linear probing over 32-byte slots, from the first of the two in a cache
/// line on. A slot's place comes from the *high* bits of the key's hash, so the keys whose hashes
/// share their top bits (a partition) lie in one run of slots, and partitions can be merged in
/// parallel.
///
/// Keys of up to 16 bytes live in the slot, longer ones in an arena. The region holds, from the
/// bottom, a header and the slots, and, from the top downwards, the arena. It grows in place, which
/// touches no memory but what the larger array needs: to twice the slots while they are few, then
/// by half of them at a time, since memory that was never touched costs more than moving keys
/// within what was; or, where it is known how much is still to come, for the keys that are
/// forecast, from an eighth of the slots to two such steps. A small table is made sparse, where it
/// may, once its keys come again and again. The table is full when slots and arena would meet.
///
/// One writer. Others may read once the writer has stopped; a CountTable object holds no keys of
/// its own, so each process attaches its own object to the region.
///
/// A writer that is killed may leave its table half changed. A table with an undo log can then go
/// back to its last savepoint.
class CountTable {
 private:
  struct Slot;

 public:
  enum class AddResult {
    kAdded,
    kFull,      // the region has no room for another key
    kRefused,   // more memory was asked for, and not granted
    kOverflow,  // the key's count would pass 2^64-1; it is unchanged
  };

  /// Keys of up to so many bytes are short: they live in the slot.
  static constexpr size_t kInlineBytes = 16;
  struct ShortKey {
    uint64_t low;
    uint64_t high;
    bool operator==(const ShortKey&) const = default;
  };

  struct Entry {
    std::string_view key;  // in the region; kReadablePadding does not hold
    ShortKey first_bytes;  // of the key, zero-padded
    uint64_t count;
    uint32_t hash;  // its top bits are the partition
  };

  /// The smallest region that holds a table.
  static constexpr size_t kMinRegionBytes = size_t{1} << 18;
  static constexpr size_t kLongestKeyBytes = (size_t{1} << 21) - 2;

  /// Makes an empty table. REQUIRES: `region` is zeroed, page-aligned and of at least
  /// kMinRegionBytes.
  static CountTable Create(char* region, size_t size_bytes, uint64_t seed);

  /// Empties a SharedRegion, of a table or its undo log, for another Create(): gives its memory
  /// back.
  static void Clear(char* region, size_t size_bytes);

  /// What a table takes.
  struct Need {
    uint64_t slots_bytes = 0;
    uint64_t keys_bytes = 0;   // of long keys
    uint64_t undo_bytes = 0;   // of its log
    bool is_optional = false;  // without, the table is slower, or asks for less

    uint64_t bytes() const { return slots_bytes + keys_bytes + undo_bytes; }
  };
  /// Asked before the table takes more memory: whether it may have so much in all.
  using Grant = std::function<bool(const Need& need)>;

  /// Asked before a large table grows: about how much of all that is to be counted is, as a part of
  /// 1. A wrong answer costs time or memory, no more.
  using ShareDone = std::function<double()>;

  /// The table that Create() made in `region`. Without a `grant`, it may have all of the region.
  /// `undo_region`: shared memory of the same size, zeroed before the first savepoint, for whoever
  /// writes to the table; or none.
  explicit CountTable(char* region, Grant grant = {}, char* undo_region = nullptr,
                      ShareDone share_done = {});

  /// Slots are prefetched into the L2 cache, no nearer: a core can wait for more lines of that at a
  /// time than for lines of its L1 cache.
  static constexpr int kPrefetchLocality = 2;

  /// Of a table of up to so many cache lines, what holds keys is taken to be in the L2 cache
  /// anyway: if its keys come again and again, such a table is sparse, where it may be, so that
  /// these are at most 13,000 lines, 0.8 MiB (else 23,000, but not for long).
  static constexpr uint64_t kMostCachedLines = uint64_t{1} << 15;

  /// Keys and what is to be added to their counts, in columns, ready for the table that made them.
  /// Of no use after its next savepoint. `Key`: a ShortKey, or where a longer one's bytes are,
  /// which stay there.
  template <class Key>
  struct Additions {
    // So many that loops over them are worth their start, and few enough for the L2 cache.
    static constexpr size_t kCapacity = 512;
    static constexpr size_t kSpare = 8;  // behind the last one, where a SIMD kernel may write
    template <class T>
    using Column = std::array<T, kCapacity + kSpare>;

    size_t size = 0;
    uint64_t line_count = 0;  // the homes are in a table of so many lines; 0: not all of them
    // How far Add() came.
    size_t next = 0;     // the first that was not looked at
    size_t put_off = 0;  // so many of those before are still to be added; they are at the front
    size_t failed = 0;

    alignas(64) Column<Key> keys;
    alignas(64) Column<uint64_t> tags;  // as a slot's
    alignas(64) Column<uint64_t> amounts;
    alignas(64) Column<Slot*> homes;  // as Home() has them; of those put off, a later line

    void PutOff(size_t i, Slot* until_slot) {
      keys[put_off] = keys[i];
      tags[put_off] = tags[i];
      amounts[put_off] = amounts[i];
      homes[put_off] = until_slot;
      __builtin_prefetch(until_slot, /*for writing=*/0, kPrefetchLocality);
      ++put_off;
    }

    /// To be called before homes are appended.
    void NoteLineCount(uint64_t now) { line_count = size == 0 || line_count == now ? now : 0; }
    size_t key_size(size_t i) const { return SizeOf(tags[i]); }
    /// For as long as the additions are there, and the text of their long keys.
    std::string_view key_view(size_t i) const { return {BytesOf(keys[i]), key_size(i)}; }
    std::string_view failed_key() const { return key_view(failed); }

   private:
    static const char* BytesOf(const ShortKey& key) { return reinterpret_cast<const char*>(&key); }
    static const char* BytesOf(const char* key) { return key; }
  };
  using ShortAdditions = Additions<ShortKey>;
  using LongAdditions = Additions<const char*>;

  /// The bytes of a short key. REQUIRES: kInlineBytes can be read at it, whatever its size.
  static ShortKey LoadShort(const char* key, size_t size);

  /// Appends a key to additions that have room for it, and asks for the memory that Add() will look
  /// at first. REQUIRES: `size` is that of a short key.
  void Append(ShortKey key, size_t size, uint64_t amount, ShortAdditions* additions) const {
    // Hashing the padded words keeps the length out of the hash's branches; a key and the same key
    // with NULs after it collide, and the tag tells them apart.
    AppendHashed(key, HashBytes(&key, sizeof key, header_->seed), size, amount, additions);
  }
  /// REQUIRES: a key that is longer, but of at most kLongestKeyBytes.
  void Append(const char* key, size_t size, uint64_t amount, LongAdditions* additions) const {
    AppendHashed(key, HashBytes(key, size, header_->seed), size, amount, additions);
  }

  /// What Append() of short keys goes by, for a kernel that does it for many at a time.
  struct Placement {
    uint64_t seed;       // of HashBytes(), for a ShortKey
    uint64_t size_base;  // the key's size and this are the lower half of its tag
    char* lines;         // of slots
    uint64_t line_count;
  };
  static constexpr unsigned kLog2LineBytes = 6;
  Placement placement() const {
    return {header_->seed, epoch_bits_ + uint64_t{1}, reinterpret_cast<char*>(slots_), lines_};
  }

  /// Adds the amounts (0 counts as well: the key is then present) to their keys' counts. Where that
  /// fails for one, failed_key() tells which; the next call goes on behind it. Otherwise, all are
  /// added but those that have to wait for more memory to come into the cache: these stay, as
  /// additions for the next call, and more can be appended.
  AddResult Add(ShortAdditions* additions);
  AddResult Add(LongAdditions* additions);

  /// One of any size. REQUIRES: kInlineBytes can be read at it.
  AddResult Add(std::string_view key, uint64_t amount);

  /// Number of keys.
  uint64_t size() const { return header_->size; }
  uint64_t capacity() const { return header_->capacity; }
  size_t region_bytes() const { return header_->region_bytes; }

  /// How much of the region has been written to.
  uint64_t used_bytes() const { return kSlotsOffset + capacity() * sizeof(Slot) + keys_bytes(); }

  /// For a table with an undo log. A writer that is killed in SetSavepoint() leaves the table as it
  /// is, but neither savepoint; killed in RollBack(), it can be called again.
  void SetSavepoint();
  void RollBack();

  /// Slots that a search of any of the keys looks at, at most.
  uint64_t LongestProbe() const;

  /// A partition: the keys whose hashes have it as their top `log2_partitions` bits, so many at
  /// most.
  static constexpr unsigned kMaxLog2Partitions = 14;
  /// How many they are.
  uint64_t CountPartition(uint64_t partition, unsigned log2_partitions) const;
  /// Calls visit(Entry) for each of them, in slot order.
  template <class Visitor>
  void VisitPartition(uint64_t partition, unsigned log2_partitions, Visitor&& visit) const;

 private:
  // All capacities are even: two slots share a cache line.
  static constexpr uint64_t kMinCapacity = uint64_t{1} << 11;
  static constexpr uint64_t kMostDoubled = uint64_t{1} << 19;
  static constexpr uint64_t kMaxCapacity = uint64_t{1} << 32;  // a slot keeps 32 bits of the hash

  // Of a slot's tag, from the top: 32 bits of the key's hash, the epoch in which the slot changed
  // last, and the key's size + 1. 0: the slot is empty.
  static constexpr unsigned kSizeBits = 21;
  static constexpr uint64_t kSizeMask = (uint64_t{1} << kSizeBits) - 1;
  static constexpr uint64_t kHashMask = 0xffffffff00000000u;
  static constexpr uint64_t kEpochMask = ~(kHashMask | kSizeMask);

  static size_t SizeOf(uint64_t tag) { return (tag & kSizeMask) - 1; }

  struct Slot {
    uint64_t count;
    uint64_t tag;
    ShortKey key;  // zero-padded bytes; of a long key: {offset of its bytes in the region, 0}

    uint32_t hash() const { return static_cast<uint32_t>(tag >> 32); }
    size_t key_size() const { return SizeOf(tag); }
    bool MayHold(uint64_t sought_tag) const {  // the epochs aside
      return ((tag ^ sought_tag) & ~kEpochMask) == 0;
    }
  };
  static_assert(sizeof(Slot) == 32);

  struct Header {
    uint64_t seed;
    uint64_t size;
    uint64_t capacity;
    uint64_t arena_begin;  // the arena's bytes are [arena_begin, region_bytes
    uint64_t region_bytes;
  };
  static constexpr size_t kSlotsOffset = 64;
  static_assert(sizeof(Header) <= kSlotsOffset);

  using Undo = UndoLog<Slot, Header>;
  static_assert(uint64_t{Undo::kEpochs} << kSizeBits == uint64_t{1} << 32);

  uint64_t MakeTag(uint64_t hash, size_t key_size) const {
    return (hash & kHashMask) | epoch_bits_ | (key_size + 1);
  }
  static AddResult Bump(Slot* slot, uint64_t amount) {
    return __builtin_add_overflow(slot->count, amount, &slot->count) ? UndoBump(slot, amount)
                                                                     : AddResult::kAdded;
  }
  static AddResult UndoBump(Slot* slot, uint64_t amount);

  template <class Key>
  [[gnu::always_inline]] void AppendHashed(Key key, uint64_t hash, size_t size, uint64_t amount,
                                           Additions<Key>* additions) const {
    additions->NoteLineCount(lines_);
    const size_t at = additions->size++;
    additions->keys[at] = key;
    additions->tags[at] = MakeTag(hash, size);
    additions->amounts[at] = amount;
    additions->homes[at] = Home(additions->tags[at]);
    // (Calls of a function that only prefetches have no effect, finds g++ 12, and drops them.)
    __builtin_prefetch(additions->homes[at], /*for writing=*/0, kPrefetchLocality);
  }
  bool IsSame(const Slot& slot, const ShortKey& key, size_t size) const;
  bool IsSame(const Slot& slot, const char* key, size_t size) const;
  template <class Key>
  void LocateAgain(Additions<Key>* additions, size_t next) const;
  template <class Key>
  AddResult AddEach(Additions<Key>* additions);
  template <class Key>
  AddResult AddAll(Additions<Key>* additions);
  template <class Key>
  AddResult Search(Slot* slot, const Additions<Key>& additions, size_t at);
  AddResult AddFirst(Slot* slot, uint64_t tag, uint64_t amount);
  AddResult Insert(Slot* slot, uint64_t tag, const ShortKey& key, uint64_t amount);
  AddResult Insert(Slot* slot, uint64_t tag, const char* key, uint64_t amount);

  // 1 or 0: which slots are in use, no branch can predict.
  static size_t IsInPartition(const Slot& slot, uint64_t partition, unsigned log2_partitions) {
    const uint64_t its_own = uint64_t{slot.hash()} << log2_partitions >> 32;
    return static_cast<size_t>(slot.tag != 0) & static_cast<size_t>(its_own == partition);
  }
  std::array<std::span<const Slot>, 2> SlotsOf(uint64_t partition, unsigned log2_partitions) const;
  const char* BytesOf(const Slot& slot) const {
    return slot.key_size() <= kInlineBytes ? reinterpret_cast<const char*>(&slot.key)
                                           : region_ + slot.key.low;
  }
  Entry EntryOf(const Slot& slot) const {
    const char* const bytes = BytesOf(slot);
    Entry entry{{bytes, slot.key_size()}, {}, slot.count, slot.hash()};
    std::memcpy(&entry.first_bytes, bytes, sizeof entry.first_bytes);
    return entry;
  }
  // The first slot of a cache line: that one of all, whose share of the hashes the tag's is in.
  Slot* Home(uint64_t tag) const { return LineOf(tag >> 32); }
  Slot* LineOf(uint64_t hash) const { return slots_ + 2 * ((hash * lines_) >> 32); }
  Slot* After(Slot* slot) const { return ++slot == slots_end_ ? slots_ : slot; }
  Slot* FirstEmpty(uint64_t tag) const;
  size_t SpareBytes() const {
    return header_->arena_begin - kSlotsOffset - capacity() * sizeof(Slot);
  }
  // How many slots more there are next.
  static uint64_t StepFrom(uint64_t slots) { return slots <= kMostDoubled ? slots : slots / 8 * 4; }
  AddResult Grow();
  // Where keys come but once, as in sorted n-grams, memory that was never touched costs more than a
  // low load factor gains. (A limit of 2 additions per key is as good as one of 4; with 16, texts
  // of 100 MB take 14 % longer.)
  bool ShouldBeSparser() const {
    constexpr uint64_t kMostSparse = uint64_t{1} << 18;
    constexpr uint64_t kAdditionsPerKey = 4;
    return capacity() <= kMostSparse && size() > capacity() / 4 &&
           added_ > kAdditionsPerKey * size() && !may_not_be_sparser_;
  }
  void MakeSparser();
  AddResult GrowBy(uint64_t more_slots, bool is_optional);
  static Slot* PopulateBelow(Slot* populated, Slot* home, Slot* new_slots);
  uint64_t IndexOf(const Slot* slot) const { return static_cast<uint64_t>(slot - slots_); }
  // The slot changes for the first time in this epoch.
  AddResult NoteForUndo(const Slot* slot) {
    if (!undo_.has_room()) return NoteInMoreRoom(slot);
    undo_.Note(IndexOf(slot), *slot);
    return AddResult::kAdded;
  }
  AddResult NoteInMoreRoom(const Slot* slot);
  void NoteAllForUndo();
  uint64_t keys_bytes() const { return header_->region_bytes - header_->arena_begin; }
  bool MayUse(uint64_t more_slots, uint64_t more_key_bytes, uint64_t more_undo_entries,
              bool is_optional = false);
  // At most 5/8 of the slots hold one: linear probing then looks at 1.8 slots for a hit and 4 for a
  // miss (Knuth, TAOCP 6.4, equation 41), two of them in one cache line. (With 3/4, words take 13 %
  // longer to count.)
  static uint64_t MostKeysIn(uint64_t slots) { return slots / 8 * 5; }
  void NoteCapacity();
  void NoteEpoch() { epoch_bits_ = undo_.epoch() << kSizeBits; }

  char* region_;
  Grant grant_;
  ShareDone share_done_;
  uint64_t granted_bytes_ = 0;
  Header* header_;
  Undo undo_;
  uint32_t epoch_bits_ = 0;  // in tags
  Slot* slots_;
  Slot* slots_end_ = nullptr;
  uint64_t lines_ = 0;  // of slots
  uint64_t added_ = 0;  // additions that are done with; of an earlier writer's, one for each key
  bool may_not_be_sparser_ = false;
  GrowthPoint last_growth_;
};

inline CountTable::ShortKey CountTable::LoadShort(const char* key, size_t size) {
  // Loads all bytes and clears those behind the key: no branch on its length.
  // Ones, then zeros: from the middle minus the key's size on, a mask for its bytes.
  alignas(64) static constexpr auto kMasks = [] {
    std::array<unsigned char, 2 * kInlineBytes> masks{};
    for (size_t i = 0; i < kInlineBytes; ++i) masks[i] = 0xff;
    return masks;
  }();
  ShortKey bytes;
  ShortKey mask;
  std::memcpy(&bytes, key, sizeof bytes);
  std::memcpy(&mask, kMasks.data() + kInlineBytes - size, sizeof mask);
  return {.low = bytes.low & mask.low, .high = bytes.high & mask.high};
}

template <class Visitor>
void CountTable::VisitPartition(uint64_t partition, unsigned log2_partitions,
                                Visitor&& visit) const {
  // So many at a time that their long keys can come into the cache together.
  constexpr size_t kBatch = 128;
  std::array<const Slot*, kBatch> found;
  for (std::span<const Slot> slots : SlotsOf(partition, log2_partitions)) {
    while (!slots.empty()) {
      const std::span<const Slot> batch = slots.first(std::min(kBatch, slots.size()));
      slots = slots.subspan(batch.size());
      size_t count = 0;
      for (const Slot& slot : batch) {
        found[count] = &slot;
        count += IsInPartition(slot, partition, log2_partitions);
      }
      for (size_t i = 0; i < count; ++i) __builtin_prefetch(BytesOf(*found[i]));
      for (size_t i = 0; i < count; ++i) visit(EntryOf(*found[i]));
    }
  }
}

}  // namespace tally

#endif  // TALLY_COMMON_COUNT_TABLE_H_
