#include "worker/simd_target.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

namespace tally {
namespace {

TEST(SimdTargetTest, IsTheBestOfWhatIsSupported) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    // The kernels of these targets and of all worse ones.
    hwy::SetSupportedTargetsForTest(~(target - 1) & HWY_TARGETS);
    EXPECT_EQ(SimdTargetName(), target == HWY_AVX3_DL ? "AVX-512 VBMI2"
                                : target == HWY_AVX3  ? "AVX-512"
                                                      : hwy::TargetName(target));
  }
  hwy::SetSupportedTargetsForTest(0);
}

#if HWY_ARCH_X86
/// What Linux says of the first processor.
std::set<std::string> CpuFlags() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (!line.starts_with("flags")) continue;
    std::istringstream words(line.substr(line.find(':') + 1));
    return {std::istream_iterator<std::string>(words), {}};
  }
  return {};
}

TEST(SimdTargetTest, HasTheInstructionsThatTheKernelOfLinuxLists) {
  const std::set<std::string> flags = CpuFlags();
  const auto have_all = [&flags](const std::set<std::string>& wanted) {
    return std::ranges::includes(flags, wanted);
  };
  const bool sse4 = have_all({"ssse3", "sse4_1", "sse4_2", "pclmulqdq", "aes"});
  const bool avx2 = sse4 && have_all({"avx2", "fma", "f16c", "abm", "bmi1", "bmi2"});
  const bool avx3 = avx2 && have_all({"avx512f", "avx512vl", "avx512dq", "avx512bw"});
  const bool vbmi2 = avx3 && have_all({"avx512_bitalg", "avx512_vbmi2", "avx512_vnni",
                                       "avx512_vpopcntdq", "avx512vbmi", "vaes", "vpclmulqdq"});
  EXPECT_EQ(SimdTargetName(), vbmi2                 ? "AVX-512 VBMI2"
                              : avx3                ? "AVX-512"
                              : avx2                ? "AVX2"
                              : sse4                ? "SSE4"
                              : have_all({"ssse3"}) ? "SSSE3"
                                                    : hwy::TargetName(HWY_STATIC_TARGET));
}
#endif

}  // namespace
}  // namespace tally
