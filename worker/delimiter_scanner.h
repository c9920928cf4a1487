// Finds the bytes that structure a text, 64 at a time. The one part of tally that is written with
// SIMD instructions; the best ones this machine has are chosen at run time.
//
// The idea is simdjson's (Langdale, Lemire: "Parsing Gigabytes of JSON per Second", 2019): a first
// pass turns bytes into bit masks and those into positions, so that the parser behind it runs on
// positions alone and looks at no byte it does not need.
#ifndef TALLY_WORKER_DELIMITER_SCANNER_H_
#define TALLY_WORKER_DELIMITER_SCANNER_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/mapped_file.h"

namespace tally {

/// Room for every position of a window, and for the few that are written behind the last one.
constexpr size_t kScanWindowBytes = 2048;
using ScanPositions = std::array<const char*, kScanWindowBytes + 8>;

/// The kernels. Each writes positions in [begin, end) to `out`, in order, and returns how many.
/// REQUIRES: end - begin <= kScanWindowBytes, and kReadablePadding bytes are readable at `end`.
/// The Scalar ones are what the others are held against in the tests.

/// Where `a` or `b` stands.
size_t FindEither(const char* begin, const char* end, char a, char b, ScanPositions* out);
size_t FindEitherScalar(const char* begin, const char* end, char a, char b, ScanPositions* out);

/// Where a run of bytes that are not white space begins, and where it ends, in turn. White space
/// is what Python's str.split() takes for it, in UTF-8; a byte that is no part of valid UTF-8 is
/// not. `state` carries over from one window of a text to the next; `text_end` is where the text
/// ends (a character that would pass it is none).
struct WordScanState {
  bool in_word = false;
  unsigned spaces_ahead = 0;  // bytes at the next window's start that end a space of this one
};
size_t FindWordEdges(const char* begin, const char* end, const char* text_end, WordScanState* state,
                     ScanPositions* out);
size_t FindWordEdgesScalar(const char* begin, const char* end, const char* text_end,
                           WordScanState* state, ScanPositions* out);

/// Hands out a kernel's positions one by one, window after window.
template <class FindInWindow>
class PositionStream {
 public:
  PositionStream(std::string_view text, FindInWindow find)
      : next_window_(text.data()), text_end_(text.data() + text.size()), find_(find) {}

  /// The next position; the end of the text when there is none left, as often as asked.
  const char* Next() {
    if (used_ == found_ && !Refill()) return text_end_;
    return positions_[used_++];
  }

 private:
  bool Refill() {
    used_ = 0;
    found_ = 0;
    while (found_ == 0) {
      if (next_window_ == text_end_) return false;
      const size_t left = static_cast<size_t>(text_end_ - next_window_);
      const char* const end = next_window_ + std::min(left, kScanWindowBytes);
      found_ = find_(next_window_, end, &positions_);
      next_window_ = end;
    }
    return true;
  }

  const char* next_window_;
  const char* text_end_;
  FindInWindow find_;
  size_t used_ = 0;
  size_t found_ = 0;
  ScanPositions positions_;
};

/// The positions of `a` and `b` in `text`, in order.
inline auto ScanEither(std::string_view text, char a, char b) {
  return PositionStream(text, [a, b](const char* begin, const char* end, ScanPositions* out) {
    return FindEither(begin, end, a, b, out);
  });
}

/// The begin and the end of each word of `text`, in turn; a last word that reaches the end of the
/// text has no end of its own.
inline auto ScanWords(std::string_view text) {
  return PositionStream(text, [text_end = text.data() + text.size(), state = WordScanState{}](
                                  const char* begin, const char* end, ScanPositions* out) mutable {
    return FindWordEdges(begin, end, text_end, &state, out);
  });
}

}  // namespace tally

#endif  // TALLY_WORKER_DELIMITER_SCANNER_H_
