// N-grams of all three versions in any bytes.
// With any filter. The version is chosen by the text, as in a run.
#include "tests/fuzz/parser_check.h"
#include "worker/ngram_parser.h"

namespace tally::fuzz {
namespace {

// Zero stands for all years, as if nobody had asked for some.
YearRange DrawYears(FuzzedDataProvider* input) {
  const auto choice = input->ConsumeIntegral<uint8_t>();
  if (choice == 0) return {};
  if (choice == 1) return {.from = 1990, .to = 2000};
  const uint64_t from = input->ConsumeIntegral<uint16_t>();
  if (choice == 2) return {.from = from};
  return {.from = from, .to = from + choice};
}

void CheckNgrams(FuzzedDataProvider* input) {
  static constexpr TagFilter kTagFilters[] = {TagFilter::kAll, TagFilter::kUntagged,
                                              TagFilter::kTagged};
  // A row that makes the text one of this version, unless more rows of another one follow.
  static constexpr std::string_view kFirstRows[] = {"", "-\t0\t0\t0\t0\n", "-\t0\t0\t0\n",
                                                    "-\t0,0,0\n"};
  FormatOptions options = OptionsOf(Format::kNgram);
  options.years = DrawYears(input);
  options.tags = input->PickValueInArray(kTagFilters);
  const std::string_view first_row = input->PickValueInArray(kFirstRows);
  TextCase c(input);
  c.text.insert(0, first_row);

  const NgramFilter filter{.years = options.years, .tags = options.tags};
  switch (DetectNgramVersion(c.text)) {
    case NgramVersion::kV1:
      return CheckParser(NgramV1Parser(filter), c, options);
    case NgramVersion::kV2:
      return CheckParser(NgramV2Parser(filter), c, options);
    case NgramVersion::kV3:
      return CheckParser(NgramV3Parser(filter), c, options);
  }
}

}  // namespace
}  // namespace tally::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  tally::fuzz::CheckNgrams(&input);
  return 0;
}
