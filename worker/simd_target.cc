#include "worker/simd_target.h"

#include <hwy/targets.h>

#include <cstdint>
#if HWY_ARCH_X86
#ifdef __clang__
#define _Bool bool  // NOLINT: the header below takes it for known, which it is to g++ alone
#endif
#include <sys/platform/x86.h>
#endif

// Highway's headers leave three functions to its library. They are here instead: when that library
// is loaded, it measures the clock for 3.5 ms, half of what a run on a small file took.
namespace hwy {
namespace {

int64_t supported_for_test = 0;  // 0: what the machine has

// The targets whose instructions (HWY_TARGET_STR in hwy/ops/set_macros-inl.h; and LZCNT, as
// Highway's library has it) this machine has. The C library knows: it has asked the processor
// already, and whether the kernel saves its registers.
int64_t DetectTargets() {
  int64_t targets = HWY_STATIC_TARGET;  // elsewhere that is all: NEON, on arm64
#if HWY_ARCH_X86
  if (!CPU_FEATURE_ACTIVE(SSSE3)) return targets;
  targets |= HWY_SSSE3;
  if (!CPU_FEATURE_ACTIVE(SSE4_1) || !CPU_FEATURE_ACTIVE(SSE4_2) ||
      !CPU_FEATURE_ACTIVE(PCLMULQDQ) || !CPU_FEATURE_ACTIVE(AES)) {
    return targets;
  }
  targets |= HWY_SSE4;
  if (!CPU_FEATURE_ACTIVE(AVX2) || !CPU_FEATURE_ACTIVE(FMA) || !CPU_FEATURE_ACTIVE(F16C) ||
      !CPU_FEATURE_ACTIVE(LZCNT) || !CPU_FEATURE_ACTIVE(BMI1) || !CPU_FEATURE_ACTIVE(BMI2)) {
    return targets;
  }
  targets |= HWY_AVX2;
  if (!CPU_FEATURE_ACTIVE(AVX512F) || !CPU_FEATURE_ACTIVE(AVX512VL) ||
      !CPU_FEATURE_ACTIVE(AVX512DQ) || !CPU_FEATURE_ACTIVE(AVX512BW)) {
    return targets;
  }
  targets |= HWY_AVX3;
  if (CPU_FEATURE_ACTIVE(AVX512_VNNI) && CPU_FEATURE_ACTIVE(VPCLMULQDQ) &&
      CPU_FEATURE_ACTIVE(AVX512_VBMI) && CPU_FEATURE_ACTIVE(AVX512_VBMI2) &&
      CPU_FEATURE_ACTIVE(VAES) && CPU_FEATURE_ACTIVE(AVX512_VPOPCNTDQ) &&
      CPU_FEATURE_ACTIVE(AVX512_BITALG)) {
    targets |= HWY_AVX3_DL;
  }
#endif
  return targets;
}

}  // namespace

int64_t SupportedTargets() {
  return supported_for_test != 0 ? supported_for_test : DetectTargets();
}

void SetSupportedTargetsForTest(int64_t targets) { supported_for_test = targets; }

ChosenTarget& GetChosenTarget() {
  static constinit ChosenTarget chosen;
  return chosen;
}

}  // namespace hwy

namespace tally {

std::string_view SimdTargetName() {
  const int64_t targets = hwy::SupportedTargets() & HWY_TARGETS;
  const int64_t best = targets & -targets;
  if (best == HWY_AVX3) return "AVX-512";  // so all but Highway call it
  if (best == HWY_AVX3_DL) return "AVX-512 VBMI2";
  return hwy::TargetName(best);
}

}  // namespace tally
