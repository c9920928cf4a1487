// Words of any number, distinct and of a language's lengths, for make_ngrams.
//
// A word is made from its number, so that nothing need be kept in memory:
//   word   = syllable{1..4} [accented e] [ending]      how many syllables: by the number
//   ngram  = ["] word, maybe capitalised ['s] [_TAG]   every fourth: the one before it, tagged
// The syllables are a bijective mix of the number, and nothing else in a word can be taken for a
// syllable, so the number could be read back from the word: no two words are equal.
#ifndef TALLY_TOOLS_VOCABULARY_H_
#define TALLY_TOOLS_VOCABULARY_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

/// The finalizer of splitmix64 (Steele, Lea, Flood 2014): every bit of the result depends on every
/// bit of `x`, and different x give different results.
constexpr uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// 32 bytes: copied whole into the output, which is faster than copying just what counts.
struct Word {
  std::array<char, 30> text{};
  uint8_t size = 0;
  uint8_t magnitude = 0;  // The most bits that a match_count of it has.

  std::string_view view() const { return {text.data(), size}; }
};

inline char* Append(std::string_view text, char* out) {
  return std::copy(text.begin(), text.end(), out);
}

inline char* Append(const Word& word, char* out) {
  std::memcpy(out, word.text.data(), word.text.size());
  return out + word.size;
}

/// Makes words from their numbers.
class Vocabulary {
 public:
  explicit Vocabulary(uint64_t seed) : seed_(Mix(seed ^ 0x766f636162756c61)) {
    for (size_t i = 0; i < kSyllables; ++i) {
      std::string syllable(kOnsets[i / kNuclei.size()]);
      syllable += kNuclei[i % kNuclei.size()];
      syllables_[i].size = syllable.size();
      syllable.copy(syllables_[i].text.data(), syllable.size());
    }
  }

  /// Letters only. Low numbers are short words, as common words are.
  Word PlainWord(uint64_t index) const {
    Word word;
    word.size = static_cast<uint8_t>(AppendPlain(index, word.text.data()) - word.text.data());
    return word;
  }

  Word Ngram(uint64_t index) const {
    const bool tagged = index % 4 == 3;
    const uint64_t number = kFirstNgram + index - (tagged ? 1 : 0);
    const uint64_t traits = Traits(number);
    Word word;
    char* out = word.text.data();
    if (Bits(traits, 18, 8) == 0) *out++ = '"';
    char* const initial = out;
    out = AppendPlain(number, out);
    if (Bits(traits, 4, 2) == 0) *initial -= 'a' - 'A';  // A syllable starts with a consonant.
    if (Bits(traits, 12, 6) == 0) out = Append("'s", out);
    if (tagged) out = Append(kTags[Bits(traits, 26, 3)], out);
    word.size = static_cast<uint8_t>(out - word.text.data());
    // Zipf: words with one bit more are half as many.
    word.magnitude = static_cast<uint8_t>(14 + std::countr_zero((traits >> 32) | 1U << 24));
    return word;
  }

 private:
  struct Syllable {
    std::array<char, 4> text{};
    size_t size = 0;
  };

  static constexpr std::array<std::string_view, 16> kOnsets = {
      "b", "c", "d", "f", "g", "h", "l", "m", "n", "p", "r", "s", "t", "v", "st", "tr"};
  static constexpr std::array<std::string_view, 8> kNuclei = {"a", "e",  "i",  "o",
                                                              "u", "ea", "ou", "io"};
  static constexpr size_t kSyllables = kOnsets.size() * kNuclei.size();
  static constexpr unsigned kSyllableBits = 7;
  static_assert(kSyllables == size_t{1} << kSyllableBits);
  // From here on most words have three syllables or more, as most of all distinct words have.
  static constexpr uint64_t kFirstNgram = 16'256;
  // None of these can be read as a syllable followed by another of these.
  static constexpr std::array<std::string_view, 16> kEndings = {
      "", "", "", "", "n", "s", "r", "t", "st", "ly", "ry", "ness", "ment", "ting", "ling", "less"};
  static constexpr std::array<std::string_view, 8> kTags = {"_NOUN", "_NOUN", "_NOUN", "_VERB",
                                                            "_VERB", "_ADJ",  "_ADV",  "_X"};

  static uint64_t Bits(uint64_t value, unsigned first, unsigned count) {
    return (value >> first) & ((uint64_t{1} << count) - 1);
  }

  uint64_t Traits(uint64_t index) const { return Mix(index ^ seed_); }

  char* AppendPlain(uint64_t index, char* out) const {
    unsigned syllables = 1;
    uint64_t number = index;
    for (uint64_t level = kSyllables; number >= level; level <<= kSyllableBits, ++syllables) {
      number -= level;
    }
    const unsigned bits = syllables * kSyllableBits;
    uint64_t mixed = MixBits(number, bits);
    for (unsigned i = 0; i < syllables; ++i, mixed >>= kSyllableBits) {
      const Syllable& syllable = syllables_[mixed % kSyllables];
      std::memcpy(out, syllable.text.data(), syllable.text.size());
      out += syllable.size;
    }
    if (syllables < 3) return out;
    const uint64_t traits = Traits(index);
    if (Bits(traits, 6, 6) == 0) out = Append("\u00e9", out);
    return Append(kEndings[Bits(traits, 0, 4)], out);
  }

  /// A bijection of the numbers of `bits` bits: each step of it can be undone.
  uint64_t MixBits(uint64_t x, unsigned bits) const {
    const uint64_t mask = (uint64_t{1} << bits) - 1;
    x = (x ^ seed_) & mask;
    for (const uint64_t odd : {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9}) {
      x = (x * odd) & mask;
      x ^= x >> (bits / 2);
    }
    return x;
  }

  uint64_t seed_;
  std::array<Syllable, kSyllables> syllables_;
};

#endif  // TALLY_TOOLS_VOCABULARY_H_
