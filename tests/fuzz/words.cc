// The words of any bytes, as decoding one by one finds them.
#include "tests/fuzz/parser_check.h"
#include "worker/word_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tally;  // NOLINT: nothing else is in this file
  FuzzedDataProvider input(data, size);
  const fuzz::TextCase c(&input);
  fuzz::CheckParser(WordParser(), c, OptionsOf(Format::kWords));
  return 0;
}
