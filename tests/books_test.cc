#include "master/books.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tally {
namespace {

using testing::HasSubstr;

/// A run of two inputs that was counted to the end: a mapped one in two chunks, and a stream.
class BooksTest : public testing::Test {
 protected:
  BooksTest() : inputs_(2) {
    inputs_[0].name = "mapped";
    inputs_[0].text = "0123456789";
    inputs_[1].name = "stream";
    ledger_ = {{.begin = 0, .end = 4, .input = 0, .count = {.records = 1, .amount = 10}},
               {.begin = 4, .end = 10, .input = 0, .count = {.records = 2, .amount = 20}},
               {.begin = 0, .end = 7, .input = 1, .count = {.records = 3, .amount = 30}}};
    for (Chunk& chunk : ledger_) {
      chunk.owner = 0;
      chunk.done = 1;
    }
    streams_ = {{.input = 1, .ended = true, .text_bytes_read = 7, .file_bytes_read = 3}};
  }

  /// What is found wrong.
  std::string Complaint(const std::function<void(const WorkQueue&)>& check) {
    WorkQueue queue(ledger_, ledger_.size(), streams_, workers_, {});
    streams_[0].published = published_;  // as its reader would have left it
    try {
      check(queue);
    } catch (const BooksDoNotBalance& error) {
      EXPECT_EQ(error.exit_status(), kExitInternal);
      return error.what();
    }
    return "";
  }
  std::string OfChunks() {
    return Complaint([this](const WorkQueue& queue) { CheckThatAllWasCounted(queue, inputs_); });
  }
  std::string OfShares(const WorkDone& shares) {
    return Complaint([&](const WorkQueue& queue) { CheckShares(queue, shares); });
  }
  std::string OfTotal(uint128 total) {
    return Complaint([&](const WorkQueue& queue) { CheckTotal(queue, total); });
  }

  std::vector<Input> inputs_;
  std::vector<Chunk> ledger_;
  std::vector<Stream> streams_;
  std::vector<WorkerState> workers_{1};
  uint64_t published_ = 7;
};

TEST_F(BooksTest, ARunThatCountedEverythingBalances) {
  EXPECT_EQ(OfChunks(), "");
  EXPECT_EQ(OfShares({.chunks = 3, .text_bytes = 17, .records = 6}), "");
  EXPECT_EQ(OfTotal(60), "");
}

TEST_F(BooksTest, AChunkThatWasNotCountedIsMissed) {
  ledger_[1].done = 0;
  EXPECT_THAT(OfChunks(), HasSubstr("chunk 2 was not counted"));
  ledger_[1].done = 1;
  ledger_[1].owner = kNobody;
  EXPECT_THAT(OfChunks(), HasSubstr("chunk 2 was not counted"));
}

TEST_F(BooksTest, BytesBetweenBehindOrInTwoChunksAreMissed) {
  ledger_[1].begin = 5;
  EXPECT_THAT(OfChunks(), HasSubstr("chunk 2 begins at byte 5 of mapped"));
  ledger_[1].begin = 3;
  EXPECT_THAT(OfChunks(), HasSubstr("chunk 2 begins at byte 3 of mapped"));
  ledger_[1].begin = 4;
  ledger_[1].end = 9;
  EXPECT_THAT(OfChunks(), HasSubstr("9 bytes of mapped were counted, but it has 10"));
}

TEST_F(BooksTest, AStreamThatWasNotReadOrCountedToItsEndIsMissed) {
  published_ = 8;
  EXPECT_THAT(OfChunks(), HasSubstr("stream was read up to byte 8 and counted up to 7"));
  published_ = 7;
  streams_[0].ended = false;
  EXPECT_THAT(OfChunks(), HasSubstr("stream was read"));
}

TEST_F(BooksTest, BytesThatAReaderHasReadOrNotAreMissed) {
  streams_[0].text_bytes_read = 8;
  EXPECT_THAT(OfChunks(), HasSubstr("8 bytes were read of stream, and 7 counted"));
  streams_[0].text_bytes_read = 7;
  inputs_[1].file_bytes = 4;
  EXPECT_EQ(OfChunks(), "") << "a pipe has no size";
  inputs_[1].size_known = true;
  EXPECT_THAT(OfChunks(), HasSubstr("3 bytes of the file stream were read, but it has 4"));
}

TEST_F(BooksTest, SharesAndTotalsThatDifferAreTold) {
  EXPECT_THAT(OfShares({.chunks = 2, .text_bytes = 17, .records = 6}), HasSubstr("3 chunks"));
  EXPECT_THAT(OfShares({.chunks = 3, .text_bytes = 16, .records = 6}), HasSubstr("17 bytes"));
  EXPECT_THAT(OfShares({.chunks = 3, .text_bytes = 17, .records = 5}), HasSubstr("6 records"));
  EXPECT_THAT(OfTotal(59), HasSubstr("60 was counted, 59 is in the tables"));
}

TEST_F(BooksTest, OfATotalPast64BitsTheLower64AreCompared) {
  ledger_[0].count.amount = ~uint64_t{0};
  EXPECT_EQ(OfTotal((uint128{1} << 64) + 49), "");
  EXPECT_NE(OfTotal((uint128{1} << 64) + 50), "");
}

}  // namespace
}  // namespace tally
