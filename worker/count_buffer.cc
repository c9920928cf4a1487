#include "worker/count_buffer.h"

// As worker/delimiter_scanner.cc, this file is compiled once for each instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "worker/count_buffer.cc"
#include <hwy/foreach_target.h>
// (foreach_target.h comes before highway.h.)
#include <hwy/highway.h>

#include <array>
#include <cstring>
#include <type_traits>

#include "worker/hash-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tally {
namespace HWY_NAMESPACE {

#if HWY_TARGET <= HWY_AVX2
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<uint64_t, CountTable::ShortAdditions::kSpare>;
using V = hn::Vec<D>;
constexpr size_t kLanes = hn::MaxLanes(D());

// Keys of one kind, in columns.
struct Pieces {
  template <class T>
  using Column = CountTable::ShortAdditions::Column<T>;
  size_t count = 0;
  alignas(64) Column<const char*> keys;
  alignas(64) Column<size_t> sizes;
  alignas(64) Column<uint64_t> amounts;  // unset for tokens
};

template <class Item>
constexpr bool kCountsOne = std::is_same_v<Item, Token>;

// Appends the items to `shorts` or `longs`. Which keys are long no branch can predict where both
// kinds are frequent.
template <class Item>
HWY_INLINE void Split(std::span<const Item> items, Pieces* shorts, Pieces* longs) {
  for (const Item& item : items) {
    const size_t size = KeySizeOf(item);
    for (Pieces* const pieces : {shorts, longs}) {
      pieces->keys[pieces->count] = KeyBytesOf(item);
      pieces->sizes[pieces->count] = size;
      if (!kCountsOne<Item>) pieces->amounts[pieces->count] = AmountOf(item);
    }
    // The sign of the difference, as a number: of a comparison, g++ makes a branch.
    const size_t is_short = (size - CountTable::kInlineBytes - 1) >> 63;
    shorts->count += is_short;
    longs->count += 1 - is_short;
  }
}

#if HWY_TARGET <= HWY_AVX3
// By an instruction that AVX-512 has for it. (Of 32-bit lanes: for others, Highway 1.0 copies a
// table each time.)
template <bool kOnes>
HWY_INLINE void Append(V key, V size, V amount, V which, Pieces* pieces) {
  const D d;
  const hn::Repartition<uint32_t, D> d32;
  const auto halves = hn::MaskFromVec(hn::BitCast(d32, which));
  const auto store = [&](V all, auto* column) HWY_ATTR {
    const V chosen = hn::BitCast(d, hn::Compress(hn::BitCast(d32, all), halves));
    hn::StoreU(chosen, d, reinterpret_cast<uint64_t*>(&(*column)[pieces->count]));
  };
  store(key, &pieces->keys);
  store(size, &pieces->sizes);
  if (!kOnes) store(amount, &pieces->amounts);
  pieces->count += hn::CountTrue(d32, halves) / 2;
}

HWY_INLINE void LoadItems(const Token* tokens, V& key, V& size, V& amount) {
  const D d;
  V end;
  hn::LoadInterleaved2(d, reinterpret_cast<const uint64_t*>(tokens), key, end);
  size = hn::Sub(end, key);
  amount = hn::Set(d, 1);
}
HWY_INLINE void LoadItems(const Record* records, V& key, V& size, V& amount) {
  V number;
  hn::LoadInterleaved4(D(), reinterpret_cast<const uint64_t*>(records), key, size, amount, number);
}

// As Split().
template <class Item>
HWY_INLINE void SplitAll(std::span<const Item> items, Pieces* shorts, Pieces* longs) {
  const D d;
  for (; items.size() >= kLanes; items = items.subspan(kLanes)) {
    V key;
    V size;
    V amount;
    LoadItems(items.data(), key, size, amount);
    const V is_short = hn::VecFromMask(d, hn::Lt(size, hn::Set(d, CountTable::kInlineBytes + 1)));
    Append<kCountsOne<Item>>(key, size, amount, is_short, shorts);
    if (!hn::AllTrue(d, hn::MaskFromVec(is_short)))
      Append<kCountsOne<Item>>(key, size, amount, hn::Not(is_short), longs);
  }
  Split(items, shorts, longs);
}
#else
template <class Item>
HWY_INLINE void SplitAll(std::span<const Item> items, Pieces* shorts, Pieces* longs) {
  Split(items, shorts, longs);
}
#endif

// The keys of additions, and the hashes of as many of them as a vector has lanes: their upper
// halves, as in tags. (Of lanes behind the last key, anything.)
class ShortKeyHashes {
 public:
  HWY_INLINE ShortKeyHashes(const Pieces& pieces, uint64_t seed, CountTable::ShortKey* keys)
      : keys_(keys), hash_(seed) {
    for (size_t i = 0; i < pieces.count; ++i) {
      keys[i] = CountTable::LoadShort(pieces.keys[i], pieces.sizes[i]);
    }
  }
  HWY_INLINE V Upper(size_t i) const {
    V low;
    V high;
    hn::LoadInterleaved2(D(), &keys_[i].low, low, high);
    return UpperHash(D(), low, high, hash_);
  }

