// Lines: each line is a key.
#ifndef TALLY_WORKER_LINE_PARSER_H_
#define TALLY_WORKER_LINE_PARSER_H_

#include "worker/delimiter_scanner.h"
#include "worker/parser.h"

namespace tally {

/// Counts 1 for each line, empty ones too. A final carriage return is no part of a line.
class LineParser {
 public:
  template <RecordSink Sink>
  uint64_t Parse(std::string_view text, Sink& sink) const {
    RecordBatch records(&sink);
    auto newlines = ScanEither(text, '\n', '\n');
    const char* const text_end = text.data() + text.size();
    uint64_t lines = 0;
    for (const char* line = text.data(); line < text_end; ++lines) {
      const char* const line_end = newlines.Next();
      if (!records.Add(WithoutFinalCr({line, line_end}), 1)) return lines;
      line = line_end + 1;
    }
    records.Flush();
    return lines;
  }
};

static_assert(Parser<LineParser>);

}  // namespace tally

#endif  // TALLY_WORKER_LINE_PARSER_H_
