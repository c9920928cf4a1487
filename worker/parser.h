// What a parser is: bytes of a chunk in, (key, amount) records out.
#ifndef TALLY_WORKER_PARSER_H_
#define TALLY_WORKER_PARSER_H_

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "common/format.h"
#include "common/mapped_file.h"
#include "worker/record.h"

namespace tally {

/// A line that a parser could not make a record of.
struct BadLine {
  std::string_view line;      // without its newline; in the text being parsed
  uint64_t line_in_text = 0;  // 0-based
  const char* reason = "";    // valid for the sink's call at least
};

/// Where records or tokens (`Item`) go, some at a time, and lines of which there are none. All
/// calls return whether to go on; a parser that is told to stop returns at once. Keys lie in the
/// text being parsed and so have kReadablePadding bytes behind them. Of tokens that come together,
/// only the first may be longer than kMaxKeyBytes.
template <class S, class Item>
concept SinkOf = requires(S& sink, std::span<const Item> items, const BadLine& bad) {
  { sink.Add(items) } -> std::same_as<bool>;
  { sink.Reject(bad) } -> std::same_as<bool>;
};

/// A sink that does nothing: stands for any other in the Parser concept.
struct NullSink {
  bool Add(std::span<const Record>) { return true; }
  bool Add(std::span<const Token>) { return true; }
  bool Reject(const BadLine&) { return true; }
};

/// Collects a parser's records or tokens (`Item`) on their way to the sink. Flush() has to be
/// called after the last one. Returns what the sink returns.
template <class Item, SinkOf<Item> Sink>
class Batch {
 public:
  explicit Batch(Sink* sink) : sink_(*sink) {}

  bool Add(const Item& item) {
    if (KeySizeOf(item) > kMaxKeyBytes && !Flush()) return false;
    items_[size_++] = item;
    return size_ < items_.size() || Flush();
  }
  bool Flush() { return sink_.Add(std::span<const Item>(items_).first(std::exchange(size_, 0))); }
  bool Reject(const BadLine& bad) { return Flush() && sink_.Reject(bad); }

 private:
  static constexpr size_t kItems = 64;

  Sink& sink_;
  size_t size_ = 0;
  std::array<Item, kItems> items_;
};

/// Parse() reads all of `text`, which begins and ends where records do, and returns the number of
/// lines in it (0 for a parser that does not know of lines, any number where the sink wants no
/// more). It never throws, and keeps no state from one text to the next. REQUIRES: kReadablePadding
/// bytes can be read behind the text.
template <class P>
concept Parser = requires(const P parser, std::string_view text, NullSink& sink) {
  { parser.Parse(text, sink) } -> std::same_as<uint64_t>;
};

/// A line without the carriage return that Windows puts before the newline.
inline Token WithoutFinalCr(Token line) {
  const bool has_cr = line.begin < line.end && line.end[-1] == '\r';
  return {line.begin, line.end - (has_cr ? 1 : 0)};
}
inline std::string_view WithoutFinalCr(std::string_view line) {
  return WithoutFinalCr(Token{line.data(), line.data() + line.size()}).key_view();
}

}  // namespace tally

#endif  // TALLY_WORKER_PARSER_H_
