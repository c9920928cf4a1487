// The columns of any bytes, for any delimiter.
// The key and the value may be any two columns, or the same.
#include "tests/fuzz/parser_check.h"
#include "worker/column_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tally;  // NOLINT: nothing else is in this file
  FuzzedDataProvider input(data, size);
  // The delimiters that people use, then any. The command line refuses a newline.
  static constexpr char kDelimiters[] = {'\t', ',', ';', ' ', '\r', '\0', '1', '\xff'};
  const auto choice = input.ConsumeIntegral<uint8_t>();
  const char delimiter = choice < sizeof kDelimiters ? kDelimiters[choice]
                         : choice == '\n'            ? ','
                                                     : static_cast<char>(choice);
  const auto key_column = input.ConsumeIntegralInRange<size_t>(1, 5);
  const auto value_column = input.ConsumeIntegralInRange<size_t>(0, 5);
  const FormatOptions options = ColumnsOptions(delimiter, key_column, value_column);
  const fuzz::TextCase c(&input);
  fuzz::CheckParser(ColumnParser(options), c, options);
  return 0;
}
