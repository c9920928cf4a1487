#include "tests/crowded_keys.h"

#include <algorithm>

#include "common/count_table.h"
#include "common/hash.h"
#include "tests/test_table.h"

namespace tally {

std::vector<std::string> KeysWithHashes(uint64_t seed, const HashRange& range, size_t count,
                                        size_t key_size) {
  std::vector<std::string> keys;
  for (uint64_t number = 0; keys.size() < count; ++number) {
    std::string key = KeyOfSize(key_size, number);
    // Short keys are hashed with the zeros behind them.
    key.resize(std::max(key_size, CountTable::kInlineBytes));
    const uint64_t top = HashBytes(key.data(), key.size(), seed) >> (64 - range.top_bits);
    if (top < range.first || range.last < top) continue;
    key.resize(key_size);
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace tally
