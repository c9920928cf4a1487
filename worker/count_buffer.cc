#include "worker/count_buffer.h"

// As worker/delimiter_scanner.cc, this file is compiled once for each instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "worker/count_buffer.cc"
#include <hwy/foreach_target.h>
// (foreach_target.h comes before highway.h.)
#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace tally {
namespace HWY_NAMESPACE {

// There is nothing to be done by hand here: what the table has inline is compiled into these
// functions once more, and keys are copied and hashed by wider instructions where there are any.
//
// Which keys are long no branch can predict where both kinds are frequent. So all are prepared as
// if they were short, and the long ones, whose number is noted, once more.
template <class Item>
HWY_INLINE void PrepareItems(const CountTable& table, std::span<const Item> items,
                             AdditionRow* row) {
  std::array<const Item*, AdditionRow::kCapacity> long_items;
  size_t longs = 0;
  CountTable::Addition* next = row->short_keys.data() + row->shorts;
  for (const Item& item : items) {
    const size_t size = KeySizeOf(item);
    table.PrepareShort(KeyBytesOf(item), std::min(size, CountTable::kInlineBytes), AmountOf(item),
                       next);
    long_items[longs] = &item;
    // The sign of the difference, as a number: of a comparison, g++ makes a branch.
    const size_t is_short = (size - CountTable::kInlineBytes - 1) >> 63;
    longs += 1 - is_short;
    next += is_short;
  }
  for (const auto& addition :
       std::span(row->short_keys).subspan(row->shorts, items.size() - longs)) {
    table.Prefetch(addition);
  }
  row->shorts += items.size() - longs;
  for (const Item* const item : std::span(long_items).first(longs)) {
    CountTable::Addition* const addition = &row->long_keys[row->longs++];
    table.PrepareLong(KeyBytesOf(*item), KeySizeOf(*item), AmountOf(*item), addition);
    table.Prefetch(*addition);
  }
}

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
