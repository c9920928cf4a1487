// The hash of common/hash.h, of several keys at once. To be included as
// worker/byte_masks-inl.h.
#if defined(TALLY_WORKER_HASH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TALLY_WORKER_HASH_INL_H_
#undef TALLY_WORKER_HASH_INL_H_
#else
#define TALLY_WORKER_HASH_INL_H_
#endif

#include <hwy/highway.h>

#include <array>
#include <cstdint>

#include "common/hash.h"

HWY_BEFORE_NAMESPACE();
namespace tally {
namespace HWY_NAMESPACE {

/// Products of the lower halves of lanes.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V MulLow32(D /*d*/, V a, V b) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::Repartition<uint32_t, D> d32;
  return hn::MulEven(hn::BitCast(d32, a), hn::BitCast(d32, b));
}

/// The bytes of each lane in reverse.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V ReverseBytes(D d, V v) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::Repartition<uint8_t, D> d8;
  alignas(16) static constexpr std::array<uint8_t, 16> kReverse = {7,  6,  5,  4,  3,  2,  1, 0,
                                                                   15, 14, 13, 12, 11, 10, 9, 8};
  return hn::BitCast(d,
                     hn::TableLookupBytes(hn::BitCast(d8, v), hn::LoadDup128(d8, kReverse.data())));
}

/// Products of 128 bits, both halves of each in one.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V FoldedProduct(D d, V a, V b) {
  namespace hn = hwy::HWY_NAMESPACE;
  // From four products of 64 bits.
  const V half_mask = hn::Set(d, 0xffffffffu);
  const V a_high = hn::ShiftRight<32>(a);
  const V b_high = hn::ShiftRight<32>(b);
  const V low_low = MulLow32(d, a, b);
  const V high_low = MulLow32(d, a_high, b);
  const V middle = hn::Add(hn::Add(hn::ShiftRight<32>(low_low), hn::And(high_low, half_mask)),
                           MulLow32(d, a, b_high));
  const V product_high = hn::Add(hn::Add(hn::ShiftRight<32>(high_low), hn::ShiftRight<32>(middle)),
                                 MulLow32(d, a_high, b_high));
  const V product_low = hn::Or(hn::ShiftLeft<32>(middle), hn::And(low_low, half_mask));
  return hn::Xor(product_low, product_high);
}

/// The upper half of what XXH3 makes of a sum in the end; below it, zeros.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V UpperOfMixed(D d, V sum) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V mixed = hn::Mul(hn::Xor(sum, hn::ShiftRight<37>(sum)), hn::Set(d, kHashMixFactor));
  return hn::And(mixed, hn::Set(d, 0xffffffff00000000u));
}

/// HashBytes() of keys of 16 bytes, one a lane, given their halves; but in its lower 32 bits zeros.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V UpperHash(D d, V low, V high, const SixteenBytesHash& hash) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V a = hn::Xor(low, hn::Set(d, hash.flips.low));
  const V b = hn::Xor(high, hn::Set(d, hash.flips.high));
  return UpperOfMixed(
      d, hn::Add(hn::Add(ReverseBytes(d, a), hn::Add(b, hn::Set(d, 16))), FoldedProduct(d, a, b)));
}

/// The same of keys of 17 to 32 bytes, given the halves of their first and of their last 16 bytes.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V UpperHash(D d, V size, V first_low, V first_high, V last_low, V last_high,
                       const ThirtyTwoBytesHash& hash) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V first = FoldedProduct(d, hn::Xor(first_low, hn::Set(d, hash.first.low)),
                                hn::Xor(first_high, hn::Set(d, hash.first.high)));
  const V last = FoldedProduct(d, hn::Xor(last_low, hn::Set(d, hash.last.low)),
                               hn::Xor(last_high, hn::Set(d, hash.last.high)));
  const V of_size = hn::Mul(size, hn::Set(d, ThirtyTwoBytesHash::kSizeFactor));
  return UpperOfMixed(d, hn::Add(of_size, hn::Add(first, last)));
}

}  // namespace HWY_NAMESPACE
}  // namespace tally
HWY_AFTER_NAMESPACE();

#endif  // the guard
