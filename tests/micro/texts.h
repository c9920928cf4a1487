// Texts and keys to measure with, the same in every run.
#ifndef TALLY_TESTS_MICRO_TEXTS_H_
#define TALLY_TESTS_MICRO_TEXTS_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace tally::micro {

/// Words of 2 to 12 letters.
inline std::vector<std::string> MakeWords(size_t count) {
  std::mt19937_64 random(count);
  std::vector<std::string> words(count);
  for (std::string& word : words) {
    for (size_t size = 2 + random() % 11; word.size() < size;) {
      word += static_cast<char>('a' + random() % 26);
    }
  }
  return words;
}

/// So many numbers below `limit`, small ones far more often: the ranks of a text's words.
inline std::vector<uint32_t> MakeRanks(size_t count, size_t limit) {
  std::mt19937_64 random(1);
  std::vector<uint32_t> ranks(count);
  for (uint32_t& rank : ranks) {
    rank = static_cast<uint32_t>(random() % (1 + random() % limit));
  }
  return ranks;
}

}  // namespace tally::micro

#endif  // TALLY_TESTS_MICRO_TEXTS_H_
