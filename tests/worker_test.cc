// What a worker tells its table.
#include "worker/worker.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/control_block.h"
#include "common/count_table.h"
#include "common/mapped_file.h"
#include "common/shared_region.h"
#include "common/unique_fd.h"

namespace tally {
namespace {

/// How many slots a lone worker's table has once it has counted the lines, of eight bytes each, as
/// two chunks of an input that is said to have so many bytes.
uint64_t CapacityAfterCounting(const std::string& lines, std::optional<uint64_t> input_bytes) {
  const UniqueFd file(memfd_create("lines", MFD_CLOEXEC));
  EXPECT_EQ(write(file.get(), lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
  std::vector<Input> inputs(1);
  inputs[0].mapping = MappedFile(file.get(), lines.size());
  inputs[0].text = inputs[0].mapping.text();
  const uint64_t middle = lines.size() / 16 * 8;
  std::vector<Chunk> ledger{
      {.begin = 0, .end = middle, .file_bytes = middle},
      {.begin = middle, .end = lines.size(), .file_bytes = lines.size() - middle}};
  constexpr size_t kTableBytes = size_t{1} << 30;
  const SharedRegion table = SharedRegion::Reserve(kTableBytes);
  CountTable::Create(table.data(), kTableBytes, /*seed=*/1);
  char* const tables[] = {table.data()};
  const SharedRegion control = SharedRegion::Reserve(ControlBlock::BytesFor(1, 0, 0));
  CountPlan plan;
  plan.format.format = Format::kLines;
  plan.inputs = inputs;
  plan.input_bytes = input_bytes;
  plan.control =
      ControlBlock::Create(control.data(), {.ledger = ledger, .mapped_chunks = ledger.size()});
  plan.tables = tables;
  plan.table_bytes = kTableBytes;
  EXPECT_TRUE(RunWorker(plan, 0));
  EXPECT_EQ(CountTable(table.data()).size(), lines.size() / 8);
  return CountTable(table.data()).capacity();
}

TEST(WorkerTest, ItsTableGrowsTowardsWhatTheRestOfTheInputNeeds) {
  constexpr uint64_t kSlots = uint64_t{1} << 20;  // after the first steps
  std::string lines;
  for (uint64_t number = 0; number < kSlots / 8 * 5 + 20'000; ++number) {
    lines += std::to_string(1'000'000 + number) + '\n';
  }
  EXPECT_EQ(CapacityAfterCounting(lines, std::nullopt), kSlots / 2 * 3);
  // Half of the second chunk, which is in hand, is taken for counted: 3/4, 1/2 or 1/4 of all.
  const auto growth_of_all = [&lines](double files) {
    const auto bytes = static_cast<uint64_t>(static_cast<double>(lines.size()) * files);
    return static_cast<double>(CapacityAfterCounting(lines, bytes)) / kSlots;
  };
  EXPECT_NEAR(growth_of_all(1), 4.0 / 3, 0.01);
  EXPECT_NEAR(growth_of_all(1.5), 2, 0.01);
  EXPECT_NEAR(growth_of_all(3), 9.0 / 4, 0.01) << "two steps at once";
}

}  // namespace
}  // namespace tally
