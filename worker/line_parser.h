// Lines: each line is a key.
#ifndef TALLY_WORKER_LINE_PARSER_H_
#define TALLY_WORKER_LINE_PARSER_H_

#include <array>
#include <span>

#include "worker/delimiter_scanner.h"
#include "worker/parser.h"

namespace tally {

/// Counts 1 for each line, empty ones too. A final carriage return is no part of a line.
class LineParser {
 public:
  template <SinkOf<Token> Sink>
  uint64_t Parse(std::string_view text, Sink& sink) const {
    const char* const text_end = text.data() + text.size();
    const char* line = text.data();
    uint64_t lines = 0;
    ScanPositions newlines;
    std::array<Token, kScanWindowBytes> tokens;
    for (const Window window : WindowsOf(text)) {
      const size_t found = FindEither(window.begin, window.end, '\n', '\n', &newlines);
      for (size_t i = 0; i < found; ++i) {
        tokens[i] = WithoutFinalCr(Token{line, newlines[i]});
        line = newlines[i] + 1;
      }
      lines += found;
      if (found > 0 && !sink.Add(std::span<const Token>(tokens).first(found))) return lines;
    }
    if (line < text_end) {
      const Token last = WithoutFinalCr(Token{line, text_end});
      sink.Add(std::span(&last, 1));
      ++lines;
    }
    return lines;
  }
};

static_assert(Parser<LineParser>);

}  // namespace tally

#endif  // TALLY_WORKER_LINE_PARSER_H_
