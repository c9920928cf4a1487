#include "worker/ngram_rows.h"

// As worker/delimiter_scanner.cc, this file is compiled once for each instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "worker/ngram_rows.cc"
#include <hwy/foreach_target.h>
// (foreach_target.h comes before highway.h.)
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>

#include "worker/byte_masks-inl.h"
#include "worker/number.h"
#include "worker/parser.h"

#ifndef TALLY_WORKER_ROW_BYTES
#define TALLY_WORKER_ROW_BYTES  // (once, not for each instruction set)
namespace tally {
namespace {

// What rows are searched for. (It has to come as an argument: of constants, g++ 12 makes vectors
// anew for each row.)
struct RowBytes {
  char tab = '\t';
  char newline = '\n';
  // Brings '9' to the largest signed byte: digits are above a limit, in one comparison.
  uint8_t up = 127 - '9';
  int8_t below_digits = 127 - 10;
};

}  // namespace
}  // namespace tally
#endif

HWY_BEFORE_NAMESPACE();
namespace tally {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kTail = kMostPlainTailBytes;

HWY_INLINE uint64_t MaskOfDigits(const RowBytes& row_bytes, const char* tail) {
  const BytesOf<kTail> d;
  const hn::RebindToSigned<decltype(d)> d_signed;
  const auto up = hn::Set(d, row_bytes.up);
  const auto below_digits = hn::Set(d_signed, row_bytes.below_digits);
  return BlockMask<kTail>(tail, [&](auto bytes, size_t) HWY_ATTR {
    return hn::RebindMask(d, hn::Gt(hn::BitCast(d_signed, hn::Add(bytes, up)), below_digits));
  });
}

// Where `a` and `b` are the same, as far as keys can reach.
constexpr size_t kKeyBlock = kMostPlainKeyBytes + 1;  // with the tab
HWY_INLINE uint64_t MaskOfSame(const char* a, const char* b) {
  const BytesOf<kKeyBlock> d;
  return BlockMask<kKeyBlock>(a, [&](auto bytes, size_t offset) HWY_ATTR {
    return hn::Eq(bytes, hn::LoadU(d, reinterpret_cast<const uint8_t*>(b) + offset));
  });
}

// The position of the lowest bit. REQUIRES: there is one.
HWY_INLINE size_t Lowest(uint64_t mask) { return hwy::Num0BitsBelowLS1Bit_Nonzero64(mask); }

// The n-gram and the tab that the first row is compared with: an n-gram as any other, so that it is
// counted rightly where it is the first row's; but it is not in the text.
alignas(64) constexpr auto kFirstNgram = [] {
  std::array<char, kKeyBlock> bytes{};
  bytes.fill('x');
  bytes.back() = '\t';
  return bytes;
}();

// Takes rows one by one, and keeps the run of the last one: it goes to the others when the next run
// begins, if any of its rows count.
template <size_t kNumbers, bool kAllYears>
class RowReader {
 public:
  HWY_INLINE RowReader(const RowBytes& bytes, const YearRange& years, NgramRows* rows)
      : bytes_(bytes), years_(years), rows_(*rows), row_(rows->next), limit_(rows->limit) {}

