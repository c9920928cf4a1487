#include "master/splitter.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/cut.h"
#include "tests/test_util.h"

namespace tally {
namespace {

constexpr uint64_t kHuge = ~uint64_t{0};

Input MappedInput(std::string_view text) {
  Input input;
  input.text = text;
  return input;
}

bool EndsRecord(std::string_view text, uint64_t end, CutRule rule) {
  const char last = text[end - 1];
  return last == '\n' || (rule == CutRule::kAtSpace && last == ' ');
}

/// The chunks are all of each text, in order, cut where records end and as often as they can be.
void ExpectRightChunks(const std::vector<Chunk>& chunks, const std::vector<std::string>& texts,
                       CutRule rule, uint64_t chunk_size) {
  auto chunk = chunks.begin();
  for (uint32_t input = 0; input < texts.size(); ++input) {
    const std::string& text = texts[input];
    for (uint64_t begin = 0; begin < text.size(); ++chunk) {
      ASSERT_NE(chunk, chunks.end());
      ASSERT_EQ(chunk->input, input);
      ASSERT_EQ(chunk->begin, begin);
      ASSERT_GT(chunk->end, begin);
      ASSERT_LE(chunk->end, text.size());
      ASSERT_EQ(chunk->file_bytes, chunk->end - begin);
      if (chunk->end < text.size()) {
        ASSERT_TRUE(EndsRecord(text, chunk->end, rule));
        ASSERT_GE(chunk->size_bytes(), chunk_size);
      }
      for (uint64_t end = chunk->end - 1; end > begin && end - begin >= chunk_size; --end) {
        ASSERT_FALSE(EndsRecord(text, end, rule)) << "it could have ended at " << end;
      }
      begin = chunk->end;
    }
  }
  EXPECT_EQ(chunk, chunks.end());
}

std::vector<Chunk> Split(const std::vector<std::string>& texts, Format format,
                         uint64_t chunk_size) {
  std::vector<Input> inputs;
  inputs.reserve(texts.size());
  for (const std::string& text : texts) inputs.push_back(MappedInput(text));
  return SplitIntoChunks(inputs, format, chunk_size);
}

TEST(SplitterTest, ChunksAreAllOfTheInputsInOrderCutWhereRecordsEnd) {
  Random random(1);
  const std::vector<std::string> pieces = {"a", "word", " ", "\n", "\n", "\xc3\xa9"};
  const std::vector<std::vector<std::string>> cases = {
      {},
      {""},
      {"no newline"},
      {"a\n"},
      {"\n\n\n\n"},
      {"a\nb\nc", "", "d e f\n", "\n", "g"},
      {random.Text(1000, pieces), random.Text(77, pieces), random.Text(1, pieces)},
      {std::string(300, 'x') + "\nshort\n" + std::string(300, 'y')},
  };
  for (const auto& texts : cases) {
    for (const uint64_t chunk_size : {uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{7},
                                      uint64_t{64}, uint64_t{8} << 20, kHuge / 64, kHuge}) {
      for (const Format format :
           {Format::kNgram, Format::kWords, Format::kLines, Format::kColumns}) {
        ASSERT_NO_FATAL_FAILURE(ExpectRightChunks(Split(texts, format, chunk_size), texts,
                                                  CutRuleFor(format), chunk_size))
            << "chunks of " << chunk_size;
      }
    }
  }
}

TEST(SplitterTest, ANewChunkIsNobodysAndNotDone) {
  const auto chunks = Split({"a\nb\n"}, Format::kLines, 1);
  ASSERT_EQ(chunks.size(), 2U);
  for (const Chunk& chunk : chunks) {
    EXPECT_EQ(chunk.owner, kNobody);
    EXPECT_EQ(chunk.block, kNoBlock);
    EXPECT_EQ(chunk.done, 0U);
    EXPECT_EQ(chunk.count.lines, 0U);
  }
}

TEST(SplitterTest, WordsAreCutEvenWhereThereIsNoNewline) {
  std::string text;
  while (text.size() < 10'000) text += "word ";
  EXPECT_EQ(Split({text}, Format::kWords, 100).size(), 100U);
  EXPECT_EQ(Split({text}, Format::kLines, 100).size(), 1U);
}

TEST(SplitterTest, StreamsAreNotCut) {
  std::vector<Input> inputs(3);
  inputs[1].text = "a\nb\n";
  const auto chunks = SplitIntoChunks(inputs, Format::kLines, 1);
  ASSERT_EQ(chunks.size(), 2U);
  EXPECT_EQ(chunks[0].position(), (Position{.input = 1, .offset = 0}));
  EXPECT_EQ(chunks[1].position(), (Position{.input = 1, .offset = 2}));
}

TEST(SplitterTest, EachFileHasItsOwnNgramVersion) {
  const auto chunks = Split({"a\t1\t1\t1\t1\n", "a\t1,1,1\n", "", "a\t1\t1\t1\nb\t1\t1\t1\n", "?"},
                            Format::kNgram, 1);
  std::vector<NgramVersion> versions;
  versions.reserve(chunks.size());
  for (const Chunk& chunk : chunks) versions.push_back(chunk.ngram_version);
  EXPECT_EQ(versions,
            (std::vector<NgramVersion>{NgramVersion::kV1, NgramVersion::kV3, NgramVersion::kV2,
                                       NgramVersion::kV2, NgramVersion::kV2}));
}

TEST(SplitterTest, TinyChunksOfALargeInputAreMadeLargerToKeepTheirNumberBounded) {
  const std::string text(kMaxMappedChunks + 1, '\n');
  const auto chunks = Split({text}, Format::kLines, 1);
  EXPECT_EQ(chunks.size(), kMaxMappedChunks / 2 + 1);
  EXPECT_EQ(chunks.back().end, text.size());
}

}  // namespace
}  // namespace tally
