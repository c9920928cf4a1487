#include "worker/stream_reader.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/error.h"
#include "tests/test_util.h"

namespace tally {
namespace {

using testing::HasSubstr;

/// Hands out a text in pieces of 1 to `most_bytes` bytes. Its file has three bytes for each of the
/// text's. Fails at `fail_at`.
class FakeSource : public ByteSource {
 public:
  FakeSource(std::string text, size_t most_bytes, size_t fail_at = std::string::npos)
      : text_(std::move(text)), most_bytes_(most_bytes), fail_at_(fail_at) {}

  size_t Read(char* buffer, size_t capacity_bytes) override {
    EXPECT_GT(capacity_bytes, 0U);
    EXPECT_FALSE(ended_) << "read again after the end";
    if (used_ >= fail_at_) throw Error("the disk broke");
    const size_t size = std::min(
        {capacity_bytes, 1 + random_.Below(most_bytes_), text_.size() - used_, fail_at_ - used_});
    std::memcpy(buffer, text_.data() + used_, size);
    used_ += size;
    ended_ = size == 0;
    return size;
  }

  uint64_t file_bytes_consumed() const override { return 3 * used_; }

 private:
  const std::string text_;
  const size_t most_bytes_;
  const size_t fail_at_;
  size_t used_ = 0;
  bool ended_ = false;
  Random random_{7};
};

/// A block of just `capacity_bytes`.
std::string FillBlock(StreamReader* reader, size_t capacity_bytes, StreamReader::Filled* filled) {
  const std::unique_ptr<char[]> block(new char[capacity_bytes]);
  *filled = reader->Fill({block.get(), capacity_bytes});
  return {block.get(), filled->size_bytes};
}

struct Reading {
  CutRule rule = CutRule::kAtNewline;
  size_t most_bytes = 0;  // a read
  size_t block_bytes = 0;
  size_t capacity_bytes = 0;
};

bool EndsRecord(std::string_view block, CutRule rule) {
  return block.back() == '\n' || (rule == CutRule::kAtSpace && block.back() == ' ');
}

/// The blocks are the text, in order, cut where records end and not before they are full.
void ExpectWholeRecords(const std::string& text, const Reading& reading) {
  StreamReader reader(std::make_unique<FakeSource>(text, reading.most_bytes), "stream",
                      reading.rule, reading.block_bytes);
  std::string all;
  uint64_t file_bytes = 0;
  for (;;) {
    ASSERT_EQ(reader.offset(), all.size());
    StreamReader::Filled filled;
    const std::string block = FillBlock(&reader, reading.capacity_bytes, &filled);
    file_bytes += filled.file_bytes;
    ASSERT_EQ(filled.begin, all.size());
    if (block.empty()) break;
    all += block;
    ASSERT_TRUE(all.size() == text.size() || EndsRecord(block, reading.rule));
  }
  ASSERT_EQ(all, text);
  ASSERT_EQ(file_bytes, 3 * text.size());
  StreamReader::Filled again;
  ASSERT_EQ(FillBlock(&reader, reading.capacity_bytes, &again), "");
}

TEST(StreamReaderTest, BlocksAreTheTextInWholeRecordsWhateverTheSizes) {
  Random random(1);
  std::vector<std::string> texts = {"", "\n", "a", "a\nb", "a b\nc d\n", "\n\n\n"};
  for (int i = 0; i < 5; ++i) {
    texts.push_back(random.Text(1000, {"a", "bcd", " ", "\n", "\n", std::string(1, '\0')}));
  }
  for (const std::string& text : texts) {
    size_t longest_record = 1;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = FirstCut(text, begin, CutRule::kAtNewline);
      longest_record = std::max(longest_record, end - begin);
      begin = end;
    }
    for (const CutRule rule : {CutRule::kAtNewline, CutRule::kAtSpace}) {
      for (const size_t most_bytes : {1U, 2U, 7U, 5000U}) {
        for (const size_t block_bytes : {1U, 2U, 3U, 7U, 64U, 5000U}) {
          for (const size_t spare : {1U, 2U, 50U, 5000U}) {
            ASSERT_NO_FATAL_FAILURE(
                ExpectWholeRecords(text, {.rule = rule,
                                          .most_bytes = most_bytes,
                                          .block_bytes = block_bytes,
                                          .capacity_bytes = longest_record + spare}));
          }
        }
      }
    }
  }
}

TEST(StreamReaderTest, ABlockIsFilledUpToItsSize) {
  std::string text;
  while (text.size() < 10'000) text += "record\n";
  StreamReader reader(std::make_unique<FakeSource>(text, 13), "stream", CutRule::kAtNewline, 700);
  StreamReader::Filled filled;
  EXPECT_EQ(FillBlock(&reader, 5000, &filled).size(), 700U);
  EXPECT_EQ(FillBlock(&reader, 5000, &filled).size(), 700U);
  EXPECT_EQ(filled.begin, 700U);
}

TEST(StreamReaderTest, ARecordMayFillTheWholeBlock) {
  const std::string record = std::string(99, 'x') + "\n";
  StreamReader reader(std::make_unique<FakeSource>("a\n" + record + "b\n", 64), "stream",
                      CutRule::kAtNewline, 10);
  StreamReader::Filled filled;
  EXPECT_EQ(FillBlock(&reader, 100, &filled), "a\n");
  EXPECT_EQ(FillBlock(&reader, 100, &filled), record);
  EXPECT_EQ(FillBlock(&reader, 100, &filled), "b\n");
}

TEST(StreamReaderTest, ARecordThatIsLongerThanTheBlockIsAnErrorWithItsPlace) {
  const std::string text = "a\nb\n" + std::string(101, 'x') + "\n";
  StreamReader reader(std::make_unique<FakeSource>(text, 64), "the stream", CutRule::kAtNewline,
                      10);
  StreamReader::Filled filled;
  EXPECT_EQ(FillBlock(&reader, 100, &filled), "a\nb\n");
  try {
    FillBlock(&reader, 100, &filled);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("the stream: "));
    EXPECT_THAT(error.what(), HasSubstr("100 bytes begins at byte 4;"));
  }
  EXPECT_EQ(reader.offset(), 4U);
}

TEST(StreamReaderTest, WhereMemoryIsTheReasonItSaysWhatWouldHelp) {
  StreamReader reader(std::make_unique<FakeSource>(std::string(101, 'x'), 64), "stream",
                      CutRule::kAtNewline, 10, "buy some");
  StreamReader::Filled filled;
  try {
    FillBlock(&reader, 100, &filled);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("out of memory"));
    EXPECT_THAT(error.what(), HasSubstr("(buy some, or give it as a plain file)"));
    EXPECT_EQ(error.exit_status(), kExitMemory);
  }
}

