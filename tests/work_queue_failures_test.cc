// What is handed out by a queue whose run fails at some place of its inputs.
#include <gtest/gtest.h>

#include <cstdint>

#include "tests/work_queue_fixture.h"

namespace tally {
namespace {

// A chunk that begins where the run fails is the one that failed: if its worker dies, it has to be
// counted again for the message.
TEST(WorkQueueFailuresTest, AFailureGivesOutAllThatBeginsUpToItAndNothingBehind) {
  struct Case {
    Position fail_at;
    uint64_t given_out;  // of chunks 0, 10, 20 of input 0, the same of input 1
  };
  for (const Case& c : {Case{{0, 0}, 1}, Case{{0, 1}, 1}, Case{{0, 10}, 2}, Case{{0, 11}, 2},
                        Case{{0, 25}, 3}, Case{{1, 0}, 4}, Case{{1, 1}, 4}, Case{{1, 20}, 6},
                        Case{{2, 0}, 6}, Case{kEndOfInputs, 6}}) {
    const TestQueue queue({.chunks_of_input = {3, 3}});
    queue->FailAt(c.fail_at);
    queue->FailAt({.input = 1, .offset = 25});  // a later one changes nothing
    for (uint64_t chunk = 0; chunk < c.given_out; ++chunk) EXPECT_EQ(queue.Claim(), Count(chunk));
    EXPECT_EQ(queue.Claim(), kNone) << c.fail_at.input << ", " << c.fail_at.offset;
  }
}

TEST(WorkQueueFailuresTest, TheFirstFailureInTheInputsOrderCountsWhicheverIsMetFirst) {
  const TestQueue queue({.chunks_of_input = {3}});
  for (const uint64_t offset : {25U, 15U, 5U, 8U, 20U}) {
    queue->FailAt({.input = 0, .offset = offset});
  }
  EXPECT_TRUE(queue->IsWanted({.input = 0, .offset = 5}));
  EXPECT_FALSE(queue->IsWanted({.input = 0, .offset = 6}));
}

TEST(WorkQueueFailuresTest, WhatLiesBehindAFailureIsNotWanted) {
  const TestQueue queue({.chunks_of_input = {3}});
  EXPECT_TRUE(queue->IsWanted({.input = 100, .offset = 100}));
  queue->FailAt({.input = 1, .offset = 5});
  EXPECT_TRUE(queue->IsWanted({.input = 0, .offset = 100}));
  EXPECT_TRUE(queue->IsWanted({.input = 1, .offset = 5}));
  EXPECT_FALSE(queue->IsWanted({.input = 1, .offset = 6}));
  EXPECT_FALSE(queue->IsWanted({.input = 2, .offset = 0}));
}

TEST(WorkQueueFailuresTest, AStreamBehindAFailureIsNotOpened) {
  const TestQueue queue({.chunks_of_input = {1}, .streams = {1, 2, 3}, .blocks = 4});
  queue->FailAt({.input = 2, .offset = 0});
  EXPECT_EQ(queue.Claim(0), Open(0));
  EXPECT_EQ(queue.Claim(1), Open(1));
  EXPECT_EQ(queue.Claim(2), Count(0));
  queue->CloseStream(0, std::nullopt);
  queue->CloseStream(1, std::nullopt);
  EXPECT_EQ(queue.Claim(), kNone);
}

TEST(WorkQueueFailuresTest, AReaderStopsBehindAFailureAndReadsOnBeforeIt) {
  const TestQueue queue({.streams = {0, 1}, .blocks = 4, .room_for_published = 5});
  ASSERT_EQ(queue.Claim(0), Open(0));
  ASSERT_EQ(queue.Claim(1), Open(1));
  queue->FailAt({.input = 0, .offset = 10});
  EXPECT_EQ(queue.Claim(1), kStopReading);
  queue.FillAndPublish(/*worker=*/0, 0, /*block=*/0);
  queue.FillAndPublish(/*worker=*/0, 10, /*block=*/1);
  EXPECT_EQ(queue.Claim(0), kStopReading);
}

TEST(WorkQueueFailuresTest, AReaderThatFailsEndsTheRunThere) {
  const TestQueue queue({.chunks_of_input = {1, 0, 1}, .streams = {1}, .blocks = 1});
  ASSERT_EQ(queue.Claim(), Open(0));
  ASSERT_EQ(queue.Claim(), Fill(0));
  queue->CloseStream(0, /*unused_block=*/0, Position{.input = 1, .offset = 0});
  EXPECT_TRUE(queue.stream(0).ended);
  EXPECT_EQ(queue.Claim(), Count(0));
  EXPECT_EQ(queue.Claim(), kNone);
}

TEST(WorkQueueFailuresTest, PublishedChunksBehindAFailureAreDroppedAndTheirBlocksAreFree) {
  for (const bool keep_blocks : {false, true}) {
    const TestQueue queue(
        {.streams = {0, 1}, .blocks = 2, .room_for_published = 5, .keep_blocks = keep_blocks});
    ASSERT_EQ(queue.Claim(0), Open(0));
    ASSERT_EQ(queue.Claim(1), Open(1));
    queue.FillAndPublish(/*worker=*/1, 0, /*block=*/0);
    queue.FillAndPublish(/*worker=*/1, 10, /*block=*/1);
    queue->FailAt({.input = 0, .offset = 5});
    // In a process that may hang, should the blocks not be free.
    Child reader([&] { return queue.Claim(0) == Fill(0); });
    EXPECT_EQ(reader.Wait(), 0);
  }
}

}  // namespace
}  // namespace tally
