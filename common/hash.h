// The hash function of the count tables: XXH3, seeded per run so that nobody can prepare a file
// whose keys all collide. The one file that knows xxHash.
#ifndef TALLY_COMMON_HASH_H_
#define TALLY_COMMON_HASH_H_

#include <cstddef>
#include <cstdint>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tally {

inline uint64_t HashBytes(const void* bytes, size_t size_bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes, size_bytes, seed);
}

}  // namespace tally

#endif  // TALLY_COMMON_HASH_H_
