// Which SIMD instructions the kernels of this folder run on. They are written with Highway: a file
// of kernels is compiled once for each instruction set, and HWY_EXPORT with HWY_DYNAMIC_DISPATCH
// calls the best of those that this machine has.
#ifndef TALLY_WORKER_SIMD_TARGET_H_
#define TALLY_WORKER_SIMD_TARGET_H_

#include <string_view>

namespace tally {

/// The instruction set that kernels are dispatched to on this machine, such as "AVX2".
std::string_view SimdTargetName();

}  // namespace tally

#endif  // TALLY_WORKER_SIMD_TARGET_H_
