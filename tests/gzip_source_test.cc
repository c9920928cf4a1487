// Gzip files, whole and damaged, read in pieces of any size.
#include "worker/gzip_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/error.h"
#include "tests/memory_source.h"
#include "tests/read_all.h"
#include "worker/byte_source.h"

namespace tally {
namespace {

using namespace std::string_literals;  // NOLINT: for strings with NUL bytes in them
using testing::HasSubstr;
using testing::StartsWith;

std::string Gzip(std::string_view text, int level = 6, gz_header* header = nullptr) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, level, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  if (header != nullptr) deflateSetHeader(&stream, header);
  std::string out(deflateBound(&stream, text.size()) + 1024, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

/// With each of the libraries.
class GzipSourceTest : public testing::TestWithParam<InflateLibrary> {
 protected:
  static std::unique_ptr<ByteSource> GunzipOf(std::string bytes,
                                              size_t piece_bytes = std::string::npos) {
    return MakeGzipSource(std::make_unique<MemorySource>(std::move(bytes), piece_bytes), "x.gz",
                          GetParam());
  }
};

INSTANTIATE_TEST_SUITE_P(Libraries, GzipSourceTest, testing::ValuesIn(InflateLibraries()),
                         [](const auto& tested) {
                           return tested.param == InflateLibrary::kIsal ? "Isal" : "Zlib";
                         });

std::string RandomText(size_t size_bytes, int letters) {
  std::mt19937 random(3);
  std::string text(size_bytes, '\0');
  for (char& byte : text) byte = static_cast<char>(random() % letters);
  return text;
}

/// Two members, small, but with dynamic Huffman codes, matches and optional header fields.
std::string TwoMembers(std::string* first_text, std::string* both_texts) {
  *first_text = "question\t1920\t5\nquestions\t1920\t1\nquestion\t1921\t7\n" + RandomText(60, 5);
  const std::string second_text = "quite\t1920\t5\nquite\t1921\t55\nquite\t1922\t555\n";
  *both_texts = *first_text + second_text;
  gz_header header{};
  header.name = reinterpret_cast<Bytef*>(const_cast<char*>("q.tsv"));
  header.comment = reinterpret_cast<Bytef*>(const_cast<char*>("why"));
  header.hcrc = 1;
  return Gzip(*first_text, 9, &header) + Gzip(second_text);
}

TEST_P(GzipSourceTest, ReadsEveryMemberInPiecesOfAnySize) {
  for (const size_t read_bytes : kReadSizes) {
    const size_t half = read_bytes < 7 ? 40'000 : 300'000;  // millions of reads take seconds
    const std::string big = RandomText(half, 250) + RandomText(half, 3);
    const std::string bytes = Gzip("one\n") + Gzip("") + Gzip(big) + Gzip(big, 0) + Gzip("");
    const std::string expected = "one\n" + big + big;
    EXPECT_TRUE(ReadAll(GunzipOf(bytes).get(), read_bytes) == expected) << read_bytes;
    EXPECT_TRUE(ReadAll(GunzipOf(bytes, read_bytes).get()) == expected) << read_bytes;
    EXPECT_TRUE(ReadAll(GunzipOf(bytes, read_bytes).get(), read_bytes) == expected) << read_bytes;
  }
}

TEST_P(GzipSourceTest, AMemberMayEndAnywhereInTheInputBuffer) {
  // Stored blocks, so that the compressed size moves with the text's: some member ends exactly
  // where a buffer of 128 KiB does.
  constexpr size_t kBufferBytes = 128 << 10;
  const size_t overhead = Gzip(std::string(kBufferBytes, 'x'), 0).size() - kBufferBytes;
  for (size_t size = kBufferBytes - overhead - 20; size < kBufferBytes - overhead + 4; ++size) {
    const std::string text(size, 'x');
    EXPECT_TRUE(ReadAll(GunzipOf(Gzip(text, 0) + Gzip("end")).get()) == text + "end") << size;
    EXPECT_TRUE(ReadAll(GunzipOf(Gzip(text, 0) + "\0\0"s).get()) == text) << size;
  }
}

TEST_P(GzipSourceTest, ManyTinyMembersAreOneStream) {
  std::string bytes;
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    const std::string text = i % 3 == 0 ? "" : std::to_string(i) + "\n";
    bytes += Gzip(text);
    expected += text;
  }
  EXPECT_EQ(ReadAll(GunzipOf(bytes).get()), expected);
  EXPECT_EQ(ReadAll(GunzipOf(bytes, 7).get(), 3), expected);
}

TEST_P(GzipSourceTest, ATruncatedFileIsAnErrorWhereverItEnds) {
  std::string first_text;
  std::string both_texts;
  const std::string bytes = TwoMembers(&first_text, &both_texts);
  const size_t first_bytes = bytes.size() - Gzip(both_texts.substr(first_text.size())).size();
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    for (const size_t read_bytes : kReadSizes) {
      const auto source = GunzipOf(bytes.substr(0, cut), read_bytes);
      const ReadOutcome outcome = ReadUntilError(source.get(), read_bytes);
      EXPECT_EQ(source->file_bytes_consumed(), cut);
      EXPECT_TRUE(both_texts.starts_with(outcome.content));
      if (cut == first_bytes) {
        EXPECT_EQ(outcome.content, first_text);
        EXPECT_EQ(outcome.error, "");
      } else {
        EXPECT_THAT(outcome.error,
                    StartsWith("x.gz: truncated gzip data after byte " + std::to_string(cut) +
                               " of the compressed data; the file is incomplete"));
      }
    }
  }
  EXPECT_EQ(ReadUntilError(GunzipOf(bytes).get()).content, both_texts);
}

TEST_P(GzipSourceTest, AFlippedBitIsAnErrorOrHarmless) {
  std::string first_text;
  std::string both_texts;
  const std::string bytes = TwoMembers(&first_text, &both_texts);
  size_t harmless = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int mask : {1, 2, 4, 8, 16, 32, 64, 128, 0xff}) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ mask);
      const ReadOutcome outcome = ReadUntilError(GunzipOf(flipped).get());
      if (outcome.error.empty()) {
        EXPECT_EQ(outcome.content, both_texts) << "byte " << at << " mask " << mask;
        ++harmless;
      } else {
        EXPECT_THAT(outcome.error, StartsWith("x.gz: "));
        EXPECT_THAT(outcome.error, HasSubstr(" byte "));
      }
    }
  }
  // Time, operating system and the like of the second header; the first has a checksum.
  EXPECT_LE(harmless, 8U * 9);
}

