#include "master/foreign_format.h"

#include <gtest/gtest.h>

#include <string_view>

namespace tally {
namespace {

using namespace std::string_view_literals;

TEST(ForeignFormatTest, KnowsFilesByTheirFirstBytes) {
  const struct {
    std::string_view bytes, name;
  } cases[] = {
      {"\xfd\x37\x7a\x58\x5a\x00\x00\x04"sv, "xz"},
      {"\x28\xb5\x2f\xfd\x24\x05"sv, "zstd"},
      {"BZh91AY&SY"sv, "bzip2"},
      {"\x04\x22\x4d\x18\x64"sv, "lz4"},
      {"\x1f\x9d\x90"sv, "compress"},
      {"\x50\x4b\x03\x04\x14"sv, "zip"},
      {"\x1f\x8b\x08\x00"sv, "gzip"},
      {"\xff\xfe\x61\x00"sv, "UTF-16"},
      {"\xfe\xff\x00\x61"sv, "UTF-16"},
      {"\xff\xfe\x00\x00\x61\x00"sv, "UTF-32"},
  };
  for (const auto& c : cases) {
    const ForeignFormat format = RecognizeForeignFormat(c.bytes);
    EXPECT_EQ(format.name, c.name);
    EXPECT_FALSE(format.converter.empty()) << c.name;
  }
}

TEST(ForeignFormatTest, TextIsNotForeign) {
  for (const std::string_view bytes : {""sv, "a"sv, "BZh"sv, "BZh9 is how"sv, "PK\x03"sv, "\xff"sv,
                                       "\xef\xbb\xbf"
                                       "abc"sv,
                                       "\x1f\x8b"sv, "\0\0\0\0\0\0\0\0\0\0"sv, "quite\t1999"sv}) {
    EXPECT_EQ(RecognizeForeignFormat(bytes).name, "") << testing::PrintToString(bytes);
  }
}

}  // namespace
}  // namespace tally
