// Bit masks of the bytes in a block of text: what the SIMD kernels are built of. To be included by
// files that Highway compiles once for each instruction set, after <hwy/highway.h>; so it is
// guarded once for each of them, too.
#if defined(TALLY_WORKER_BYTE_MASKS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TALLY_WORKER_BYTE_MASKS_INL_H_
#undef TALLY_WORKER_BYTE_MASKS_INL_H_
#else
#define TALLY_WORKER_BYTE_MASKS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace tally {
namespace HWY_NAMESPACE {

template <size_t kBlockBytes>
using BytesOf = hwy::HWY_NAMESPACE::CappedTag<uint8_t, kBlockBytes>;
template <size_t kBlockBytes>
using VectorOf = hwy::HWY_NAMESPACE::Vec<BytesOf<kBlockBytes>>;

/// Bit i of the result: whether is_set(vector, offset) holds for block[i]; the vector is that of
/// the bytes from block + offset on.
template <size_t kBlockBytes, class Predicate>
HWY_INLINE uint64_t BlockMask(const char* block, Predicate is_set) {
  namespace hn = hwy::HWY_NAMESPACE;
  static_assert(kBlockBytes <= 64);
  const BytesOf<kBlockBytes> d;
  uint64_t mask = 0;
  for (size_t i = 0; i < kBlockBytes; i += hn::Lanes(d)) {
    const auto bytes = hn::LoadU(d, reinterpret_cast<const uint8_t*>(block) + i);
    uint8_t bits[8] = {};
    hn::StoreMaskBits(d, is_set(bytes, i), bits);
    uint64_t part;
    std::memcpy(&part, bits, sizeof part);
    mask |= part << i;
  }
  return mask;
}

}  // namespace HWY_NAMESPACE
}  // namespace tally
HWY_AFTER_NAMESPACE();

#endif  // the guard
