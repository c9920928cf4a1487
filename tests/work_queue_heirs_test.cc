// How the workers of a queue take over from one that died, where it gets no successor.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

#include "common/work_queue.h"
#include "tests/work_queue_fixture.h"

namespace tally {
namespace {

/// Whether the worker is told to take over from the dead one, which it then does.
bool TakesOver(const TestQueue& queue, uint32_t worker, uint32_t dead) {
  if (!(queue.Claim(worker) == TakeOver(dead))) return false;
  queue->Inherit(dead);
  return true;
}

TEST(WorkQueueHeirsTest, WhatIsNotSavedGoesBackToAll) {
  const TestQueue queue({.chunks_of_input = {4}});
  queue.ClaimAndFinish(/*worker=*/0, /*chunk=*/0);
  queue.state(0).saved = queue.state(0).chunks_done;
  queue.ClaimAndFinish(/*worker=*/0, /*chunk=*/1);
  ASSERT_EQ(queue.Claim(/*worker=*/0), Count(2));
  queue->LeaveToOthers(0);
  EXPECT_FALSE(queue.state(0).inherited);

  ASSERT_TRUE(TakesOver(queue, /*worker=*/1, /*dead=*/0));
  EXPECT_TRUE(queue.state(0).inherited);
  EXPECT_EQ(queue.chunk(0).owner, 0U);
  for (const uint64_t chunk : {1U, 2U}) EXPECT_EQ(queue.chunk(chunk).owner, kNobody) << chunk;
  for (const uint64_t chunk : {1U, 2U, 3U}) queue.ClaimAndFinish(/*worker=*/1, chunk);
  EXPECT_EQ(queue.Claim(/*worker=*/1), kNone);
}

TEST(WorkQueueHeirsTest, AStreamIsReadOnFromWhereItWasPublishedUpTo) {
  const TestQueue queue({.streams = {0}, .blocks = 2, .room_for_published = 8});
  ASSERT_EQ(queue.Claim(/*worker=*/0), Open(0));
  queue.FillAndPublish(/*worker=*/0, /*begin=*/0, /*block=*/0);
  ASSERT_EQ(queue.Claim(/*worker=*/0), Fill(1));
  queue->LeaveToOthers(0);

  ASSERT_TRUE(TakesOver(queue, /*worker=*/1, /*dead=*/0));
  queue.ClaimAndFinish(/*worker=*/1, /*chunk=*/0);
  ASSERT_EQ(queue.Claim(/*worker=*/1), Open(0));
  EXPECT_EQ(queue.stream(0).published, 10U);
  queue.FillAndPublish(/*worker=*/1, /*begin=*/10, /*block=*/0);
}

TEST(WorkQueueHeirsTest, EachOfTheDeadHasOneHeir) {
  const TestQueue queue({.chunks_of_input = {1}});
  queue->LeaveToOthers(0);
  queue->LeaveToOthers(1);
  EXPECT_EQ(queue.Claim(/*worker=*/2), TakeOver(0));
  EXPECT_EQ(queue.Claim(/*worker=*/3), TakeOver(1));
  EXPECT_EQ(queue.Claim(/*worker=*/4), Count(0));
}

TEST(WorkQueueHeirsTest, WhereTheHeirDiesAnotherOneTakesItsPlace) {
  const TestQueue queue({.chunks_of_input = {1}});
  ASSERT_EQ(queue.Claim(/*worker=*/0), Count(0));
  queue->LeaveToOthers(0);
  ASSERT_EQ(queue.Claim(/*worker=*/1), TakeOver(0));
  // Once by its successor, and once by an heir of its own.
  queue->StartOver(1);
  ASSERT_EQ(queue.Claim(/*worker=*/2), TakeOver(0));
  queue->LeaveToOthers(2);
  ASSERT_TRUE(TakesOver(queue, /*worker=*/3, /*dead=*/2));
  ASSERT_TRUE(TakesOver(queue, /*worker=*/3, /*dead=*/0));
  queue.ClaimAndFinish(/*worker=*/3, /*chunk=*/0);
}

TEST(WorkQueueHeirsTest, AnHeirMayDieBeforeAnyOfItsStores) {
  const auto take_over = [](const TestQueue& queue) {
    return TakesOver(queue, /*worker=*/1, /*dead=*/0);
  };
  for (uint64_t store = 0;; ++store) {
    SCOPED_TRACE(store);
    ASSERT_LT(store, 100U);
    const TestQueue queue({.chunks_of_input = {3}});
    queue.ClaimAndFinish(/*worker=*/0, /*chunk=*/0);
    ASSERT_EQ(queue.Claim(/*worker=*/0), Count(1));
    queue->LeaveToOthers(0);
    if (!queue.DiesAtStore(store, [&] { return take_over(queue); })) break;

    EXPECT_EQ(queue->StartOver(1), std::nullopt);
    if (!queue.state(0).inherited) {
      ASSERT_TRUE(TakesOver(queue, /*worker=*/2, /*dead=*/0));
    }
    for (const uint64_t chunk : {0U, 1U, 2U}) queue.ClaimAndFinish(/*worker=*/2, chunk);
    EXPECT_EQ(queue.Claim(/*worker=*/2), kNone);
  }
}

TEST(WorkQueueHeirsTest, NobodyInheritsWhatWasTakenBack) {
  const TestQueue queue({.chunks_of_input = {2}});
  ASSERT_EQ(queue.Claim(/*worker=*/0), Count(0));
  queue->LeaveToOthers(0);
  ASSERT_EQ(queue.Claim(/*worker=*/1), TakeOver(0));
  queue->TakeBack(0);
  EXPECT_EQ(queue->StartOver(1), std::nullopt);
  EXPECT_EQ(queue.Claim(/*worker=*/1), Count(1));
  EXPECT_EQ(queue->StartOver(0), 0U);
  // It may be left to others again.
  queue->LeaveToOthers(0);
  EXPECT_TRUE(TakesOver(queue, /*worker=*/1, /*dead=*/0));
}

}  // namespace
}  // namespace tally