TEST(StreamReaderTest, AnErrorOfTheSourceComesAfterTheRecordsBeforeIt) {
  for (const size_t block_bytes : {1U, 2U, 3U, 4U, 5U, 100U}) {
    for (const size_t most_bytes : {1U, 100U}) {
      StreamReader reader(std::make_unique<FakeSource>("a\nb\nc\n", most_bytes, /*fail_at=*/5),
                          "stream", CutRule::kAtNewline, block_bytes);
      StreamReader::Filled filled;
      std::string all;
      while (all.size() < 4) all += FillBlock(&reader, 100, &filled);
      EXPECT_EQ(all, "a\nb\n");
      for (int i = 0; i < 2; ++i) EXPECT_THROW(FillBlock(&reader, 100, &filled), Error);
      EXPECT_EQ(reader.offset(), 4U);
    }
  }
}

std::string ReadAll(const Input& input) {
  const auto source = OpenStream(input);
  std::string all;
  std::array<char, 100> buffer;
  while (const size_t size = source->Read(buffer.data(), buffer.size())) {
    all.append(buffer.data(), size);
  }
  return all;
}

/// Has nothing to give each second time that it is asked.
class HesitatingSource : public ByteSource {
 public:
  struct NotNow {};

  explicit HesitatingSource(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}
  size_t Read(char* buffer, size_t capacity_bytes) override {
    hesitates_ = !hesitates_;
    if (hesitates_) throw NotNow();
    return source_->Read(buffer, capacity_bytes);
  }
  uint64_t file_bytes_consumed() const override { return source_->file_bytes_consumed(); }

 private:
  const std::unique_ptr<ByteSource> source_;
  bool hesitates_ = false;
};

TEST(StreamReaderTest, ABlockWhoseReadingWasGivenUpIsGoneOnWith) {
  const std::string text = "a\nbb\nccc\ndddd\neeeee\nffffff\n";
  for (const size_t block_bytes : {1U, 5U, 12U, 100U}) {
    StreamReader reader(
        std::make_unique<HesitatingSource>(std::make_unique<FakeSource>(text, /*most_bytes=*/2)),
        "stream", CutRule::kAtNewline, block_bytes);
    std::array<char, 200> block{};
    std::string all;
    int given_up = 0;
    for (size_t size = 1; size > 0;) {
      try {
        size = reader.Fill(block).size_bytes;
        all.append(block.data(), size);
      } catch (const HesitatingSource::NotNow&) {
        ++given_up;
      }
    }
    EXPECT_EQ(all, text);
    EXPECT_GT(given_up, 10);
  }
}

