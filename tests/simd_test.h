// Tests that are run with each instruction set that this machine has.
#ifndef TALLY_TESTS_SIMD_TEST_H_
#define TALLY_TESTS_SIMD_TEST_H_

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cstdint>
#include <string>

namespace tally {

/// While a test runs, kernels are dispatched to the target that is its parameter.
class SimdTest : public testing::TestWithParam<int64_t> {
 protected:
  SimdTest() {
    hwy::SetSupportedTargetsForTest(GetParam());
    hwy::GetChosenTarget().Update(GetParam());
  }
  ~SimdTest() override {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().DeInit();
  }
};

/// For INSTANTIATE_TEST_SUITE_P.
inline auto EverySimdTarget() { return testing::ValuesIn(hwy::SupportedAndGeneratedTargets()); }
inline std::string SimdTargetOf(const testing::TestParamInfo<int64_t>& test) {
  return hwy::TargetName(test.param);
}

}  // namespace tally

#endif  // TALLY_TESTS_SIMD_TEST_H_
