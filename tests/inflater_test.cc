// Holds the libraries that inflate against each other, on whole members and damaged ones.
#include "worker/inflater.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/memory_source.h"
#include "tests/read_all.h"
#include "tests/sanitized.h"
#include "worker/gzip_source.h"

namespace tally {
namespace {

using namespace std::string_literals;  // NOLINT: for strings with NUL bytes in them
using testing::HasSubstr;
using testing::StartsWith;

struct Compression {
  int level = 6;
  int strategy = Z_DEFAULT_STRATEGY;
  int window_bits = MAX_WBITS;
  int memory_level = 8;
  int flush = Z_NO_FLUSH;  // halfway
  bool all_header_fields = false;
};

std::string Gzip(std::string text, const Compression& how = {}) {
  std::string extra = "ex\0ra"s;
  std::string name = "name";
  gz_header header{};
  header.extra = reinterpret_cast<Bytef*>(extra.data());
  header.extra_len = static_cast<uInt>(extra.size());
  header.name = reinterpret_cast<Bytef*>(name.data());
  header.comment = reinterpret_cast<Bytef*>(name.data());
  header.hcrc = 1;
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, how.level, Z_DEFLATED, how.window_bits + 16, how.memory_level,
                         how.strategy),
            Z_OK);
  if (how.all_header_fields) deflateSetHeader(&stream, &header);
  std::string out(2 * text.size() + 1024, '\0');
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size() / 2);
  deflate(&stream, how.flush);
  stream.avail_in += static_cast<uInt>(text.size() - text.size() / 2);
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

/// Skipped where there is but one library to compare.
class InflaterTest : public testing::Test {
 protected:
  struct Both {
    ReadOutcome isal;
    ReadOutcome zlib;
  };

  void SetUp() override {
    if (InflateLibraries().size() < 2) GTEST_SKIP() << "there is no ISA-L, here or in this build";
  }

  size_t Draw(size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random_); }

  std::string DrawText() {
    const size_t size = Draw(8) == 0 ? Draw(200'000) : Draw(5'000);
    const size_t letters = 1 + Draw(Draw(2) == 0 ? 255 : 6);
    const bool in_lines = Draw(2) == 0;
    std::string text;
    while (text.size() < size) {
      if (in_lines) {
        text += "word" + std::to_string(Draw(letters * 20)) + '\t' +
                std::to_string(1800 + Draw(200)) + '\n';
      } else {
        text += static_cast<char>(Draw(letters));
      }
    }
    return text;
  }

  Compression DrawCompression() {
    static constexpr int kStrategies[] = {Z_DEFAULT_STRATEGY, Z_DEFAULT_STRATEGY, Z_HUFFMAN_ONLY,
                                          Z_RLE, Z_FIXED};
    static constexpr int kFlushes[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FULL_FLUSH};
    return {.level = static_cast<int>(Draw(10)),
            .strategy = kStrategies[Draw(std::size(kStrategies))],
            .window_bits = static_cast<int>(9 + Draw(7)),
            .memory_level = static_cast<int>(1 + Draw(9)),
            .flush = kFlushes[Draw(std::size(kFlushes))],
            .all_header_fields = Draw(4) == 0};
  }

  ReadOutcome Gunzip(const std::string& bytes, InflateLibrary library) {
    static constexpr size_t kPieces[] = {7, 1000, std::string::npos};
    static constexpr size_t kReads[] = {100, 64 << 10, 1 << 20};
    const auto source = MakeGzipSource(
        std::make_unique<MemorySource>(bytes, kPieces[Draw(std::size(kPieces))]), "x.gz", library);
    return ReadUntilError(source.get(), kReads[Draw(std::size(kReads))]);
  }
  Both GunzipByBoth(const std::string& bytes) {
    return {.isal = Gunzip(bytes, InflateLibrary::kIsal),
            .zlib = Gunzip(bytes, InflateLibrary::kZlib)};
  }

  std::mt19937 random_{7};
};

