// Words: the tokens that Python's str.split() finds in the text.
#ifndef TALLY_WORKER_WORD_PARSER_H_
#define TALLY_WORKER_WORD_PARSER_H_

#include "worker/delimiter_scanner.h"
#include "worker/parser.h"

namespace tally {

/// Counts 1 for each word. Knows nothing of lines.
class WordParser {
 public:
  template <RecordSink Sink>
  uint64_t Parse(std::string_view text, Sink& sink) const {
    RecordBatch records(&sink);
    auto edges = ScanWords(text);
    const char* const text_end = text.data() + text.size();
    for (;;) {
      const char* const begin = edges.Next();
      if (begin == text_end) break;
      if (!records.Add({begin, edges.Next()}, 1)) return 0;
    }
    records.Flush();
    return 0;
  }
};

static_assert(Parser<WordParser>);

}  // namespace tally

#endif  // TALLY_WORKER_WORD_PARSER_H_
