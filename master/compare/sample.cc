#include "master/compare/sample.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "common/error.h"
#include "master/output_file.h"

namespace tally::compare {
namespace {

constexpr size_t kVocabulary = 50'000;
constexpr int kWordsPerLine = 10;

// "a" to "z", then "aa", "ba", and so on: a rank's digits, in letters.
std::string WordOfRank(size_t rank) {
  std::string word;
  for (size_t rest = rank + 1; rest > 0; rest = (rest - 1) / 26) {
    word += static_cast<char>('a' + (rest - 1) % 26);
  }
  return word;
}

// Ranks, the n-th of which is as frequent as 1/n (Zipf's law).
class RankSource {
 public:
  RankSource() {
    double sum = 0;
    for (size_t n = 1; n <= kVocabulary; ++n) {
      sum += 1 / static_cast<double>(n);
      sums_.push_back(sum);
    }
  }

  size_t Next() {
    const double evenly = static_cast<double>(random_() - std::minstd_rand::min()) /
                          (std::minstd_rand::max() - std::minstd_rand::min() + 1.0);
    const auto after = std::upper_bound(sums_.begin(), sums_.end(), evenly * sums_.back());
    return static_cast<size_t>(after - sums_.begin());
  }

 private:
  std::minstd_rand random_{20090708};
  std::vector<double> sums_;  // of the frequencies up to each rank
};

}  // namespace

UniqueFd MakeMemoryFile() {
  UniqueFd file(memfd_create("tally", MFD_CLOEXEC));
  if (!file) throw SystemError("a file in memory", "cannot be made", errno);
  return file;
}

std::string PathOf(const UniqueFd& file) { return fmt::format("/proc/self/fd/{}", file.get()); }

void WriteSample(const UniqueFd& file, size_t size_bytes) {
  std::vector<std::string> vocabulary;
  for (size_t rank = 0; rank < kVocabulary; ++rank) vocabulary.push_back(WordOfRank(rank));
  RankSource ranks;
  std::string text;
  text.reserve(size_bytes + 1024);
  for (int words = 1; text.size() < size_bytes; ++words) {
    text += vocabulary[ranks.Next()];
    text += words % kWordsPerLine == 0 ? '\n' : ' ';
  }
  OutputFile output(PathOf(file));
  output.Write(text);
  output.Commit();
}

}  // namespace tally::compare