// One thread has no races: what ThreadSanitizer would take longest for is a sample there.
constexpr int kSlowness = kThreadSanitized ? 5 : 1;

TEST_F(InflaterTest, WholeMembersHaveTheSameText) {
  for (int round = 0; round < 300 / kSlowness; ++round) {
    const std::string text = DrawText();
    const std::string more = Draw(2) == 0 ? "" : DrawText();
    const Both both = GunzipByBoth(Gzip(text, DrawCompression()) + Gzip(more, DrawCompression()));
    ASSERT_EQ(both.isal.error, "") << round;
    ASSERT_TRUE(both.isal.content == text + more) << round;
    ASSERT_TRUE(both.zlib.content == text + more) << round;
  }
}

TEST_F(InflaterTest, ATruncatedMemberIsSoForBoth) {
  for (int round = 0; round < 300 / kSlowness; ++round) {
    const std::string bytes = Gzip(DrawText(), DrawCompression());
    const auto [isal, zlib] = GunzipByBoth(bytes.substr(0, Draw(bytes.size())));
    ASSERT_THAT(zlib.error, HasSubstr("truncated gzip data"));
    ASSERT_EQ(isal.error, zlib.error) << round;
    ASSERT_TRUE(zlib.content.starts_with(isal.content)) << round;
    ASSERT_LE(zlib.content.size(), isal.content.size() + 2) << round;
  }
}

TEST_F(InflaterTest, TheTextBeforeDamageIsTheSame) {
  constexpr int kRounds = 600 / kSlowness;
  int same = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::string bytes = Gzip(DrawText(), DrawCompression());
    bytes[Draw(bytes.size())] ^= static_cast<char>(1 << Draw(8));
    const auto [isal, zlib] = GunzipByBoth(bytes);
    ASSERT_EQ(isal.error.empty(), zlib.error.empty()) << isal.error << '\n' << zlib.error;
    ASSERT_EQ(Gunzip(bytes, InflateLibrary::kIsal).error, isal.error) << "in other pieces";
    if (isal.content == zlib.content) {
      ++same;
    } else {
      // Codes that are left over are an error for zlib, but for ISA-L only where they are met.
      ASSERT_THAT(zlib.error, HasSubstr("s set; "));
      ASSERT_TRUE(isal.content.starts_with(zlib.content)) << round;
    }
  }
  EXPECT_GE(same, kRounds * 97 / 100);
}

TEST_F(InflaterTest, TheTextBeforeDamageFarBehindTheStartIsTheSame) {
  std::string text;
  while (text.size() < 2'000'000) text += DrawText();
  // In many small blocks: damage of what is between them shows at once.
  const std::string bytes = Gzip(text, {.memory_level = 1});
  ASSERT_GE(bytes.size(), size_t{512} << 10) << "several times what is inflated at once";
  int before_the_end = 0;
  for (int round = 0; round < 20 / kSlowness; ++round) {
    std::string damaged = bytes;
    const size_t at = Draw(bytes.size() - 400);
    for (size_t i = at; i < at + 300; ++i) damaged[i] = static_cast<char>(random_());
    const auto [isal, zlib] = GunzipByBoth(damaged);
    before_the_end += zlib.error.find("incorrect data check") == std::string::npos ? 1 : 0;
    ASSERT_NE(isal.error, "");
    ASSERT_NE(zlib.error, "");
    ASSERT_TRUE(isal.content.starts_with(zlib.content)) << isal.error << '\n' << zlib.error;
    if (zlib.error.find("s set; ") == std::string::npos) {
      ASSERT_EQ(isal.content.size(), zlib.content.size()) << isal.error << '\n' << zlib.error;
    }
  }
  EXPECT_GE(before_the_end, 5 / kSlowness);
}

