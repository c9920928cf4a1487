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

/// What HashBytes() of 16 bytes goes by, for whoever does the same for several keys at once: what
/// XXH3 makes of bytes 24 to 39 and 40 to 55 of its secret, and its PRIME_MX1
/// (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md).
struct SixteenBytesHash {
  uint64_t low_flip;   // for the first half
  uint64_t high_flip;  // for the other one
  static constexpr uint64_t kFactor = 0x165667919e3779f9u;

  explicit SixteenBytesHash(uint64_t seed)
      : low_flip(0x6782737bea4239b9u + seed), high_flip(0xaf56bc3b0996523au - seed) {}
};

}  // namespace tally

#endif  // TALLY_COMMON_HASH_H_
