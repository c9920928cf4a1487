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

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace tally {
namespace HWY_NAMESPACE {

constexpr size_t kMaskBytes = 64;  // one bit of a mask for each

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

/// Bit i: whether block[i] is that byte.
template <size_t kBlockBytes = kMaskBytes>
HWY_INLINE uint64_t MaskOf(char byte, const char* block) {
  namespace hn = hwy::HWY_NAMESPACE;
  const auto wanted = hn::Set(BytesOf<kBlockBytes>(), static_cast<uint8_t>(byte));
  return BlockMask<kBlockBytes>(block,
                                [&](auto bytes, size_t) HWY_ATTR { return hn::Eq(bytes, wanted); });
}

/// Asks for the text that comes later: hardware does not, beyond the end of a page.
HWY_INLINE void PrefetchText(const char* block) { __builtin_prefetch(block + 4096); }

/// The bits that stand for bytes before `end`.
HWY_INLINE uint64_t KeepBefore(const char* end, const char* block, uint64_t mask) {
  const size_t left = static_cast<size_t>(end - block);
  return left >= kMaskBytes ? mask : mask & ((uint64_t{1} << left) - 1);
}

/// Writes block + i for each set bit i, and returns where to go on. Up to sixteen entries behind
/// the last one are written, too; those of the next block overwrite them.
HWY_INLINE const char** AppendPositions(const char* block, uint64_t mask, const char** out);

#if HWY_TARGET == HWY_AVX3_DL
// The numbers of all set bits by one instruction, as bytes, of which eight at a time are added.
// (Only where there are many do they go through memory, which takes longer.)
HWY_INLINE const char** AppendPositions(const char* block, uint64_t mask, const char** out) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::FixedTag<uint8_t, kMaskBytes> d;
  const hn::FixedTag<uint8_t, 16> d16;
  const hn::FixedTag<uint8_t, 8> d8;
  const hn::FixedTag<uint32_t, 8> d32;
  const hn::FixedTag<uint64_t, 8> d64;
  const auto base = hn::Set(d64, reinterpret_cast<uint64_t>(block));
  const auto store = [&](auto eight_bits, size_t at) HWY_ATTR {
    const auto offsets = hn::PromoteTo(d64, hn::PromoteTo(d32, eight_bits));
    hn::StoreU(hn::Add(base, offsets), d64, reinterpret_cast<uint64_t*>(out + at));
  };
  const size_t count = hwy::PopCount(mask);
  const auto which = hn::LoadMaskBits(d, reinterpret_cast<const uint8_t*>(&mask));
  const auto bits = hn::Compress(hn::Iota(d, 0), which);
  const auto sixteen = hn::LowerHalf(hn::LowerHalf(bits));
  store(hn::LowerHalf(sixteen), 0);
  if (count > 8) {
    store(hn::UpperHalf(d8, sixteen), 8);
    if (count > 16) {
      const auto next_sixteen = hn::UpperHalf(d16, hn::LowerHalf(bits));
      store(hn::LowerHalf(next_sixteen), 16);
      store(hn::UpperHalf(d8, next_sixteen), 24);
      if (count > 32) {
        alignas(kMaskBytes) std::array<uint8_t, kMaskBytes> all;
        hn::Store(bits, d, all.data());
        for (size_t i = 32; i < count; i += 8) store(hn::LoadU(d8, &all[i]), i);
      }
    }
  }
  return out + count;
}
#else
HWY_INLINE const char** AppendPositions(const char* block, uint64_t mask, const char** out) {
  namespace hn = hwy::HWY_NAMESPACE;
  const size_t count = hwy::PopCount(mask);
#if HWY_TARGET == HWY_AVX3
  // Where there are many, sixteen bits at a time by an instruction that AVX-512 has for it.
  if (count > kMaskBytes / 8) {
    const hn::FixedTag<uint32_t, 16> d;
    const hn::FixedTag<uint64_t, 8> d64;
    const auto base = hn::Set(d64, reinterpret_cast<uint64_t>(block));
    auto bit = hn::Iota(d, 0);
    for (size_t i = 0; i < kMaskBytes; i += 16) {
      const std::array<uint8_t, 8> bits = {static_cast<uint8_t>(mask >> i),
                                           static_cast<uint8_t>(mask >> (i + 8))};
      const auto found = hn::Compress(bit, hn::LoadMaskBits(d, bits.data()));
      auto* const to = reinterpret_cast<uint64_t*>(out);
      hn::StoreU(hn::Add(base, hn::PromoteTo(d64, hn::LowerHalf(found))), d64, to);
      hn::StoreU(hn::Add(base, hn::PromoteTo(d64, hn::UpperHalf(hn::Half<decltype(d)>(), found))),
                 d64, to + 8);
      out += hwy::PopCount(mask >> i & 0xffff);
      bit = hn::Add(bit, hn::Set(d, 16));
    }
    return out;
  }
#endif
  // Four at a time, without looking whether there are so many.
  constexpr uint64_t kNeverZero = uint64_t{1} << 63;
  for (size_t i = 0; i < count; i += 4) {
    HWY_UNROLL(4)
    for (size_t k = 0; k < 4; ++k) {
      out[i + k] = block + hwy::Num0BitsBelowLS1Bit_Nonzero64(mask | kNeverZero);
      mask &= mask - 1;
    }
  }
  return out + count;
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace tally
HWY_AFTER_NAMESPACE();

#endif  // the guard
