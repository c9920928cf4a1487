#include "master/race/evidence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tally::race {
namespace {

using nlohmann::json;

WorkerEvent Load(uint32_t worker, int64_t time_ns, uint64_t value, uint32_t object = 0) {
  return {worker, {time_ns, value, object, Operation::kLoad}};
}
WorkerEvent Store(uint32_t worker, int64_t time_ns, uint64_t value, uint32_t object = 0) {
  return {worker, {time_ns, value, object, Operation::kStore}};
}

using Events = std::vector<WorkerEvent>;

TEST(FindLostUpdateTest, TwoWhoLoadedBeforeEitherStoredLoseOne) {
  const auto evidence =
      FindLostUpdate(Events{Load(0, 10, 41), Load(1, 12, 41), Store(0, 15, 42), Store(1, 19, 42)});
  ASSERT_TRUE(evidence.has_value());
  EXPECT_EQ(FormatTimeline(*evidence, 2),
            "   time  worker 1  worker 2\n"
            "  +0 ns  load 41\n"
            "  +2 ns            load 41\n"
            "  +5 ns  store 42\n"
            "  +9 ns            store 42  <- lost\n");
}

TEST(FindLostUpdateTest, OneAfterAnotherLosesNothing) {
  EXPECT_FALSE(FindLostUpdate(Events{}).has_value());
  EXPECT_FALSE(
      FindLostUpdate(Events{Load(0, 1, 5), Store(0, 2, 6), Load(1, 3, 6), Store(1, 4, 7)}));
  // The same value again, as after a loss elsewhere, but no longer at the same time.
  EXPECT_FALSE(
      FindLostUpdate(Events{Load(0, 1, 5), Store(0, 2, 6), Load(1, 3, 5), Store(1, 4, 6)}));
  EXPECT_FALSE(FindLostUpdate(Events{Load(0, 1, 5), Store(0, 3, 6), Load(1, 3, 5), Store(1, 4, 6)}))
      << "at the same nanosecond, nothing is proven";
}

TEST(FindLostUpdateTest, OtherObjectsWorkersAndValuesHaveNothingToDoWithIt) {
  EXPECT_FALSE(FindLostUpdate(
      Events{Load(0, 1, 5, 0), Load(1, 2, 5, 1), Store(0, 3, 6, 0), Store(1, 4, 6, 1)}));
  EXPECT_FALSE(
      FindLostUpdate(Events{Load(0, 1, 5), Load(0, 2, 5), Store(0, 3, 6), Store(0, 4, 6)}));
  EXPECT_FALSE(
      FindLostUpdate(Events{Load(0, 1, 5), Load(1, 2, 4), Store(0, 3, 6), Store(1, 4, 5)}));
  EXPECT_FALSE(FindLostUpdate(Events{Load(0, 1, 5), Load(1, 2, 5), Store(0, 3, 6)}))
      << "the second one never stored";
}

TEST(FindLostUpdateTest, TheShortestOfSeveralIsShown) {
  const auto evidence = FindLostUpdate(
      Events{Load(0, 0, 1), Load(2, 10, 1), Store(0, 900, 2), Store(2, 1000, 2), Load(1, 2000, 7),
             Load(2, 2001, 7), Store(2, 2002, 8), Store(1, 2003, 8), Load(0, 3000, 9),
             Load(1, 3001, 9), Store(0, 3100, 10), Store(1, 3200, 10)});
  ASSERT_TRUE(evidence.has_value());
  EXPECT_EQ(evidence->rows.front().event.time_ns, 2000);
  EXPECT_EQ(FormatTimeline(*evidence, 3),
            "   time  worker 2  worker 3\n"
            "  +0 ns  load 7\n"
            "  +1 ns            load 7\n"
            "  +2 ns            store 8\n"
            "  +3 ns  store 8             <- lost\n")
      << "worker 1 takes no part";
}

TEST(FormatTraceTest, IsWhatATraceViewerReads) {
  const Events events = {Load(0, 5000, 41), Load(1, 5500, 41), Store(0, 7000, 42),
                         Store(1, 7250, 42)};
  const json trace = json::parse(FormatTrace(events, "lost-update"));
  const json& rows = trace.at("traceEvents");
  ASSERT_EQ(rows.size(), 1 + 2 + 4U);
  EXPECT_EQ(rows[0].at("ph"), "M");
  EXPECT_EQ(rows[0].at("args").at("name"), "tally race lost-update");
  EXPECT_EQ(rows[1], json::parse(R"({"name": "41 -> 42", "ph": "X", "pid": 1, "tid": 1, "ts": 0.0,
                                     "dur": 2.0, "args": {"object": 0}})"));
  EXPECT_EQ(rows[4],
            json::parse(R"({"name": "load 41", "ph": "i", "pid": 1, "tid": 2, "ts": 0.5, "s": "t",
                            "args": {"object": 0, "value": 41}})"));
  EXPECT_TRUE(json::parse(FormatTrace(Events{}, "a \"b\"")).at("traceEvents").is_array());
}

TEST(EventRingTest, KeepsTheLastEventsOldestFirst) {
  const EventRings rings(2);
  const size_t noted = EventRing::kCapacity + 10;
  for (uint64_t i = 0; i < noted; ++i) rings.of(1).Note(Operation::kStore, 3, i);
  rings.of(0).Note(Operation::kLoad, 1, 7);
  EXPECT_EQ(rings.of(0).Events().size(), 1U);
  const std::vector<Event> kept = rings.of(1).Events();
  ASSERT_EQ(kept.size(), EventRing::kCapacity);
  for (size_t i = 0; i < kept.size(); ++i) {
    ASSERT_EQ(kept[i].value, i + 10);
    ASSERT_GE(kept[i].time_ns, kept[std::max<size_t>(i, 1) - 1].time_ns);
  }
  const auto merged = rings.Merged();
  EXPECT_EQ(merged.size(), kept.size() + 1);
  EXPECT_EQ(merged.back().worker, 0U) << "noted last";
}

}  // namespace
}  // namespace tally::race
