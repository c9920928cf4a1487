// Words: the tokens that Python's str.split() finds in the text.
#ifndef TALLY_WORKER_WORD_PARSER_H_
#define TALLY_WORKER_WORD_PARSER_H_

#include <array>
#include <span>

#include "worker/delimiter_scanner.h"
#include "worker/parser.h"

namespace tally {

/// Counts 1 for each word. Knows nothing of lines.
class WordParser {
 public:
  template <SinkOf<Token> Sink>
  uint64_t Parse(std::string_view text, Sink& sink) const {
    const char* const text_end = text.data() + text.size();
    WordScanState state;
    // Where words begin and end, in turn: tokens. One that is begun in a window ends in another.
    std::array<Token, (kScanWindowBytes + kSpareScanPositions) / 2 + 1> words;
    for (const Window window : WindowsOf(text)) {
      const char** const edges = &words[0].begin;
      const size_t begun = state.in_word ? 1 : 0;
      const size_t found =
          begun + FindWordEdges(window.begin, window.end, text_end, &state, edges + begun);
      if (found >= 2 && !sink.Add(std::span<const Token>(words).first(found / 2))) return 0;
      if (state.in_word) words[0].begin = words[found / 2].begin;
    }
    if (state.in_word) {
      words[0].end = text_end;
      sink.Add(std::span<const Token>(words).first(1));
    }
    return 0;
  }
};

static_assert(Parser<WordParser>);

}  // namespace tally

#endif  // TALLY_WORKER_WORD_PARSER_H_
