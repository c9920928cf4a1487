#include "worker/ngram_rows.h"

// As worker/delimiter_scanner.cc, this file is compiled once for each instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "worker/ngram_rows.cc"
#include <hwy/foreach_target.h>
// (foreach_target.h comes before highway.h.)
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>

#include "worker/byte_masks-inl.h"
#include "worker/number.h"
#include "worker/parser.h"

HWY_BEFORE_NAMESPACE();
namespace tally {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kTail = kNgramTailBytes;
using Tail = BytesOf<kTail>;
using TailVector = VectorOf<kTail>;

HWY_INLINE uint32_t MaskOfTabs(const char* block) {
  const TailVector tab = hn::Set(Tail(), '\t');
  return static_cast<uint32_t>(BlockMask<kTail>(
      block, [&](TailVector bytes, size_t) HWY_ATTR { return hn::Eq(bytes, tab); }));
}

HWY_INLINE uint32_t MaskOfDigits(const char* block) {
  const TailVector zero = hn::Set(Tail(), '0');
  const TailVector nine = hn::Set(Tail(), 9);
  return static_cast<uint32_t>(BlockMask<kTail>(block, [&](TailVector bytes, size_t) HWY_ATTR {
    const TailVector digits = hn::Sub(bytes, zero);
    return hn::Eq(hn::Min(digits, nine), digits);
  }));
}

HWY_INLINE uint32_t MaskOfEqual(const char* a, const char* b) {
  return static_cast<uint32_t>(BlockMask<kTail>(a, [&](TailVector bytes, size_t offset) HWY_ATTR {
    return hn::Eq(bytes, hn::LoadU(Tail(), reinterpret_cast<const uint8_t*>(b) + offset));
  }));
}

HWY_INLINE uint32_t OnesBelow(size_t bit) {
  return static_cast<uint32_t>((uint64_t{1} << std::min(bit, kTail)) - 1);
}

// The bits of a row's tail that are the row's.
HWY_INLINE uint32_t MaskOfRow(size_t size) {
  // Rows around the tail's size are frequent: no branch.
  const int64_t before = static_cast<int64_t>(kTail) - static_cast<int64_t>(size);
  return static_cast<uint32_t>(~uint64_t{0} << (before & ~(before >> 63)));
}

HWY_INLINE bool IsPlainKey(const char* key, size_t size) {
  return size <= kMaxKeyBytes && std::memchr(key, '\t', size) == nullptr;
}

HWY_INLINE bool SameKey(const char* a, const char* b, size_t size) {
  if (size > kTail) return std::memcmp(a, b, size) == 0;
  return (~MaskOfEqual(a, b) & OnesBelow(size)) == 0;
}

// Takes the position of the lowest bit off the mask; kTail where there is none.
HWY_INLINE size_t TakeLowest(uint32_t* mask) {
  const uint64_t guarded = uint64_t{1} << kTail | *mask;
  *mask &= *mask - 1;
  return hwy::Num0BitsBelowLS1Bit_Nonzero64(guarded);
}

template <size_t kNumbers>
HWY_INLINE NgramRowsTaken TakeRows(const char* text, const char* begin, const char* const* ends,
                                   size_t rows, const YearRange& years, Record* runs) {
  const bool all_years = years.IsAll();
  // The current run. It goes to the others when the next one begins, if any of its rows count.
  const char* ngram = begin;
  size_t ngram_size = ~size_t{0};
  uint64_t run_rows = 0;
  uint64_t run_matches = 0;
  size_t run_count = 0;
  const auto end_run = [&]() HWY_ATTR {
    runs[run_count] = {ngram, ngram_size, run_matches, run_rows};
    run_count += run_rows != 0 ? 1 : 0;
  };
  size_t row = 0;
  for (const char* key = begin; row < rows; key = ends[row++] + 1) {
    const char* end = ends[row];
    if (static_cast<size_t>(end - text) <= kTail) break;
    end -= end[-1] == '\r' ? 1 : 0;
    const char* const tail = end - kTail;
    const size_t size = static_cast<size_t>(end - key);
    uint32_t tabs = MaskOfTabs(tail) & MaskOfRow(size);
    const uint32_t others = ~(tabs | MaskOfDigits(tail));

    // Where the tab before each number stands. Where there are too few of them, a size is wrong.
    size_t tab[kNumbers + 1];
    HWY_UNROLL(4)
    for (size_t i = 0; i < kNumbers; ++i) tab[i] = TakeLowest(&tabs);
    tab[kNumbers] = kTail;
    size_t sizes_less_1 = 0;
    HWY_UNROLL(4)
    for (size_t i = 0; i < kNumbers; ++i) sizes_less_1 |= tab[i + 1] - tab[i] - 2;
    if (sizes_less_1 > 7 || tabs != 0 || others >> tab[0] != 0) break;

    const size_t key_size = size - kTail + tab[0];
    if (key_size != ngram_size || !SameKey(key, ngram, key_size)) {
      if (size > kTail && !IsPlainKey(key, key_size)) break;
      end_run();
      ngram = key;
      ngram_size = key_size;
      run_rows = 0;
      run_matches = 0;
    }
    const auto number = [&](size_t i) HWY_ATTR {
      return EightDigitsToNumber(LoadDigits(tail + tab[i] + 1, tab[i + 1] - tab[i] - 1));
    };
    if (!all_years && !years.Contains(number(0))) continue;
    ++run_rows;
    run_matches += number(1);
  }
  end_run();
  return {.rows = row, .runs = run_count};
}

NgramRowsTaken TakeV1Rows(const char* text, const char* begin, const char* const* ends, size_t rows,
                          const YearRange& years, Record* runs) {
  return TakeRows<4>(text, begin, ends, rows, years, runs);
}

NgramRowsTaken TakeV2Rows(const char* text, const char* begin, const char* const* ends, size_t rows,
                          const YearRange& years, Record* runs) {
  return TakeRows<3>(text, begin, ends, rows, years, runs);
}

}  // namespace HWY_NAMESPACE
}  // namespace tally
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tally {

namespace {

// The key of the row, if it is plain, and its numbers.
std::optional<std::string_view> SplitPlainRow(std::string_view row, std::span<uint64_t> numbers) {
  size_t tail = 0;
  for (size_t i = numbers.size(); i-- > 0;) {
    const size_t tab = row.rfind('\t');
    if (tab == std::string_view::npos) return std::nullopt;
    const std::string_view digits = row.substr(tab + 1);
    if (digits.size() > 8 || !ParseCountScalar(digits.data(), digits.size(), &numbers[i])) {
      return std::nullopt;
    }
    tail += 1 + digits.size();
    row = row.substr(0, tab);
  }
  const bool is_plain = tail <= kNgramTailBytes && row.size() <= kMaxKeyBytes &&
                        row.find('\t') == std::string_view::npos;
  return is_plain ? std::optional(row) : std::nullopt;
}

}  // namespace

NgramRowsTaken TakePlainRowsScalar(NgramVersion version, const char* text, const char* begin,
                                   const char* const* ends, size_t rows, const YearRange& years,
                                   NgramRuns* runs) {
  std::array<uint64_t, 4> numbers{};
  const std::span<uint64_t> wanted(numbers.data(), version == NgramVersion::kV1 ? 4 : 3);
  std::optional<std::string_view> run_key;  // of the last row, which counts or not
  bool run_is_open = false;
  NgramRowsTaken taken;
  for (; taken.rows < rows; begin = ends[taken.rows++] + 1) {
    const std::string_view row = WithoutFinalCr({begin, ends[taken.rows]});
    if (ends[taken.rows] - text <= static_cast<ptrdiff_t>(kNgramTailBytes)) break;
    const auto key = SplitPlainRow(row, wanted);
    if (!key) break;
    if (key != run_key) run_is_open = false;
    run_key = key;
    if (!years.Contains(numbers[0])) continue;
    if (!run_is_open) (*runs)[taken.runs++] = {key->data(), key->size(), 0, 0};
    run_is_open = true;
    Record& run = (*runs)[taken.runs - 1];
    ++run.records;
    run.amount += numbers[1];
  }
  return taken;
}

HWY_EXPORT(TakeV1Rows);
HWY_EXPORT(TakeV2Rows);

NgramRowsTaken TakePlainRows(NgramVersion version, const char* text, const char* begin,
                             const char* const* ends, size_t rows, const YearRange& years,
                             NgramRuns* runs) {
  return version == NgramVersion::kV1
             ? HWY_DYNAMIC_DISPATCH(TakeV1Rows)(text, begin, ends, rows, years, runs->data())
             : HWY_DYNAMIC_DISPATCH(TakeV2Rows)(text, begin, ends, rows, years, runs->data());
}

}  // namespace tally
#endif  // HWY_ONCE
