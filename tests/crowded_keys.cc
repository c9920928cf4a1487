#include "tests/crowded_keys.h"

#include <algorithm>
#include <utility>

#include "common/count_table.h"
#include "common/hash.h"
#include "tests/test_table.h"

namespace tally {

std::vector<std::string> KeysWithHashes(uint64_t seed, const HashRange& range, size_t count,
                                        size_t key_size) {
  std::vector<std::string> keys;
  std::string hashed;
  for (uint64_t number = 0; keys.size() < count; ++number) {
    std::string key = KeyOfSize(key_size, number);
    hashed = key;
    hashed.resize(std::max(key.size(), CountTable::kInlineBytes));  // with zeros, as a table does
    const uint64_t top = HashBytes(hashed.data(), hashed.size(), seed) >> (64 - range.top_bits);
    if (range.first <= top && top <= range.last) keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace tally
