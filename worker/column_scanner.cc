#include "worker/column_scanner.h"

// As worker/delimiter_scanner.cc, this file is compiled once for each instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "worker/column_scanner.cc"
#include <hwy/foreach_target.h>
// (foreach_target.h comes before highway.h.)
#include <hwy/highway.h>

#include <algorithm>

#include "worker/byte_masks-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tally {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Finds, in one block after the other, where columns that begin at some bits end: an addition
// carries from where a column begins through all of its bytes to the one behind. (So does simdjson
// with runs of backslashes.)
class ColumnEnds {
 public:
  // Bits: where columns begin, and which bytes are content, not delimiters or newlines.
  HWY_INLINE uint64_t Next(uint64_t begins, uint64_t content) {
    uint64_t sum;
    is_open_ = __builtin_add_overflow(content, begins | is_open_, &sum) ? 1 : 0;
    return sum & ~content;
  }

 private:
  uint64_t is_open_ = 0;  // 1: a column goes on in the next block, so none begins at its bit 0
};

// Moves each bit to the next higher one; the highest, to the lowest of the next block.
class ShiftUp {
 public:
  constexpr ShiftUp() = default;
  explicit constexpr ShiftUp(bool lowest) : lowest_(lowest ? 1 : 0) {}
  HWY_INLINE uint64_t Next(uint64_t bits) {
    const uint64_t shifted = bits << 1 | lowest_;
    lowest_ = bits >> (kMaskBytes - 1);
    return shifted;
  }

 private:
  uint64_t lowest_ = 0;
};

HWY_INLINE void Zip(const ScanPositions& begins, const ScanPositions& ends, size_t count,
                    ColumnTokens* out) {
  const hn::CappedTag<uint64_t, kSpareScanPositions> d;
  auto* const to = reinterpret_cast<uint64_t*>(out->data());
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    hn::StoreInterleaved2(hn::LoadU(d, reinterpret_cast<const uint64_t*>(&begins[i])),
                          hn::LoadU(d, reinterpret_cast<const uint64_t*>(&ends[i])), d, to + 2 * i);
  }
}

size_t FindColumn(const char* begin, const char* end, char delimiter, size_t number,
                  ColumnTokens* out) {
  ShiftUp behind_newlines(true);
  ShiftUp behind_returns;
  std::array<ShiftUp, kLastScannedColumn> behind_delimiters;
  std::array<ColumnEnds, kLastScannedColumn> column_ends;
  ScanPositions begins;
  ScanPositions ends;
  const char** next_begin = begins.data();
  const char** next_end = ends.data();
  for (const char* block = begin; block < end; block += kMaskBytes) {
    PrefetchText(block);
    const uint64_t delimiters = MaskOf(delimiter, block);
    const uint64_t newlines = KeepBefore(end, block, MaskOf('\n', block));
    const uint64_t content = ~(delimiters | newlines);
    uint64_t begin_bits = behind_newlines.Next(newlines);
    uint64_t end_bits = column_ends[0].Next(begin_bits, content);
    for (size_t column = 1; column < number; ++column) {
      if ((end_bits & newlines) != 0) return 0;
      begin_bits = behind_delimiters[column].Next(end_bits);
      end_bits = column_ends[column].Next(begin_bits, content);
    }
    begin_bits = KeepBefore(end, block, begin_bits);
    end_bits = KeepBefore(end, block, end_bits);
    // Where the column is the last one, a carriage return is no part of it.
    const uint64_t with_return = end_bits & newlines & behind_returns.Next(MaskOf('\r', block));
    if (with_return != 0) {
      if ((with_return & 1) != 0) *next_end++ = block - 1;
      end_bits = (end_bits & ~with_return) | with_return >> 1;
    }
    next_begin = AppendPositions(block, begin_bits, next_begin);
    next_end = AppendPositions(block, end_bits, next_end);
  }
  const auto lines = static_cast<size_t>(next_end - ends.data());
  Zip(begins, ends, lines, out);
  return lines;
}

}  // namespace HWY_NAMESPACE
}  // namespace tally
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tally {

HWY_EXPORT(FindColumn);

size_t FindColumn(const char* begin, const char* end, char delimiter, size_t number,
                  ColumnTokens* out) {
  return HWY_DYNAMIC_DISPATCH(FindColumn)(begin, end, delimiter, number, out);
}

size_t FindColumnScalar(const char* begin, const char* end, char delimiter, size_t number,
                        ColumnTokens* out) {
  size_t lines = 0;
  for (const char* line = begin; line != end; ++lines) {
    const char* const newline = std::find(line, end, '\n');
    const char* const line_end = newline - (newline != line && newline[-1] == '\r' ? 1 : 0);
    const char* column = line;
    const char* column_end = std::find(column, line_end, delimiter);
    for (size_t i = 1; i < number; ++i) {
      if (column_end == line_end) return 0;
      column = column_end + 1;
      column_end = std::find(column, line_end, delimiter);
    }
    (*out)[lines] = {column, column_end};
    line = newline + 1;
  }
  return lines;
}

}  // namespace tally
#endif  // HWY_ONCE