TEST_P(GzipSourceTest, CorruptionIsNamedWithItsPlaceAndKind) {
  std::string bytes = Gzip(RandomText(500'000, 200));
  bytes[bytes.size() - 6] ^= 1;  // of the checksum
  EXPECT_EQ(ReadUntilError(GunzipOf(bytes).get()).error,
            "x.gz: corrupt gzip data near byte " + std::to_string(bytes.size() - 4) +
                " of the compressed data: incorrect data check; the file is damaged, get it again");
  EXPECT_THAT(ReadUntilError(GunzipOf("\x1f\x8b\x08\xff"s + std::string(20, 'x')).get()).error,
              HasSubstr("unknown header flags set"));
  EXPECT_EQ(ReadUntilError(GunzipOf("plain text").get()).error,
            "x.gz: no gzip data at byte 0; the file is damaged, get it again");
}

TEST_P(GzipSourceTest, TheTextBeforeDamageIsTheSameForAnyReadSize) {
  const std::string text = "question\t1920\t5\nquestions\t1920\t1\n";
  std::string wrong_checksum = Gzip(text);
  wrong_checksum[wrong_checksum.size() - 6] ^= 1;
  // Two literals, then a match with a distance of more than that.
  std::string bad_distance = Gzip("aaaaaa");
  bad_distance.replace(10, 4, "\x4b\x4c\x02\x3f");
  for (const auto& [bytes, before] :
       {std::pair{wrong_checksum, text}, std::pair{bad_distance, std::string("ab")}}) {
    const std::string error = ReadUntilError(GunzipOf(bytes).get()).error;
    EXPECT_THAT(error, HasSubstr("corrupt gzip data near byte"));
    for (const size_t read_bytes : kReadSizes) {
      for (const size_t piece_bytes : kReadSizes) {
        const ReadOutcome outcome = ReadUntilError(GunzipOf(bytes, piece_bytes).get(), read_bytes);
        EXPECT_EQ(outcome.content, before) << read_bytes << ' ' << piece_bytes;
        EXPECT_EQ(outcome.error, error) << read_bytes << ' ' << piece_bytes;
      }
    }
  }
}

TEST_P(GzipSourceTest, ZeroBytesAfterTheLastMemberArePadding) {
  const std::string bytes = Gzip("one\n") + Gzip("two\n");
  for (const size_t zeros : {size_t{1}, size_t{2}, size_t{511}, size_t{300'000}}) {
    for (const size_t piece_bytes : {size_t{3}, size_t{1} << 20}) {
      const auto source = GunzipOf(bytes + std::string(zeros, '\0'), piece_bytes);
      EXPECT_EQ(ReadAll(source.get()), "one\ntwo\n");
      EXPECT_EQ(source->file_bytes_consumed(), bytes.size() + zeros);
    }
  }
}

TEST_P(GzipSourceTest, AnythingElseAfterTheLastMemberIsAnError) {
  const std::string member = Gzip("one\n");
  const std::vector<std::pair<std::string, size_t>> tails = {
      {"x", 0},
      {"\n", 0},
      {"\x1f\x8b\x07 method", 0},
      {"\x1f\x8c", 0},
      {"\0\0\0x"s, 3},
      {"\0"s + member, 1},
      {std::string(200'000, '\0') + "x", 200'000}};
  for (const auto& [tail, offset] : tails) {
    for (const size_t piece_bytes : {size_t{1}, size_t{1} << 20}) {
      const ReadOutcome outcome = ReadUntilError(GunzipOf(member + tail, piece_bytes).get());
      EXPECT_EQ(outcome.content, "one\n");
      EXPECT_THAT(outcome.error, StartsWith("x.gz: trailing garbage at byte " +
                                            std::to_string(member.size() + offset) + ":"));
    }
  }
}

TEST_P(GzipSourceTest, AnErrorOfTheFileBelowPassesThrough) {
  const auto source = MakeGzipSource(
      std::make_unique<MemorySource>(Gzip(RandomText(1000, 200)), 100, 300), "x.gz", GetParam());
  EXPECT_EQ(ReadUntilError(source.get()).error, "the disk broke");
}

TEST_P(GzipSourceTest, TheNameIsEscapedInMessages) {
  const auto source = MakeGzipSource(std::make_unique<MemorySource>(""), "a\nb.gz", GetParam());
  EXPECT_THAT(ReadUntilError(source.get()).error, StartsWith("a\\x0ab.gz: truncated"));
}

TEST_P(GzipSourceTest, GzipIsToldByItsFirstBytes) {
  EXPECT_TRUE(LooksLikeGzip(Gzip("")));
  EXPECT_TRUE(LooksLikeGzip("\x1f\x8b\x08"));
  EXPECT_TRUE(LooksLikeGzip("\x1f\x8b")) << "truncated";
  EXPECT_FALSE(LooksLikeGzip("\x1f"));
  EXPECT_FALSE(LooksLikeGzip(""));
  EXPECT_TRUE(LooksLikeGzip("\x1f\x8b\x07\x08")) << "damaged";
  EXPECT_EQ(
      ReadUntilError(GunzipOf("\x1f\x8b\x07\x08").get()).error,
      "x.gz: corrupt gzip data near byte 4 of the compressed data: unknown compression method; "
      "the file is damaged, get it again");
}

TEST(GzipMagicTest, OneDamagedByteOfItMayStillBeTold) {
  for (const char* bytes :
       {"\x1f\x8b\x08", "\x1e\x8b\x08", "\x1f\x0b\x08", "\x1f\x8b\x09", "\x1f"}) {
    EXPECT_TRUE(LooksLikeDamagedGzip(bytes)) << bytes;
  }
  for (const char* bytes : {"", "a", "ab", "abc",
                            "\x1f"
                            "ab",
                            "a\x8b"
                            "b"}) {
    EXPECT_FALSE(LooksLikeDamagedGzip(bytes)) << bytes;
  }
}

TEST_P(GzipSourceTest, ReadsThroughAPrefix) {
  const std::string bytes = Gzip("one\n") + Gzip("two\n");
  auto prefixed =
      MakePrefixedSource(bytes.substr(0, 5), std::make_unique<MemorySource>(bytes.substr(5), 2));
  const auto source = MakeGzipSource(std::move(prefixed), "x.gz", GetParam());
  EXPECT_EQ(ReadAll(source.get()), "one\ntwo\n");
  EXPECT_EQ(source->file_bytes_consumed(), bytes.size());
}

}  // namespace
}  // namespace tally
