#include "master/options.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "common/error.h"

namespace tally {
namespace {

TEST(ResolveFormatTest, FillsInTheDefaults) {
  const FormatOptions resolved = ResolveFormat(CountOptions(), Format::kNgram);
  EXPECT_EQ(resolved.format, Format::kNgram);
  EXPECT_EQ(resolved.delimiter, '\t');
  EXPECT_EQ(resolved.key_column, 1u);
  EXPECT_EQ(resolved.value_column, 0u);
  EXPECT_EQ(resolved.years.from, 0u);
  EXPECT_EQ(resolved.years.to, std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(resolved.tags, TagFilter::kAll);
}

TEST(ResolveFormatTest, PassesOnWhatWasSaid) {
  CountOptions options;
  options.delimiter = ',';
  options.key_column = 2;
  options.value_column = 3;
  const FormatOptions columns = ResolveFormat(options, Format::kColumns);
  EXPECT_EQ(columns.delimiter, ',');
  EXPECT_EQ(columns.key_column, 2u);
  EXPECT_EQ(columns.value_column, 3u);

  options = CountOptions();
  options.years = YearRange{1990, 2000};
  options.tags = TagFilter::kTagged;
  const FormatOptions ngram = ResolveFormat(options, Format::kNgram);
  EXPECT_EQ(ngram.years.from, 1990u);
  EXPECT_EQ(ngram.years.to, 2000u);
  EXPECT_EQ(ngram.tags, TagFilter::kTagged);
}

TEST(ResolveFormatTest, TellsWhatTheInputLooksLikeWhereItDecided) {
  const auto message = [](const CountOptions& options, Format format) -> std::string {
    try {
      ResolveFormat(options, format);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "no error";
  };
  CountOptions options;
  options.years = YearRange{1990, 1990};
  EXPECT_EQ(message(options, Format::kWords),
            "--years goes with '-f ngram' only, but the input looks like words; "
            "leave --years out, or say '-f ngram'");
  options.format = Format::kWords;
  EXPECT_EQ(message(options, Format::kWords),
            "--years goes with '-f ngram' only, but the format is words; "
            "leave --years out, or say '-f ngram'");
  options = CountOptions();
  options.key_column = 2;
  EXPECT_EQ(message(options, Format::kNgram),
            "--key-column goes with '-f columns' only, but the input looks like ngram; "
            "leave --key-column out, or say '-f columns'");
}

}  // namespace
}  // namespace tally
