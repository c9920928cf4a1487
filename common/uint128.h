// A number for the total of all counts, which may pass 2^64 though no single count does.
#ifndef TALLY_COMMON_UINT128_H_
#define TALLY_COMMON_UINT128_H_

namespace tally {

__extension__ using uint128 = unsigned __int128;

}  // namespace tally

#endif  // TALLY_COMMON_UINT128_H_
