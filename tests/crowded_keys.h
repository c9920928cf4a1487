// Keys that a table puts near each other: found by trying many, for which this is compiled with
// optimization where other tests are not.
#ifndef TALLY_TESTS_CROWDED_KEYS_H_
#define TALLY_TESTS_CROWDED_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tally {

/// Which hashes: those whose top bits, read as a number, lie in [first, last].
struct HashRange {
  unsigned top_bits;
  uint64_t first;
  uint64_t last;
};

/// `count` keys of `key_size` bytes, each as KeyOfSize() makes it of a number, with such hashes in
/// a table of this seed.
std::vector<std::string> KeysWithHashes(uint64_t seed, const HashRange& range, size_t count,
                                        size_t key_size);

}  // namespace tally

#endif  // TALLY_TESTS_CROWDED_KEYS_H_