  // Returns whether there was a row, and a plain one.
  HWY_INLINE bool TakeRow() {
    if (row_ >= limit_) return false;
    // The key and the tab behind it are most often those of the row before.
    const bool is_same = (~MaskOfSame(row_, ngram_) & ngram_and_tab_) == 0;
    if (!is_same && !BeginRun()) return false;

    // Where the numbers end: by a tab each, but the last one by the first byte that is neither.
    // Where there are too few of them, sizes are wrong: all that is not found is behind the tail.
    const char* const tail = row_ + ngram_and_tab_size();
    constexpr uint64_t kBehind = ((uint64_t{1} << kNumbers) - 1) << kTail;
    uint64_t ends = (~MaskOfDigits(bytes_, tail) & ((uint64_t{1} << kTail) - 1)) | kBehind;
    const size_t last_end = Lowest(ends & ~MaskOf<kTail>(bytes_.tab, tail));
    size_t end[kNumbers];
    HWY_UNROLL(4)
    for (size_t i = 0; i < kNumbers; ++i) {
      end[i] = Lowest(ends);
      ends &= ends - 1;
    }
    if (last_end != end[kNumbers - 1]) return false;
    size_t sizes_less_1 = end[0] - 1;
    HWY_UNROLL(4)
    for (size_t i = 1; i < kNumbers; ++i) sizes_less_1 |= end[i] - end[i - 1] - 2;
    if (sizes_less_1 > 7) return false;
    const char* newline = tail + last_end;
    if (*newline != '\n' && (*newline != '\r' || *++newline != '\n')) return false;

    row_ = newline + 1;
    if constexpr (!kAllYears) {
      ++rows_taken_;
      if (!years_.Contains(EightDigitsToNumber(LoadDigits(tail, end[0])))) return true;
    }
    matches_.Add(LoadDigits(tail + end[0] + 1, end[1] - end[0] - 1));
    if (--additions_left_ == 0) SumUp();
    return true;
  }

  HWY_INLINE void Finish() {
    EndRun();
    if (rows_.runs[0].key == kFirstNgram.data()) rows_.runs[0].key = rows_.next;  // the first row
    rows_.next = row_;
    rows_.rows_taken = kAllYears ? rows_counted_ : rows_taken_;
    rows_.run_count = run_count_;
  }

 private:
  // (It costs less than a register for it.)
  HWY_INLINE size_t ngram_and_tab_size() const { return hwy::PopCount(ngram_and_tab_); }

  HWY_INLINE void SumUp() {
    run_matches_ += matches_.TakeNumber();
    rows_counted_ += EightDigitsSum::kMostAdditions - additions_left_;
    additions_left_ = EightDigitsSum::kMostAdditions;
  }

  // With the next row, if it has an n-gram, and there is room for the run. (A run without rows
  // counts for nothing.)
  HWY_INLINE bool BeginRun() {
    const uint64_t ngram_ends =
        MaskOf<kKeyBlock>(bytes_.tab, row_) | MaskOf<kKeyBlock>(bytes_.newline, row_);
    if (ngram_ends == 0 || run_count_ == NgramRows::kMostRuns - 1) return false;
    const size_t ngram_size = Lowest(ngram_ends);
    if (row_[ngram_size] != '\t') return false;
    EndRun();
    ngram_ = row_;
    ngram_and_tab_ = ~uint64_t{0} >> (kKeyBlock - 1 - ngram_size);
    counted_before_run_ = rows_counted_;
    run_matches_ = 0;
    return true;
  }
  HWY_INLINE void EndRun() {
    SumUp();
    const size_t run_rows = rows_counted_ - counted_before_run_;
    rows_.runs[run_count_] = {ngram_, ngram_and_tab_size() - 1, run_matches_, run_rows};
    run_count_ += run_rows != 0 ? 1 : 0;
  }

  const RowBytes bytes_;
  const YearRange& years_;
  NgramRows& rows_;
  const char* row_;  // the next one
  const char* limit_;
  size_t rows_taken_ = 0;    // where not all years count
  size_t rows_counted_ = 0;  // and are in run_matches_
  size_t run_count_ = 0;

