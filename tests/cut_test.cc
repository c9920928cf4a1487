#include "common/cut.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/test_util.h"

namespace tally {
namespace {

using namespace std::string_literals;  // NOLINT: for strings with NUL bytes in them

constexpr CutRule kRules[] = {CutRule::kAtNewline, CutRule::kAtSpace};

bool EndsRecord(char byte, CutRule rule) {
  const std::string_view ends = rule == CutRule::kAtNewline ? "\n" : "\t\n\v\f\r\x1c\x1d\x1e\x1f ";
  return ends.find(byte) != std::string_view::npos;
}

TEST(CutTest, WordsAreCutAtSpaceAndAllElseAtNewlines) {
  EXPECT_EQ(CutRuleFor(Format::kWords), CutRule::kAtSpace);
  for (const Format format : {Format::kNgram, Format::kLines, Format::kColumns}) {
    EXPECT_EQ(CutRuleFor(format), CutRule::kAtNewline);
  }
}

TEST(CutTest, EachByteEndsARecordOrNot) {
  for (const CutRule rule : kRules) {
    for (int byte = 0; byte < 256; ++byte) {
      const std::string text = {'a', static_cast<char>(byte), 'b'};
      const bool ends_record = EndsRecord(text[1], rule);
      EXPECT_EQ(FirstCut(text, 0, rule), ends_record ? 2U : 3U) << byte;
      EXPECT_EQ(LastCut(text, rule), ends_record ? 2U : 0U) << byte;
    }
  }
}

TEST(CutTest, CutsAreBehindTheNextRecordEndAtEveryOffset) {
  Random random(1);
  std::vector<std::string> texts = {"", "\n", "\n\n", "a", "a\n", "\na", "a b\r\nc\n", "a\0\n\0"s};
  for (size_t size = 1; size < 100; ++size) {
    texts.push_back(random.Text(size, {"a", "bcd", "\n", " ", "\r\n", "\xc2\x85", "\0"s}));
  }
  for (const std::string& text : texts) {
    for (const CutRule rule : kRules) {
      size_t next_cut = text.size();
      for (size_t from = text.size() + 3; from-- > 0;) {
        if (from < text.size() && EndsRecord(text[from], rule)) next_cut = from + 1;
        EXPECT_EQ(FirstCut(text, from, rule), next_cut)
            << testing::PrintToString(text) << " from " << from;
      }
    }
  }
}

TEST(CutTest, TheLastCutIsBehindTheLastRecordEndOfEveryPrefix) {
  Random random(2);
  const std::string text = random.Text(300, {"a", "bcd", "\n", " ", "\r\n", "\xe3\x80\x80"});
  for (const CutRule rule : kRules) {
    size_t last_cut = 0;
    for (size_t size = 0; size <= text.size(); ++size) {
      if (size > 0 && EndsRecord(text[size - 1], rule)) last_cut = size;
      EXPECT_EQ(LastCut(std::string_view(text).substr(0, size), rule), last_cut) << size;
    }
  }
}

}  // namespace
}  // namespace tally
