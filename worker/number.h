// Decimal numbers out of a text.
#ifndef TALLY_WORKER_NUMBER_H_
#define TALLY_WORKER_NUMBER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tally {

/// The value of 1 to 8 digits, whose bytes xor '0' are given, at the high end of a zero-padded
/// word: the method is Johnny Lee's and Daniel Lemire's ("Quickly parsing eight digits", 2018).
inline uint64_t EightDigitsToNumber(uint64_t digits) {
  digits = digits * 10 + (digits >> 8);  // pairs, each in the even bytes
  constexpr uint64_t kMask = 0x000000ff000000ffu;
  constexpr uint64_t kHundredAndMillion = 100 + (uint64_t{1000000} << 32);
  constexpr uint64_t kOneAndTenThousand = 1 + (uint64_t{10000} << 32);
  return (((digits & kMask) * kHundredAndMillion) +
          (((digits >> 16) & kMask) * kOneAndTenThousand)) >>
         32;
}

/// Eight bytes, the first `size` of them, as EightDigitsToNumber() wants them.
/// REQUIRES: 1 <= size <= 8, and 8 readable bytes at `text`.
inline uint64_t LoadDigits(const char* text, size_t size) {
  uint64_t digits;
  std::memcpy(&digits, text, sizeof digits);
  // Xor, not subtract: a borrow would run into the next digit.
  return (digits ^ 0x3030303030303030u) << (64 - 8 * size);
}

/// A sum of numbers of 1 to 8 digits: digits are added up place by place, and few sums are
/// converted instead of each number.
class EightDigitsSum {
 public:
  /// The most additions between two calls of TakeNumber(): a place has a byte.
  static constexpr unsigned kMostAdditions = 255 / 9;

  /// REQUIRES: as EightDigitsToNumber().
  void Add(uint64_t digits) { places_ += digits; }

  /// The sum, which is then 0 again.
  uint64_t TakeNumber() {
    constexpr uint64_t kBytes = 0x00ff00ff00ff00ffu;
    constexpr uint64_t kPairs = 0x0000ffff0000ffffu;
    const uint64_t pairs = (places_ & kBytes) * 10 + ((places_ >> 8) & kBytes);
    const uint64_t fours = (pairs & kPairs) * 100 + ((pairs >> 16) & kPairs);
    places_ = 0;
    return (fours & 0xffffffffu) * 10000 + (fours >> 32);
  }

 private:
  uint64_t places_ = 0;
};

/// What ParseCount() makes of eight digits or fewer. REQUIRES: as LoadDigits().
inline bool ParseUpTo8Digits(const char* text, size_t size, uint64_t* value) {
  const uint64_t digits = LoadDigits(text, size);
  const uint64_t above_nine = (digits + 0x7676767676767676u) | digits;
  if ((above_nine & 0x8080808080808080u) != 0) return false;
  *value = EightDigitsToNumber(digits);
  return true;
}

/// As ParseCount(), a digit at a time.
inline bool ParseCountScalar(const char* text, size_t size, uint64_t* value) {
  if (size == 0) return false;
  uint64_t sum = 0;
  for (size_t i = 0; i < size; ++i) {
    const auto digit = static_cast<unsigned char>(text[i] - '0');
    if (digit > 9 || __builtin_mul_overflow(sum, 10, &sum) ||
        __builtin_add_overflow(sum, digit, &sum)) {
      return false;
    }
  }
  *value = sum;
  return true;
}

/// Reads `size` bytes as a number of decimal digits and nothing else. False where they are none, or
/// where the number does not fit 64 bits.
/// REQUIRES: 8 readable bytes at `text`, whatever the size.
inline bool ParseCount(const char* text, size_t size, uint64_t* value) {
  if (size - 1 < 8) return ParseUpTo8Digits(text, size, value);
  return ParseCountScalar(text, size, value);
}

}  // namespace tally

#endif  // TALLY_WORKER_NUMBER_H_
