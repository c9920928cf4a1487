// Finds the bytes that structure a text, 64 at a time, by SIMD instructions; the best ones this
// machine has are chosen at run time.
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

/// Room for every position of a window, and for kSpareScanPositions that a kernel may write behind
/// the last one.
constexpr size_t kScanWindowBytes = 2048;
constexpr size_t kSpareScanPositions = 16;
using ScanPositions = std::array<const char*, kScanWindowBytes + kSpareScanPositions>;

/// Calls for all of a text, one after the other: `for (const Window window : WindowsOf(text))`.
struct Window {
  const char* begin;
  const char* end;
};
class WindowsOf {
 public:
  explicit WindowsOf(std::string_view text) : text_(text) {}

  class Iterator {
   public:
    Iterator(const char* begin, const char* text_end) : begin_(begin), text_end_(text_end) {}
    Window operator*() const { return {begin_, begin_ + size()}; }
    Iterator& operator++() {
      begin_ += size();
      return *this;
    }
    bool operator!=(const Iterator& other) const { return begin_ != other.begin_; }

   private:
    size_t size() const {
      return std::min(static_cast<size_t>(text_end_ - begin_), kScanWindowBytes);
    }

    const char* begin_;
    const char* text_end_;
  };
  Iterator begin() const { return {text_.data(), text_.data() + text_.size()}; }
  Iterator end() const { return {text_.data() + text_.size(), text_.data() + text_.size()}; }

 private:
  std::string_view text_;
};

/// The kernels. Each writes positions in [begin, end) to `out`, in order, and returns how many.
/// REQUIRES: end - begin <= kScanWindowBytes, and kReadablePadding bytes are readable at `end`.
/// The Scalar ones are what the others are held against in the tests.

/// Where `a` or `b` stands.
size_t FindEither(const char* begin, const char* end, char a, char b, ScanPositions* out);
size_t FindEitherScalar(const char* begin, const char* end, char a, char b, ScanPositions* out);

/// Where a run of bytes that are not white space begins, and where it ends, in turn. White space
/// is what Python's str.split() takes for it, in UTF-8; a byte that is no part of valid UTF-8 is
/// not. `out` has the room of ScanPositions. `state` carries over from one window of a text to the
/// next; `text_end` is where the text ends (a character that would pass it is none).
struct WordScanState {
  bool in_word = false;
  unsigned spaces_ahead = 0;  // bytes at the next window's start that end a space of this one
};
size_t FindWordEdges(const char* begin, const char* end, const char* text_end, WordScanState* state,
                     const char** out);
size_t FindWordEdgesScalar(const char* begin, const char* end, const char* text_end,
                           WordScanState* state, const char** out);

/// Hands out the positions of `a` and `b` in a text one by one.
class ScanEither {
 public:
  ScanEither(std::string_view text, char a, char b)
      : next_window_(text.data()), text_end_(text.data() + text.size()), a_(a), b_(b) {}

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
      found_ = FindEither(next_window_, end, a_, b_, &positions_);
      next_window_ = end;
    }
    return true;
  }

  const char* next_window_;
  const char* text_end_;
  char a_;
  char b_;
  size_t used_ = 0;
  size_t found_ = 0;
  ScanPositions positions_;
};

}  // namespace tally

#endif  // TALLY_WORKER_DELIMITER_SCANNER_H_
