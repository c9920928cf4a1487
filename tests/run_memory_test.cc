#include "master/run_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "common/shared_region.h"

namespace tally {
namespace {

TEST(UnmapAllTest, NothingStaysMappedWhateverTheNumberOfThreads) {
  for (const uint32_t threads : {0U, 1U, 2U, 7U, 100U}) {
    std::vector<SharedRegion> regions(1);
    for (size_t i = 0; i < 20; ++i) {
      regions.push_back(SharedRegion::Reserve((i + 1) << 16));
      regions.back().data()[i << 12] = 'x';
    }
    UnmapAll(regions, threads);
    for (const SharedRegion& region : regions) EXPECT_EQ(region.data(), nullptr) << threads;
  }
  UnmapAll({}, 3);
}

}  // namespace
}  // namespace tally
