// What cores share of memory.
#ifndef TALLY_COMMON_CACHE_LINE_H_
#define TALLY_COMMON_CACHE_LINE_H_

#include <cstddef>

namespace tally {

/// A core that writes to any byte of so many, from a multiple on, takes all of them from the
/// others.
constexpr size_t kCacheLineBytes = 64;

}  // namespace tally

#endif  // TALLY_COMMON_CACHE_LINE_H_
