// Any bytes are cut into chunks where records end.
// The chunks are all of each input, in order, and end at the first record end that is far enough
// from where they begin.
#include "master/splitter.h"

#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "common/cut.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/record_ends.h"

namespace tally::fuzz {
namespace {

constexpr Format kFormats[] = {Format::kWords, Format::kLines, Format::kNgram, Format::kColumns};

/// Each 0xff ends an input.
std::vector<std::string> Texts(std::string_view bytes) {
  std::vector<std::string> texts(1);
  for (const char byte : bytes) {
    if (byte == '\xff') {
      texts.emplace_back();
    } else {
      texts.back() += byte;
    }
  }
  return texts;
}

size_t ExpectedCut(const std::vector<RecordEnd>& ends, std::string_view text, size_t from) {
  for (const RecordEnd& end : ends) {
    if (end.begin >= from) return end.end;
  }
  return text.size();
}

void CheckCuts(std::string_view text, size_t from, CutRule rule) {
  const std::vector<RecordEnd> ends = RecordEnds(text, rule);
  CheckEqual(FirstCut(text, from, rule), ExpectedCut(ends, text, from), "the first cut");
  CheckEqual(LastCut(text, rule), ends.empty() ? 0 : ends.back().end, "the last cut");
}

void CheckChunks(const std::vector<std::string>& texts, size_t stream, Format format,
                 uint64_t chunk_size) {
  std::vector<Input> inputs(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i != stream) inputs[i].text = texts[i];
  }
  const std::vector<Chunk> chunks = SplitIntoChunks(inputs, format, chunk_size);
  auto chunk = chunks.begin();
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i == stream) continue;
    const std::string_view text = texts[i];
    const std::vector<RecordEnd> ends = RecordEnds(text, CutRuleFor(format));
    for (size_t begin = 0; begin < text.size(); ++chunk) {
      Check(chunk != chunks.end(), "a chunk at byte {} is missing", begin);
      CheckEqual(chunk->input, i, "a chunk's input");
      CheckEqual(chunk->begin, begin, "where a chunk begins");
      const size_t goal = begin + std::min<uint64_t>(chunk_size, text.size() - begin) - 1;
      CheckEqual(chunk->end, ExpectedCut(ends, text, goal), "where a chunk ends");
      CheckEqual(chunk->file_bytes, chunk->end - begin, "a chunk's bytes of the file");
      begin = chunk->end;
    }
  }
  Check(chunk == chunks.end(), "{} chunks too many", chunks.end() - chunk);
}

}  // namespace
}  // namespace tally::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tally;  // NOLINT: for this function
  FuzzedDataProvider input(data, size);
  const Format format = input.PickValueInArray(fuzz::kFormats);
  const bool tiny = input.ConsumeBool();
  const uint64_t chunk_size =
      tiny ? input.ConsumeIntegralInRange<uint64_t>(1, 64)
           : input.ConsumeIntegralInRange<uint64_t>(1, std::numeric_limits<uint64_t>::max());
  const size_t from = input.ConsumeIntegral<uint16_t>();
  // Most often none of them is a stream.
  const size_t stream = input.ConsumeIntegral<uint8_t>();
  const auto texts = fuzz::Texts(input.ConsumeRemainingBytesAsString());
  fuzz::CheckCuts(texts[0], std::min(from, texts[0].size()), CutRuleFor(format));
  fuzz::CheckChunks(texts, stream, format, chunk_size);
  return 0;
}
