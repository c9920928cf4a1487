#include "worker/delimiter_scanner.h"

// Highway compiles this file once for each instruction set (foreach_target.h includes it again and
// again), and HWY_DYNAMIC_DISPATCH picks one on the first call.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "worker/delimiter_scanner.cc"
#include <hwy/foreach_target.h>
// (foreach_target.h comes before highway.h.)
#include <hwy/highway.h>

#include "common/utf8_space.h"
#include "worker/byte_masks-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tally {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Bytes = BytesOf<kMaskBytes>;
using Vector = VectorOf<kMaskBytes>;

size_t FindEither(const char* begin, const char* end, char a, char b, ScanPositions* out) {
  const Bytes d;
  const Vector first = hn::Set(d, static_cast<uint8_t>(a));
  const Vector second = hn::Set(d, static_cast<uint8_t>(b));
  const char** next = out->data();
  for (const char* block = begin; block < end; block += kMaskBytes) {
    PrefetchText(block);
    const uint64_t mask = BlockMask<kMaskBytes>(block, [&](Vector bytes, size_t) HWY_ATTR {
      return hn::Or(hn::Eq(bytes, first), hn::Eq(bytes, second));
    });
    next = AppendPositions(block, KeepBefore(end, block, mask), next);
  }
  return static_cast<size_t>(next - out->data());
}

// ASCII white space: 9 to 13 and 28 to 32.
HWY_INLINE uint64_t AsciiSpaceMask(const char* block) {
  const Bytes d;
  const Vector nine = hn::Set(d, 9);
  const Vector twenty_eight = hn::Set(d, 28);
  const Vector four = hn::Set(d, 4);
  return BlockMask<kMaskBytes>(block, [&](Vector bytes, size_t) HWY_ATTR {
    const auto controls = hn::Eq(hn::Min(hn::Sub(bytes, nine), four), hn::Sub(bytes, nine));
    const auto separators =
        hn::Eq(hn::Min(hn::Sub(bytes, twenty_eight), four), hn::Sub(bytes, twenty_eight));
    return hn::Or(controls, separators);
  });
}

// The bytes that begin a white space character outside ASCII: c2, e1, e2, e3.
HWY_INLINE uint64_t SpaceLeadMask(const char* block) {
  const Bytes d;
  const Vector c2 = hn::Set(d, 0xc2);
  const Vector e1 = hn::Set(d, 0xe1);
  const Vector two = hn::Set(d, 2);
  return BlockMask<kMaskBytes>(block, [&](Vector bytes, size_t) HWY_ATTR {
    const Vector above = hn::Sub(bytes, e1);
    return hn::Or(hn::Eq(bytes, c2), hn::Eq(hn::Min(above, two), above));
  });
}

size_t FindWordEdges(const char* begin, const char* end, const char* text_end, WordScanState* state,
                     const char** out) {
  const char** next = out;
  uint64_t in_word = state->in_word ? 1 : 0;
  unsigned spaces_ahead = state->spaces_ahead;
  for (const char* block = begin; block < end; block += kMaskBytes) {
    PrefetchText(block);
    const auto size =
        static_cast<unsigned>(std::min<size_t>(kMaskBytes, static_cast<size_t>(end - block)));
    uint64_t spaces = AsciiSpaceMask(block) | ((uint64_t{1} << spaces_ahead) - 1);
    spaces_ahead -= std::min(spaces_ahead, size);
    for (uint64_t leads = KeepBefore(end, block, SpaceLeadMask(block)); leads != 0;
         leads &= leads - 1) {
      const unsigned at = static_cast<unsigned>(hwy::Num0BitsBelowLS1Bit_Nonzero64(leads));
      const size_t left = static_cast<size_t>(text_end - (block + at));
      const unsigned length = Utf8SpaceLength(block + at, left);
      const uint64_t ones = (uint64_t{1} << length) - 1;
      spaces |= ones << at;
      if (at + length > size) spaces_ahead = at + length - size;
    }
    const uint64_t words = ~spaces;
    const uint64_t edges = words ^ (words << 1 | in_word);
    next = AppendPositions(block, KeepBefore(end, block, edges), next);
    in_word = words >> (size - 1) & 1;
  }
  state->in_word = in_word != 0;
  state->spaces_ahead = spaces_ahead;
  return static_cast<size_t>(next - out);
}

}  // namespace HWY_NAMESPACE
}  // namespace tally
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tally {

HWY_EXPORT(FindEither);
HWY_EXPORT(FindWordEdges);

size_t FindEither(const char* begin, const char* end, char a, char b, ScanPositions* out) {
  return HWY_DYNAMIC_DISPATCH(FindEither)(begin, end, a, b, out);
}

size_t FindWordEdges(const char* begin, const char* end, const char* text_end, WordScanState* state,
                     const char** out) {
  return HWY_DYNAMIC_DISPATCH(FindWordEdges)(begin, end, text_end, state, out);
}

size_t FindEitherScalar(const char* begin, const char* end, char a, char b, ScanPositions* out) {
  size_t found = 0;
  for (const char* p = begin; p != end; ++p) {
    if (*p == a || *p == b) (*out)[found++] = p;
  }
  return found;
}

size_t FindWordEdgesScalar(const char* begin, const char* end, const char* text_end,
                           WordScanState* state, const char** out) {
  size_t found = 0;
  for (const char* p = begin; p != end; ++p) {
    if (state->spaces_ahead == 0) {
      state->spaces_ahead = Utf8SpaceLength(p, static_cast<size_t>(text_end - p));
    }
    const bool in_word = state->spaces_ahead == 0;
    if (!in_word) --state->spaces_ahead;
    if (in_word != state->in_word) out[found++] = p;
    state->in_word = in_word;
  }
  return found;
}

}  // namespace tally
#endif  // HWY_ONCE
