#include "common/shared_region.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <string>
#include <vector>

namespace tally {
namespace {

// For each page of a region, whether there is memory: 1 or 0.
std::string Residency(const SharedRegion& region) {
  const size_t pages = region.size_bytes() / RoundUpToPages(1);
  std::vector<unsigned char> resident(pages);
  EXPECT_EQ(mincore(region.data(), region.size_bytes(), resident.data()), 0);
  std::string text;
  for (const unsigned char page : resident) text += (page & 1) != 0 ? '1' : '0';
  return text;
}

TEST(PopulateForWritingTest, TheRangesPagesGetMemoryButTheOneItBeginsInside) {
  const size_t page = RoundUpToPages(1);
  const SharedRegion region = SharedRegion::Reserve(8 * page);
  if (madvise(region.data(), 0, MADV_POPULATE_WRITE) != 0) GTEST_SKIP() << "needs Linux 5.14";
  EXPECT_EQ(Residency(region), "00000000");
  PopulateForWriting(region.data() + page + 100, region.data() + 4 * page + 1);
  EXPECT_EQ(Residency(region), "00111000");
  PopulateForWriting(region.data() + 6 * page + 1, region.data() + 7 * page);
  EXPECT_EQ(Residency(region), "00111000") << "there is no page it could be";
  PopulateForWriting(region.data() + 7 * page, region.data() + 8 * page);
  EXPECT_EQ(Residency(region), "00111001");
  EXPECT_TRUE(std::all_of(region.data(), region.data() + region.size_bytes(),
                          [](char byte) { return byte == 0; }));
}

}  // namespace
}  // namespace tally
