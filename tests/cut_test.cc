#include "common/cut.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/test_util.h"
#include "tests/white_space.h"

namespace tally {
namespace {

using namespace std::string_literals;  // NOLINT: for strings with NUL bytes in them

constexpr CutRule kRules[] = {CutRule::kAtNewline, CutRule::kAtSpace};

/// The length of the record end that begins there; 0 where none does.
size_t RecordEndAt(std::string_view text, size_t offset, CutRule rule) {
  for (const std::string& space : Utf8Spaces()) {
    if (rule == CutRule::kAtNewline && space != "\n") continue;
    if (text.substr(offset).starts_with(space)) return space.size();
  }
  return 0;
}

TEST(CutTest, WordsAreCutBehindSpaceAndAllElseBehindNewlines) {
  EXPECT_EQ(CutRuleFor(Format::kWords), CutRule::kAtSpace);
  for (const Format format : {Format::kNgram, Format::kLines, Format::kColumns}) {
    EXPECT_EQ(CutRuleFor(format), CutRule::kAtNewline);
  }
}

TEST(CutTest, EachByteEndsARecordOrNot) {
  for (const CutRule rule : kRules) {
    for (int byte = 0; byte < 256; ++byte) {
      const std::string text = {'a', static_cast<char>(byte), 'b'};
      const bool ends_record = RecordEndAt(text, 1, rule) > 0;
      EXPECT_EQ(FirstCut(text, 0, rule), ends_record ? 2U : 3U) << byte;
      EXPECT_EQ(LastCut(text, rule), ends_record ? 2U : 0U) << byte;
    }
  }
}

TEST(CutTest, CutsAreBehindTheNextRecordEndAtEveryOffset) {
  Random random(1);
  std::vector<std::string> texts = {"", "\n", "\n\n", "a", "a\n", "\na", "a b\r\nc\n", "a\0\n\0"s};
  for (size_t size = 1; size < 100; ++size) {
    texts.push_back(random.Text(
        size, {"a", "bcd", "\n", " ", "\r\n", "\xc2\x85", "\xe3\x80\x80", "\xe3", "\0"s}));
  }
  for (const std::string& text : texts) {
    for (const CutRule rule : kRules) {
      size_t next_cut = text.size();
      for (size_t from = text.size() + 3; from-- > 0;) {
        const size_t end = from < text.size() ? RecordEndAt(text, from, rule) : 0;
        if (end > 0) next_cut = from + end;
        EXPECT_EQ(FirstCut(text, from, rule), next_cut)
            << testing::PrintToString(text) << " from " << from;
      }
    }
  }
}

TEST(CutTest, TheLastCutIsBehindTheLastRecordEndOfEveryPrefix) {
  Random random(2);
  std::vector<std::string> pieces = Utf8Spaces();
  pieces.insert(pieces.end(), {"a", "bcd", "\n", "\r\n", "\xe3\x80", "\xc2", "\xe2\x80\xa7"});
  const std::string text = random.Text(300, pieces);
  for (const CutRule rule : kRules) {
    size_t last_cut = 0;
    for (size_t size = 0; size <= text.size(); ++size) {
      const std::string_view prefix = std::string_view(text).substr(0, size);
      for (size_t length = 1; length <= std::min<size_t>(size, 3); ++length) {
        if (RecordEndAt(prefix, size - length, rule) == length) last_cut = size;
      }
      EXPECT_EQ(LastCut(prefix, rule), last_cut) << size;
    }
  }
}

}  // namespace
}  // namespace tally