TEST(StreamReaderTest, ReadingMayBeGivenUpAfterEachRead) {
  const std::string text = "a\n" + std::string(500, 'x') + "\nb\n";
  struct Later {};
  StreamReader reader(std::make_unique<FakeSource>(text, /*most_bytes=*/9), "stream",
                      CutRule::kAtNewline, /*block_bytes=*/10);
  const FillHooks hooks{.after_read = [] { throw Later(); }};
  std::array<char, 600> block{};
  std::string all;
  int given_up = 0;
  for (size_t size = 1; size > 0;) {
    try {
      size = reader.Fill(block, hooks).size_bytes;
      all.append(block.data(), size);
    } catch (const Later&) {
      ++given_up;
    }
  }
  EXPECT_EQ(all, text);
  EXPECT_GT(given_up, 500 / 9);
  EXPECT_EQ(reader.text_bytes_read(), text.size());
  EXPECT_EQ(reader.file_bytes_read(), 3 * text.size());
}

TEST(StreamReaderTest, ABlockAsksBeforeItHoldsMoreThanUsual) {
  const std::string text = "a\nb\n" + std::string(95, 'x') + "\nc\n";
  std::vector<size_t> asked;
  size_t limit = 1000;
  const FillHooks hooks{.may_hold = [&](size_t bytes) {
    asked.push_back(bytes);
    return bytes <= limit;
  }};
  const auto read_all = [&] {
    StreamReader reader(std::make_unique<FakeSource>(text, /*most_bytes=*/1000), "stream",
                        CutRule::kAtNewline, /*block_bytes=*/10);
    std::array<char, 600> block{};
    std::string all;
    while (const size_t size = reader.Fill(block, hooks).size_bytes) all.append(block.data(), size);
    return all;
  };
  EXPECT_EQ(read_all(), text);
  EXPECT_FALSE(asked.empty());
  for (const size_t bytes : asked) EXPECT_GT(bytes, 10U);
  EXPECT_GT(asked.back(), 90U);

  limit = 50;
  try {
    read_all();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_status(), kExitMemory);
    EXPECT_THAT(error.what(), HasSubstr("stream: a record of over 40 bytes begins at byte 4; "
                                        "out of memory to read on"));
  }
}

TEST(StreamReaderTest, AnotherReaderGoesOnWhereTheFirstOneEnded) {
  const std::string text = "a\nbb\nccc\ndddd\neeeee\nffffff\n";
  for (const size_t offset : {0U, 2U, 9U, 27U}) {
    StreamReader reader(std::make_unique<FakeSource>(text, /*most_bytes=*/4), "stream",
                        CutRule::kAtNewline, /*block_bytes=*/100);
    int calls = 0;
    reader.SkipTo(offset, [&] { ++calls; });
    EXPECT_EQ(reader.offset(), offset);
    EXPECT_GE(calls, static_cast<int>(offset / 4));
    StreamReader::Filled filled;
    EXPECT_EQ(FillBlock(&reader, 100, &filled), text.substr(offset));
    EXPECT_EQ(filled.begin, offset);
    EXPECT_EQ(filled.file_bytes, 3 * (text.size() - offset));
  }
}

TEST(StreamReaderTest, AStreamThatBecameShorterIsAnError) {
  StreamReader reader(std::make_unique<FakeSource>("a\nb\n", 100), "stream", CutRule::kAtNewline,
                      100);
  try {
    reader.SkipTo(5, [] {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "stream: changed while being read: it ends at byte 4, and did not before");
  }
}

TEST(OpenStreamTest, APipeContinuesWhatWasAlreadyRead) {
  Pipe pipe;
  ASSERT_EQ(write(pipe.write_end(), "and the rest", 12), 12);
  pipe.CloseWriteEnd();
  Input input;
  input.name = "pipe";
  input.fd = UniqueFd(dup(pipe.read_end()));
  input.prefix = "the start ";
  EXPECT_EQ(ReadAll(input), "the start and the rest");
  EXPECT_TRUE(input.fd) << "it keeps its own";
}

TEST(OpenStreamTest, APlaceThatCannotBeReadCountsWhatWasAlreadyRead) {
  Input input;
  input.name = "dir";
  input.fd = UniqueFd(open("/", O_RDONLY));
  input.prefix = "the start ";
  try {
    ReadAll(input);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "dir: cannot be read at byte 10: Is a directory");
  }
}

TEST(OpenStreamTest, ACompressedFileIsInflatedFromItsPath) {
  const std::string path = testing::TempDir() + "/tally_open_stream_test.gz";
  gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_EQ(gzwrite(file, "some text", 9), 9);
  ASSERT_EQ(gzclose(file), Z_OK);
  Input input;
  input.name = input.path = path;
  input.gzip = true;
  EXPECT_EQ(ReadAll(input), "some text");
  input.gzip = false;
  EXPECT_EQ(ReadAll(input).substr(0, 2), "\x1f\x8b");
  std::remove(path.c_str());
  EXPECT_THROW(ReadAll(input), Error);
}

}  // namespace
}  // namespace tally