 private:
  const CountTable::ShortKey* keys_;
  SixteenBytesHash hash_;
};

// As vectors of keys of up to 32 bytes; or of each key by itself, where one of them is longer.
class LongKeyHashes {
 public:
  HWY_INLINE LongKeyHashes(const Pieces& pieces, uint64_t seed, const char** keys)
      : pieces_(pieces), seed_(seed) {
    for (size_t i = 0; i < pieces.count; ++i) {
      keys[i] = pieces.keys[i];
      std::memcpy(&firsts_[i], keys[i], sizeof firsts_[i]);
      std::memcpy(&lasts_[i], keys[i] + pieces.sizes[i] - sizeof lasts_[i], sizeof lasts_[i]);
    }
  }
  HWY_INLINE V Upper(size_t i) const {
    const D d;
    const V size = hn::LoadU(d, &pieces_.sizes[i]);
    const V above_longest = hn::Set(d, 2 * CountTable::kInlineBytes + 1);
    if (!hn::AllTrue(d, hn::Lt(size, above_longest))) return UpperOneByOne(i);
    V first_low;
    V first_high;
    hn::LoadInterleaved2(d, &firsts_[i].low, first_low, first_high);
    V last_low;
    V last_high;
    hn::LoadInterleaved2(d, &lasts_[i].low, last_low, last_high);
    return UpperHash(d, size, first_low, first_high, last_low, last_high,
                     ThirtyTwoBytesHash(seed_));
  }

 private:
  HWY_NOINLINE V UpperOneByOne(size_t i) const {
    alignas(64) std::array<uint64_t, kLanes> hashes{};
    for (size_t lane = 0; lane < kLanes && i + lane < pieces_.count; ++lane) {
      hashes[lane] = HashBytes(pieces_.keys[i + lane], pieces_.sizes[i + lane], seed_);
    }
    return hn::And(hn::Load(D(), hashes.data()), hn::Set(D(), 0xffffffff00000000u));
  }

  const Pieces& pieces_;
  uint64_t seed_;
  alignas(64) Pieces::Column<CountTable::ShortKey> firsts_;
  alignas(64) Pieces::Column<CountTable::ShortKey> lasts_;
};

template <bool kOnes, class Hashes, class Key>
HWY_INLINE void AppendAll(const CountTable& table, const Pieces& pieces,
                          CountTable::Additions<Key>* additions) {
  const CountTable::Placement placement = table.placement();
  const size_t begin = additions->size;
  additions->NoteLineCount(placement.line_count);
  const Hashes hashes(pieces, placement.seed, &additions->keys[begin]);
  const D d;
  for (size_t i = 0; i < pieces.count; i += kLanes) {
    const V upper = hashes.Upper(i);
    const V lower = hn::Add(hn::LoadU(d, &pieces.sizes[i]), hn::Set(d, placement.size_base));
    hn::StoreU(hn::Or(upper, lower), d, &additions->tags[begin + i]);
    const V amount = kOnes ? hn::Set(d, 1) : hn::LoadU(d, &pieces.amounts[i]);
    hn::StoreU(amount, d, &additions->amounts[begin + i]);
    const V line = hn::ShiftRight<32>(
        MulLow32(d, hn::ShiftRight<32>(upper), hn::Set(d, placement.line_count)));
    const V home = hn::Add(hn::ShiftLeft<CountTable::kLog2LineBytes>(line),
                           hn::Set(d, reinterpret_cast<uint64_t>(placement.lines)));
    hn::StoreU(home, d, reinterpret_cast<uint64_t*>(&additions->homes[begin + i]));
  }
  if (placement.line_count > CountTable::kMostCachedLines) {
    for (size_t i = 0; i < pieces.count; ++i) {
      __builtin_prefetch(additions->homes[begin + i], /*for writing=*/0,
                         CountTable::kPrefetchLocality);
    }
  }
  additions->size += pieces.count;
}

// By columns: most keys are hashed as many at a time as a vector has lanes.
template <class Item>
HWY_INLINE void PrepareItems(const CountTable& table, std::span<const Item> items,
                             AdditionRow* row) {
  Pieces shorts;
  Pieces longs;
  SplitAll(items, &shorts, &longs);
  AppendAll<kCountsOne<Item>, ShortKeyHashes>(table, shorts, &row->shorts);
  if (longs.count > 0) AppendAll<kCountsOne<Item>, LongKeyHashes>(table, longs, &row->longs);
}
#else
// One after the other.
template <class Item>
HWY_INLINE void PrepareItems(const CountTable& table, std::span<const Item> items,
                             AdditionRow* row) {
  for (const Item& item : items) {
    const char* const key = KeyBytesOf(item);
    const size_t size = KeySizeOf(item);
    if (size <= CountTable::kInlineBytes) {
      table.Append(CountTable::LoadShort(key, size), size, AmountOf(item), &row->shorts);
    } else {
      table.Append(key, size, AmountOf(item), &row->longs);
    }
  }
}
#endif

void PrepareRecords(const CountTable& table, std::span<const Record> records, AdditionRow* row) {
  PrepareItems(table, records, row);
}

void PrepareTokens(const CountTable& table, std::span<const Token> tokens, AdditionRow* row) {
  PrepareItems(table, tokens, row);
}

}  // namespace HWY_NAMESPACE
}  // namespace tally
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tally {

HWY_EXPORT(PrepareRecords);
HWY_EXPORT(PrepareTokens);

void PrepareAll(const CountTable& table, std::span<const Record> records, AdditionRow* row) {
  HWY_DYNAMIC_DISPATCH(PrepareRecords)(table, records, row);
}

void PrepareAll(const CountTable& table, std::span<const Token> tokens, AdditionRow* row) {
  HWY_DYNAMIC_DISPATCH(PrepareTokens)(table, tokens, row);
}

}  // namespace tally
#endif  // HWY_ONCE
