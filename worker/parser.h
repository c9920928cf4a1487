// What a parser is: bytes of a chunk in, (key, amount) records out.
#ifndef TALLY_WORKER_PARSER_H_
#define TALLY_WORKER_PARSER_H_

#include <concepts>
#include <cstdint>
#include <string_view>

#include "common/mapped_file.h"

namespace tally {

/// A line that a parser could not make a record of.
struct BadLine {
  std::string_view line;      // without its newline; in the text being parsed
  uint64_t line_in_text = 0;  // 0-based
  const char* reason = "";    // valid for the sink's call at least
};

/// Where records go: one, or several that come one after the other with the same key, and the sum
/// of their amounts. Both calls return whether to go on; a parser that is told to stop returns at
/// once. A key lies in the text being parsed and so has kReadablePadding bytes behind it.
template <class S>
concept RecordSink = requires(S& sink, std::string_view key, uint64_t amount, uint64_t records,
                              const BadLine& bad) {
  { sink.Add(key, amount, records) } -> std::same_as<bool>;
  { sink.Reject(bad) } -> std::same_as<bool>;
};

/// A RecordSink that does nothing: stands for any other in the Parser concept.
struct NullSink {
  bool Add(std::string_view, uint64_t, uint64_t) { return true; }
  bool Reject(const BadLine&) { return true; }
};

/// Parse() reads all of `text`, which begins and ends where records do, and returns the number of
/// lines in it (0 for a parser that does not know of lines). It never throws, and keeps no state
/// from one text to the next.
/// REQUIRES: kReadablePadding bytes can be read behind the text.
template <class P>
concept Parser = requires(const P parser, std::string_view text, NullSink& sink) {
  { parser.Parse(text, sink) } -> std::same_as<uint64_t>;
};

/// A line without the carriage return that Windows puts before the newline.
inline std::string_view WithoutFinalCr(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

}  // namespace tally

#endif  // TALLY_WORKER_PARSER_H_