TEST_F(InflaterTest, OfHeadersAndTrailersTheySayTheSame) {
  const std::string bytes = Gzip("question\t1920\t5\n", {.all_header_fields = true});
  const size_t header_bytes = bytes.size() - Gzip("question\t1920\t5\n").size() + 10;
  for (size_t at = 0; at < bytes.size(); ++at) {
    if (at == header_bytes) at = bytes.size() - 8;
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[at] ^= static_cast<char>(1 << bit);
      const auto [isal, zlib] = GunzipByBoth(flipped);
      // Without one of its flags, the rest of the header is no block.
      if (isal.error.find("invalid block") == std::string::npos) {
        EXPECT_EQ(isal.error, zlib.error) << "byte " << at << " bit " << bit;
      }
      EXPECT_EQ(isal.content, zlib.content) << "byte " << at << " bit " << bit;
      EXPECT_NE(isal.error, "");
      EXPECT_NE(zlib.error, "");
    }
  }
}

// Fixed codes have two distances, 30 and 31, that mean nothing.
TEST_F(InflaterTest, ADistanceThatMeansNothingIsDamage) {
  const std::string header = Gzip("").substr(0, 10);
  const std::string tail(8, '\0');
  // Last block, fixed codes; 'a' (0x91), length 3 (0000001), distance 30 or 31; end.
  for (const std::string& distance : {"11110"s, "11111"s}) {
    const std::string bits = "110" + "10010001"s + "0000001" + distance + "0000000";
    std::string deflated(bits.size() / 8 + 1, '\0');
    for (size_t i = 0; i < bits.size(); ++i) {
      if (bits[i] == '1') deflated[i / 8] |= static_cast<char>(1 << i % 8);
    }
    for (const std::string& after : {""s, std::string(100, 'x')}) {
      const auto [isal, zlib] = GunzipByBoth(header + deflated + tail + after);
      EXPECT_THAT(isal.error, HasSubstr("invalid literal/length or distance code"));
      EXPECT_THAT(zlib.error, HasSubstr("invalid distance code"));
      EXPECT_EQ(isal.content, "a");
      EXPECT_EQ(zlib.content, "a");
    }
  }
}

TEST_F(InflaterTest, AMemberMayHoldMoreThanFourGibibytes) {
  // Its text is counted in 32 bits.
  constexpr size_t kPieceBytes = size_t{32} << 20;
  constexpr size_t kPieces = 129;
  const std::string zeros(kPieceBytes, '\0');
  const std::string whole = Gzip(zeros + zeros, {.level = 1, .flush = Z_FULL_FLUSH});
  // Up to the flush, which ends with an empty stored block, there is no last one.
  const std::string piece = whole.substr(0, whole.find("\0\0\xff\xff"s) + 4).substr(10);
  const uLong crc_of_piece =
      crc32(0, reinterpret_cast<const Bytef*>(zeros.data()), static_cast<uInt>(zeros.size()));
  uLong crc = 0;
  std::string bytes = whole.substr(0, 10);
  for (size_t i = 0; i < kPieces; ++i) {
    bytes += piece;
    crc = crc32_combine(crc, crc_of_piece, kPieceBytes);
  }
  bytes += "\x03\0"s;  // a last block of nothing
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(crc >> shift);
  for (int shift = 0; shift < 32; shift += 8) {
    bytes += static_cast<char>(kPieces * kPieceBytes >> shift);
  }
  const auto source =
      MakeGzipSource(std::make_unique<MemorySource>(bytes), "x.gz", InflateLibrary::kIsal);
  std::vector<char> buffer(size_t{1} << 20);
  size_t size = 0;
  while (const size_t count = source->Read(buffer.data(), buffer.size())) size += count;
  EXPECT_EQ(size, kPieces * kPieceBytes);
}

TEST(InflateLibrariesTest, HaveNames) {
  std::vector<std::string> names;
  for (const InflateLibrary library : InflateLibraries()) names.push_back(NameOf(library));
  EXPECT_THAT(names.back(), StartsWith("zlib 1."));
  EXPECT_THAT(names.front(), StartsWith(names.size() > 1 ? "ISA-L 2." : "zlib 1."));
}

}  // namespace
}  // namespace tally
