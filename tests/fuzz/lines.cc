// The lines of any bytes.
#include "tests/fuzz/parser_check.h"
#include "worker/line_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tally;  // NOLINT: nothing else is in this file
  FuzzedDataProvider input(data, size);
  const fuzz::TextCase c(&input);
  fuzz::CheckParser(LineParser(), c, OptionsOf(Format::kLines));
  return 0;
}
