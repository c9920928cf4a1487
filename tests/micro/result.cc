// What comes behind the counting: the merge of two tables with its sort, and the rows' text.
#include <benchmark/benchmark.h>

#include <span>
#include <string>
#include <vector>

#include "common/count_table.h"
#include "common/shared_region.h"
#include "master/merger.h"
#include "master/output.h"
#include "master/serial_executor.h"
#include "tests/micro/texts.h"

namespace tally::micro {
namespace {

/// Two tables, with half of each one's keys in the other as well.
class TwoTables {
 public:
  explicit TwoTables(size_t keys_each) {
    for (size_t first : {size_t{0}, keys_each / 2}) {
      regions_.push_back(SharedRegion::Reserve(size_t{1} << 30));
      pointers_.push_back(regions_.back().data());
      auto table =
          CountTable::Create(regions_.back().data(), regions_.back().size_bytes(), /*seed=*/42);
      for (size_t i = first; i < first + keys_each; ++i) {
        std::string key = "key " + std::to_string(i);
        key.reserve(key.size() + CountTable::kInlineBytes);
        table.Add(key, i % 1000);
      }
    }
  }

  std::span<char* const> pointers() const { return pointers_; }

 private:
  std::vector<SharedRegion> regions_;
  std::vector<char*> pointers_;
};

/// By one worker.
void Merge(benchmark::State& state) {
  const auto keys_each = static_cast<size_t>(state.range(0));
  const TwoTables tables(keys_each);
  SerialExecutor executor;
  WorkerSupervisor supervisor(
      1, [](std::string_view) {}, [] { return uint64_t{0}; });
  for (auto _ : state) {
    benchmark::DoNotOptimize(MergeTables(tables.pointers(), {}, &executor, 1, &supervisor));
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * 2 * keys_each));
}
BENCHMARK(Merge)->ArgName("keys")->Arg(1000)->Arg(1'000'000)->UseRealTime();  // a worker merges

class NullByteSink : public ByteSink {
 public:
  void Write(std::string_view bytes) override { benchmark::DoNotOptimize(bytes.data()); }
};

void Write(benchmark::State& state) {
  const auto keys = MakeWords(10'000);
  NullByteSink sink;
  for (auto _ : state) {
    const auto writer = MakeRowWriter({.format = static_cast<OutputFormat>(state.range(0))}, &sink);
    for (size_t i = 0; i < keys.size(); ++i) writer->Row(keys[i], i * i);
    writer->Finish();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * keys.size()));
}
BENCHMARK(Write)
    ->ArgName("format")
    ->Arg(static_cast<int>(OutputFormat::kTsv))
    ->Arg(static_cast<int>(OutputFormat::kCsv))
    ->Arg(static_cast<int>(OutputFormat::kJson))
    ->Arg(static_cast<int>(OutputFormat::kJsonl));

}  // namespace
}  // namespace tally::micro
