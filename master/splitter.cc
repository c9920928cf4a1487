#include "master/splitter.h"

#include <algorithm>

#include "common/cut.h"
#include "master/signals.h"
#include "worker/ngram_parser.h"

namespace tally {
namespace {

// So many of the places where a file will be cut are asked for in advance. On a cold disk each
// costs a read; this way the disk has many of them to do at once instead of one after another.
constexpr uint64_t kPrefetchedCuts = 64;
constexpr uint64_t kWorthPrefetching = uint64_t{64} << 10;

void SplitInput(uint32_t number, std::string_view text, Format format, uint64_t chunk_size,
                std::vector<Chunk>* chunks) {
  const CutRule rule = CutRuleFor(format);
  const NgramVersion version =
      format == Format::kNgram ? DetectNgramVersion(text) : NgramVersion::kV2;
  uint64_t prefetched = 0;
  for (uint64_t begin = 0; begin < text.size();) {
    for (; prefetched < std::min(text.size(), begin + kPrefetchedCuts * chunk_size);
         prefetched += chunk_size) {
      // Neighbouring pages need no advice: the kernel reads ahead.
      if (chunk_size >= kWorthPrefetching) Prefetch(text.data() + prefetched, 1);
    }
    const uint64_t goal = begin + std::min(chunk_size, text.size() - begin) - 1;
    const uint64_t end = FirstCut(text, goal, rule);
    chunks->push_back({.begin = begin,
                       .end = end,
                       .file_bytes = end - begin,
                       .input = number,
                       .ngram_version = version});
    begin = end;
    ThrowIfStopped();
  }
}

}  // namespace

std::vector<Chunk> SplitIntoChunks(std::span<const Input> inputs, Format format,
                                   uint64_t chunk_size_bytes) {
  uint64_t total_bytes = 0;
  for (const Input& input : inputs) {
    if (!input.is_stream()) total_bytes += input.text->size();
  }
  const uint64_t chunk_size = std::clamp<uint64_t>(
      chunk_size_bytes, total_bytes / kMaxMappedChunks + 1, std::max<uint64_t>(total_bytes, 1) + 1);
  std::vector<Chunk> chunks;
  for (uint32_t number = 0; number < inputs.size(); ++number) {
    const Input& input = inputs[number];
    if (!input.is_stream()) SplitInput(number, *input.text, format, chunk_size, &chunks);
  }
  return chunks;
}

}  // namespace tally
