#include "master/text_table.h"

#include <gtest/gtest.h>

namespace tally {
namespace {

TEST(TextTableTest, ColumnsAreAsWideAsWhatIsInThem) {
  TextTable table({{.title = "name", .align = Align::kLeft}, {.title = "n"}, {.title = ""}});
  table.AddRow({"a", "1", "x"});
  table.AddRow({"longer", "1,000", ""});
  EXPECT_EQ(table.Format(),
            "  name        n\n"
            "  a           1  x\n"
            "  longer  1,000\n");
}

TEST(TextTableTest, WidthsAreCountedInCharacters) {
  TextTable table({{.title = "w", .align = Align::kLeft}, {.title = "n"}});
  table.AddRow({"\xc3\xa9t\xc3\xa9", "1"});
  table.AddRow({"abcd", "2"});
  EXPECT_EQ(table.Format(), "  w     n\n  \xc3\xa9t\xc3\xa9   1\n  abcd  2\n");
}

TEST(TextTableTest, NumbersGetCommas) {
  EXPECT_EQ(WithCommas(0), "0");
  EXPECT_EQ(WithCommas(999), "999");
  EXPECT_EQ(WithCommas(1000), "1,000");
  EXPECT_EQ(WithCommas(1234567), "1,234,567");
  EXPECT_EQ(WithCommas(~uint64_t{0}), "18,446,744,073,709,551,615");
}

}  // namespace
}  // namespace tally
