// The hash, and the table behind its buffer: keys that it has, keys that it has not, and its
// growth.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "common/count_table.h"
#include "common/hash.h"
#include "common/shared_region.h"
#include "tests/micro/texts.h"
#include "worker/count_buffer.h"

namespace tally::micro {
namespace {

constexpr size_t kRegionBytes = size_t{4} << 30;
constexpr size_t kRecords = 4096;  // in one go

void Hash(benchmark::State& state) {
  std::string key(static_cast<size_t>(state.range(0)), 'k');
  uint64_t seed = 1;
  for (auto _ : state) {
    seed = HashBytes(key.data(), key.size(), seed);  // each waits for the one before
    benchmark::DoNotOptimize(seed);
  }
}
BENCHMARK(Hash)->ArgName("bytes")->Arg(16)->Arg(32)->Arg(1000);

/// Keys of `size` bytes.
std::vector<std::string> MakeKeys(size_t count, size_t size) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < count; ++i) {
    std::string key = std::to_string(i);
    key.insert(0, size - std::min(size, key.size()), 'k');
    key.reserve(key.size() + CountTable::kInlineBytes);
    keys.push_back(std::move(key));
  }
  return keys;
}

class Table {
 public:
  Table()
      : region_(SharedRegion::Reserve(kRegionBytes)),
        table_(CountTable::Create(region_.data(), kRegionBytes, /*seed=*/42)),
        buffer_(&table_) {}

  void Add(std::span<const Record> records) {
    const auto never = [](CountTable::AddResult, std::string_view) { return false; };
    buffer_.Add(records, never);
    buffer_.Flush(never);
  }

 private:
  SharedRegion region_;
  CountTable table_;
  CountBuffer buffer_;
};

std::vector<Record> MakeRecords(const std::vector<std::string>& keys,
                                const std::vector<uint32_t>& order) {
  std::vector<Record> records;
  records.reserve(order.size());
  for (const uint32_t i : order) records.push_back({keys[i].data(), keys[i].size(), 1, 1});
  return records;
}

std::vector<uint32_t> Shuffled(size_t count) {
  std::vector<uint32_t> order(count);
  for (size_t i = 0; i < count; ++i) order[i] = static_cast<uint32_t>(i);
  std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
  return order;
}

void Hit(benchmark::State& state) {
  const auto count = static_cast<size_t>(state.range(0));
  const auto keys = MakeKeys(count, static_cast<size_t>(state.range(1)));
  const auto records = MakeRecords(keys, Shuffled(count));
  Table table;
  for (int i = 0; i < 5; ++i) table.Add(records);  // until it is as sparse as it gets
  for (auto _ : state) table.Add(records);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * count));
}
BENCHMARK(Hit)->ArgNames({"keys", "bytes"})->ArgsProduct({{400, 10'000, 1'000'000}, {8, 24, 40}});

/// As in a text: a few of the keys are most of it.
void HitWords(benchmark::State& state) {
  const auto keys = MakeKeys(200'000, 8);
  const auto records = MakeRecords(keys, MakeRanks(1'000'000, keys.size()));
  Table table;
  table.Add(records);
  for (auto _ : state) table.Add(records);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(records.size()));
}
BENCHMARK(HitWords);

/// All keys are new, and the table grows from nothing.
void Grow(benchmark::State& state) {
  const auto count = static_cast<size_t>(state.range(0));
  const auto keys = MakeKeys(count, static_cast<size_t>(state.range(1)));
  const auto records = MakeRecords(keys, Shuffled(count));
  for (auto _ : state) {
    Table table;
    table.Add(records);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * count));
}
BENCHMARK(Grow)->ArgNames({"keys", "bytes"})->ArgsProduct({{10'000, 1'000'000}, {8, 24}});

/// New keys, some at a time, to a table that has many and need not grow.
void Miss(benchmark::State& state) {
  constexpr size_t kBefore = 700'000;  // the next growth comes at 819,200
  const auto keys = MakeKeys(kBefore + 100'000, 8);
  const auto records = MakeRecords(keys, Shuffled(keys.size()));
  std::optional<Table> table;
  size_t next = records.size();
  for (auto _ : state) {
    if (next + kRecords > records.size()) {
      state.PauseTiming();
      table.reset();
      table.emplace();
      table->Add(std::span(records).first(kBefore));
      next = kBefore;
      state.ResumeTiming();
    }
    table->Add(std::span(records).subspan(next, kRecords));
    next += kRecords;
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kRecords));
}
BENCHMARK(Miss)->Iterations(500);

}  // namespace
}  // namespace tally::micro
