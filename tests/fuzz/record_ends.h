// Where records end, found by trying each end at each place.
#ifndef TALLY_TESTS_FUZZ_RECORD_ENDS_H_
#define TALLY_TESTS_FUZZ_RECORD_ENDS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/cut.h"
#include "tests/white_space.h"

namespace tally::fuzz {

/// A newline, or a white space character behind which words may be cut.
struct RecordEnd {
  size_t begin;
  size_t end;
};

inline std::vector<RecordEnd> RecordEnds(std::string_view text, CutRule rule) {
  static const std::vector<std::string> kNewline = {"\n"};
  static const std::vector<std::string> kSpaces = Utf8Spaces();
  std::vector<RecordEnd> ends;
  for (size_t begin = 0; begin < text.size(); ++begin) {
    for (const std::string& end : rule == CutRule::kAtSpace ? kSpaces : kNewline) {
      if (text.substr(begin).starts_with(end)) ends.push_back({begin, begin + end.size()});
    }
  }
  return ends;
}

}  // namespace tally::fuzz

#endif  // TALLY_TESTS_FUZZ_RECORD_ENDS_H_
