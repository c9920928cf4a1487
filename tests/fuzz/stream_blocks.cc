// Streams are cut into blocks of whole records.
// The blocks are all of the stream, in order, whatever the sizes of reads and blocks, up to the end
// or to where the stream cannot be read on.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/check.h"
#include "tests/fuzz/record_ends.h"
#include "tests/memory_source.h"
#include "worker/stream_reader.h"

namespace tally::fuzz {
namespace {

struct StreamCase {
  std::string text;
  CutRule rule;
  size_t piece_bytes;     // a read
  size_t block_bytes;     // when a block is full
  size_t capacity_bytes;  // of a block
  size_t fail_at;         // the stream's length: it does not fail

  explicit StreamCase(FuzzedDataProvider* input) {
    rule = input->ConsumeBool() ? CutRule::kAtSpace : CutRule::kAtNewline;
    piece_bytes = input->ConsumeIntegralInRange<size_t>(1, 300);
    block_bytes = input->ConsumeIntegralInRange<size_t>(1, 300);
    capacity_bytes = block_bytes + input->ConsumeIntegralInRange<size_t>(0, 300);
    const size_t place = input->ConsumeIntegral<uint16_t>();
    text = input->ConsumeRemainingBytesAsString();
    fail_at = std::min(place, text.size());
  }

  bool fails() const { return fail_at < text.size(); }
};

/// The end of what can be handed out: whole records that can be read, none longer than a block.
/// (Whether a record that just fills a block fits is left open: its end may not have been seen.)
struct Readable {
  size_t least = 0;
  size_t most = 0;
};

Readable FindReadable(const StreamCase& c) {
  Readable readable;
  const std::string_view text = std::string_view(c.text).substr(0, c.fail_at);
  std::vector<RecordEnd> ends = RecordEnds(text, c.rule);
  if (!c.fails() && (ends.empty() || ends.back().end < text.size())) {
    ends.push_back({text.size(), text.size()});
  }
  bool fit_for_sure = true;
  for (const RecordEnd& end : ends) {
    if (end.end - readable.most > c.capacity_bytes) break;
    fit_for_sure = fit_for_sure && end.end - readable.most < c.capacity_bytes;
    readable.most = end.end;
    if (fit_for_sure) readable.least = end.end;
  }
  return readable;
}

void CheckBlocks(const StreamCase& c) {
  StreamReader reader(std::make_unique<MemorySource>(c.text, c.piece_bytes,
                                                     c.fails() ? c.fail_at : std::string::npos),
                      "stream", c.rule, c.block_bytes);
  const Readable readable = FindReadable(c);
  const std::vector<RecordEnd> ends = RecordEnds(c.text, c.rule);
  size_t handed_out = 0;
  uint64_t file_bytes = 0;
  try {
    for (;;) {
      CheckEqual(reader.offset(), handed_out, "the reader's offset");
      const std::unique_ptr<char[]> block(new char[c.capacity_bytes]);
      const StreamReader::Filled filled = reader.Fill({block.get(), c.capacity_bytes});
      file_bytes += filled.file_bytes;
      CheckEqual(filled.begin, handed_out, "where a block begins");
      if (filled.size_bytes == 0) break;
      CheckEqual(std::string_view(block.get(), filled.size_bytes),
                 c.text.substr(handed_out, filled.size_bytes), "a block");
      handed_out += filled.size_bytes;
      const bool ends_record = std::any_of(
          ends.begin(), ends.end(), [&](const RecordEnd& end) { return end.end == handed_out; });
      Check(ends_record || handed_out == c.text.size(), "a record is cut at byte {}", handed_out);
    }
    CheckEqual(handed_out, c.text.size(), "where the stream ends");
    CheckEqual(file_bytes, c.text.size(), "the bytes of the file");
    Check(!c.fails(), "the stream ends well, but cannot be read on at byte {}", c.fail_at);
  } catch (const Error& error) {
    Check(handed_out >= readable.least && handed_out <= readable.most,
          "{} at byte {}, not between {} and {}", error.what(), handed_out, readable.least,
          readable.most);
    Check(c.fails() || readable.least < c.text.size(), "{}, though all records fit", error.what());
  }
}

}  // namespace
}  // namespace tally::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  tally::fuzz::CheckBlocks(tally::fuzz::StreamCase(&input));
  return 0;
}
