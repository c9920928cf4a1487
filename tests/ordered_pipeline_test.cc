#include "master/ordered_pipeline.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "tests/sanitized.h"

namespace tally {
namespace {

class StringSink : public ByteSink {
 public:
  void Write(std::string_view bytes) override {
    writers.insert(std::this_thread::get_id());
    text += bytes;
  }

  std::string text;
  std::set<std::thread::id> writers;
};

std::string Piece(uint64_t part, uint64_t piece) {
  return std::to_string(part) + "." + std::to_string(piece) + " ";
}

/// Part 1 has no piece, part 2 one, and so on.
void MakePieces(uint64_t part, ByteSink* text) {
  for (uint64_t piece = 0; piece < part % 4; ++piece) text->Write(Piece(part, piece));
}

std::string AllPieces(uint64_t parts) {
  StringSink all;
  for (uint64_t part = 0; part < parts; ++part) MakePieces(part, &all);
  return all.text;
}

TEST(OrderedPipelineTest, WritesAllPiecesInOrder) {
  for (const uint32_t threads : {0U, 1U, 2U, 3U, 16U}) {
    for (const uint64_t parts : {0U, 1U, 2U, 5U, 1000U}) {
      StringSink out;
      WriteInOrder(parts, threads, MakePieces, &out);
      EXPECT_EQ(out.text, AllPieces(parts)) << threads << " threads";
    }
  }
}

TEST(OrderedPipelineTest, SeveralThreadsMakeAndTheCallingOneWrites) {
  std::mutex mutex;
  std::set<std::thread::id> makers;
  StringSink out;
  WriteInOrder(
      1000, 3,
      [&](uint64_t /*part*/, ByteSink* text) {
        {
          const std::lock_guard lock(mutex);
          makers.insert(std::this_thread::get_id());
        }
        text->Write(std::string(size_t{64} << 10, 'p'));  // nobody gets far ahead
      },
      &out);
  EXPECT_GT(makers.size(), 1U);
  EXPECT_FALSE(makers.contains(std::this_thread::get_id()));
  EXPECT_EQ(out.writers, std::set{std::this_thread::get_id()});
}

TEST(OrderedPipelineTest, WhoeverIsAheadMakesAMegabyteAndWaits) {
  const std::string piece(size_t{128} << 10, 'p');
  std::atomic<int> made = 0;
  StringSink out;
  WriteInOrder(
      3, 3,
      [&](uint64_t part, ByteSink* text) {
        if (part == 0) {
          // The other two have eight pieces each, and one that has nowhere to go.
          constexpr int kMost = 2 * (8 + 1);
          for (int i = 0; i < 1000 && made < kMost; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
          }
          std::this_thread::sleep_for(std::chrono::milliseconds(100));
          EXPECT_EQ(made, kMost);
          text->Write("first ");
          return;
        }
        for (int i = 0; i < 100; ++i) {
          ++made;
          text->Write(piece);
        }
      },
      &out);
  EXPECT_EQ(made, 200);
  EXPECT_EQ(out.text.substr(0, 7), "first p");
  EXPECT_EQ(out.text.size(), 6 + 200 * piece.size());
}

TEST(OrderedPipelineTest, TakesNoMoreMemoryForMoreParts) {
  if (kSanitized) GTEST_SKIP() << "freed memory is kept for a while";
  class PeakSink : public ByteSink {
   public:
    void Write(std::string_view) override { peak = std::max(peak, mallinfo2().uordblks); }
    size_t peak = 0;
  };
  const std::string piece(size_t{64} << 10, 'p');
  PeakSink out;
  const size_t before = mallinfo2().uordblks;
  WriteInOrder(
      2000, 2, [&](uint64_t /*part*/, ByteSink* text) { text->Write(piece); }, &out);
  EXPECT_GT(out.peak, before + piece.size());
  EXPECT_LT(out.peak, before + (size_t{8} << 20));
}

TEST(OrderedPipelineTest, WhatAThreadThrowsIsThrown) {
  for (const uint32_t threads : {1U, 4U}) {
    StringSink out;
    const auto make = [](uint64_t part, ByteSink* text) {
      MakePieces(part, text);
      if (part == 50) throw std::runtime_error("out of ink");
    };
    EXPECT_THROW(WriteInOrder(1000, threads, make, &out), std::runtime_error);
  }
}

TEST(OrderedPipelineTest, WhatTheSinkThrowsEndsTheThreads) {
  class FullSink : public ByteSink {
   public:
    void Write(std::string_view) override {
      if (++writes == 20) throw std::runtime_error("full");
    }
    int writes = 0;
  };
  for (const uint32_t threads : {1U, 4U}) {
    FullSink out;
    std::atomic<uint64_t> last = 0;
    const auto make = [&](uint64_t part, ByteSink* text) {
      last = part;
      text->Write(std::string(size_t{64} << 10, 'p'));
    };
    EXPECT_THROW(WriteInOrder(1000000, threads, make, &out), std::runtime_error);
    EXPECT_LT(last, 1000U);
  }
}

}  // namespace
}  // namespace tally
