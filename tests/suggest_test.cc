#include "master/suggest.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace tally {
namespace {

TEST(EditDistanceTest, CountsEachKindOfEditOnce) {
  const struct {
    std::string_view a, b;
    size_t distance;
  } cases[] = {
      {"", "", 0},         {"", "top", 3},           {"top", "top", 0}, {"tp", "top", 1},
      {"topp", "top", 1},  {"tip", "top", 1},        {"tpo", "top", 1}, {"cuont", "count", 1},
      {"abcd", "badc", 2}, {"kitten", "sitting", 3}, {"ca", "abc", 3},  {"find", "sort", 4},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(EditDistance(c.a, c.b), c.distance) << c.a << " " << c.b;
    EXPECT_EQ(EditDistance(c.b, c.a), c.distance) << c.b << " " << c.a;
  }
}

TEST(NearestNameTest, FindsTheNameThatWasMeant) {
  const std::vector<std::string_view> names = {"top", "sort", "output", "output-format", "header"};
  const struct {
    std::string_view word, nearest;
  } cases[] = {
      {"tpo", "top"},
      {"top", "top"},
      {"TOP", "top"},
      {"sotr", "sort"},
      {"out", "output"},
      {"output-f", "output-format"},
      {"ouptut", "output"},
      {"output_format", "output-format"},
      {"hedaer", "header"},
      {"foo", ""},
      {"t", ""},
      {"", ""},
      {"threads", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(NearestName(c.word, names), c.nearest) << c.word;
}

TEST(NearestNameTest, PrefersTheFirstOfEquallyNearNames) {
  const std::vector<std::string_view> names = {"cat", "car"};
  EXPECT_EQ(NearestName("cax", names), "cat");
}

TEST(NearestNameTest, FindsNothingForAHugeWordOrWithoutNames) {
  const std::vector<std::string_view> names = {"top"};
  EXPECT_EQ(NearestName(std::string(131'000, 't'), names), "");
  EXPECT_EQ(NearestName("top", {}), "");
}

}  // namespace
}  // namespace tally