  const char* ngram_ = kFirstNgram.data();
  uint64_t ngram_and_tab_ = ~uint64_t{0};  // a bit for each byte of both
  size_t counted_before_run_ = 0;
  uint64_t run_matches_ = 0;
  EightDigitsSum matches_;  // that are not in run_matches_ yet
  unsigned additions_left_ = EightDigitsSum::kMostAdditions;
};

template <size_t kNumbers, bool kAllYears>
HWY_INLINE void TakeRows(const RowBytes& bytes, const YearRange& years, NgramRows* first,
                         NgramRows* second) {
  RowReader<kNumbers, kAllYears> one(bytes, years, first);
  RowReader<kNumbers, kAllYears> other(bytes, years, second);
  while (one.TakeRow() && other.TakeRow()) {
  }
  while (one.TakeRow()) {
  }
  while (other.TakeRow()) {
  }
  one.Finish();
  other.Finish();
}

template <size_t kNumbers>
HWY_INLINE void TakeRowsOf(const RowBytes& bytes, const YearRange& years, NgramRows* first,
                           NgramRows* second) {
  if (years.IsAll()) return TakeRows<kNumbers, true>(bytes, years, first, second);
  TakeRows<kNumbers, false>(bytes, years, first, second);
}

void TakeV1Rows(const RowBytes& bytes, const YearRange& years, NgramRows* first,
                NgramRows* second) {
  TakeRowsOf<4>(bytes, years, first, second);
}

void TakeV2Rows(const RowBytes& bytes, const YearRange& years, NgramRows* first,
                NgramRows* second) {
  TakeRowsOf<3>(bytes, years, first, second);
}

}  // namespace HWY_NAMESPACE
}  // namespace tally
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tally {

namespace {

// The key of a row, if it is plain, its numbers, and its size with the newline. So much of the text
// can be read that it has room.
std::optional<std::string_view> SplitPlainRow(const char* begin, std::span<uint64_t> numbers,
                                              size_t* row_size) {
  const std::string_view text(begin, kMostPlainRowBytes);
  const size_t key_size = text.substr(0, kMostPlainKeyBytes + 1).find_first_of("\t\n");
  if (key_size == std::string_view::npos || text[key_size] == '\n') return std::nullopt;
  std::string_view tail = text.substr(key_size + 1, kMostPlainTailBytes + 2);
  const size_t newline = tail.find('\n');
  if (newline == std::string_view::npos) return std::nullopt;
  *row_size = key_size + 1 + newline + 1;
  tail = WithoutFinalCr(tail.substr(0, newline));
  if (tail.size() > kMostPlainTailBytes) return std::nullopt;
  for (size_t i = 0; i < numbers.size(); ++i) {
    const bool is_last = i + 1 == numbers.size();
    const size_t size = is_last ? tail.size() : tail.find('\t');
    if (size > 8 || !ParseCountScalar(tail.data(), size, &numbers[i])) return std::nullopt;
    tail.remove_prefix(std::min(size + 1, tail.size()));
  }
  return text.substr(0, key_size);
}

void TakeScalar(NgramVersion version, const YearRange& years, NgramRows* rows) {
  std::array<uint64_t, 4> numbers{};
  const std::span<uint64_t> wanted(numbers.data(), version == NgramVersion::kV1 ? 4 : 3);
  std::optional<std::string_view> run_key;  // of the last row, which counts or not
  bool run_is_open = false;
  rows->rows_taken = 0;
  rows->run_count = 0;
  for (size_t row_size; rows->next < rows->limit; rows->next += row_size) {
    const auto key = SplitPlainRow(rows->next, wanted, &row_size);
    if (!key) break;
    const size_t runs_ended = rows->run_count - (run_is_open ? 1 : 0);
    if (key != run_key && runs_ended == NgramRows::kMostRuns - 1) break;
    ++rows->rows_taken;
    if (key != run_key) run_is_open = false;
    run_key = key;
    if (!years.Contains(numbers[0])) continue;
    if (!run_is_open) rows->runs[rows->run_count++] = {key->data(), key->size(), 0, 0};
    run_is_open = true;
    Record& run = rows->runs[rows->run_count - 1];
    ++run.records;
    run.amount += numbers[1];
  }
}

}  // namespace

void TakePlainRowsScalar(NgramVersion version, const YearRange& years, NgramRows* first,
                         NgramRows* second) {
  TakeScalar(version, years, first);
  TakeScalar(version, years, second);
}

HWY_EXPORT(TakeV1Rows);
HWY_EXPORT(TakeV2Rows);

void TakePlainRows(NgramVersion version, const YearRange& years, NgramRows* first,
                   NgramRows* second) {
  return version == NgramVersion::kV1 ? HWY_DYNAMIC_DISPATCH(TakeV1Rows)({}, years, first, second)
                                      : HWY_DYNAMIC_DISPATCH(TakeV2Rows)({}, years, first, second);
}

}  // namespace tally
#endif  // HWY_ONCE
