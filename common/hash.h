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

// What HashBytes() goes by, for whoever does the same for several keys at once: numbers of XXH3's
// secret, and of its primes (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md).

/// PRIME_MX1.
constexpr uint64_t kHashMixFactor = 0x165667919e3779f9u;

/// What two halves of 16 bytes are combined with, before they are multiplied.
struct HashFlips {
  uint64_t low;
  uint64_t high;
};

/// Of 16 bytes: what bytes 24 to 39 and 40 to 55 of the secret come to.
struct SixteenBytesHash {
  explicit SixteenBytesHash(uint64_t seed)
      : flips{0x6782737bea4239b9u + seed, 0xaf56bc3b0996523au - seed} {}

  HashFlips flips;
};

/// Of 17 to 32 bytes: bytes 0 to 31 of the secret, and PRIME64_1.
struct ThirtyTwoBytesHash {
  explicit ThirtyTwoBytesHash(uint64_t seed)
      : first{0xbe4ba423396cfeb8u + seed, 0x1cad21f72c81017cu - seed},
        last{0xdb979083e96dd4deu + seed, 0x1f67b3b7a4a44072u - seed} {}

  static constexpr uint64_t kSizeFactor = 0x9e3779b185ebca87u;
  HashFlips first;  // for the first 16 bytes
  HashFlips last;   // for the last 16
};

}  // namespace tally

#endif  // TALLY_COMMON_HASH_H_
