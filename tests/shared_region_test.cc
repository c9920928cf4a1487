#include "common/shared_region.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace tally {
namespace {

/// As the kernel shows them.
int SharedMappings() {
  std::ifstream maps("/proc/self/maps");
  int shared = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/dev/zero (deleted)") != std::string::npos) ++shared;
  }
  return shared;
}

TEST(UnmapAllTest, NothingStaysMappedWhateverTheNumberOfThreads) {
  const int before = SharedMappings();
  for (const uint32_t threads : {0U, 1U, 2U, 7U, 100U}) {
    std::vector<SharedRegion> regions;
    for (size_t i = 0; i < 20; ++i) {
      regions.push_back(SharedRegion::Reserve((i + 1) << 16));
      regions.back().data()[i << 12] = 'x';
    }
    regions.emplace_back();
    ASSERT_GT(SharedMappings(), before);
    UnmapAll(std::move(regions), threads);
    EXPECT_EQ(SharedMappings(), before) << threads;
  }
  UnmapAll({}, 3);
}

}  // namespace
}  // namespace tally
