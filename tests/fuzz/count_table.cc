// A table holds what a std::unordered_map holds.
// Keys of any length, added at once or soon, through growth, up to where the region is full and
// beyond, and counts that overflow; with savepoints, and ways back to them.
#include "common/count_table.h"

#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "tests/fuzz/table_model.h"

namespace tally::fuzz {
namespace {

/// Numbers whose bytes, cut or followed by zeros, are a key of this size: so there are keys that
/// differ only in the zeros at their ends.
std::string KeyOf(uint64_t number, size_t size) {
  std::string key(size, '\0');
  std::memcpy(key.data(), &number, std::min(size, sizeof number));
  return key;
}

void CheckTable(FuzzedDataProvider* input) {
  const size_t region_bytes = CountTable::kMinRegionBytes
                              << input->ConsumeIntegralInRange<unsigned>(0, 3);
  const auto seed = input->ConsumeIntegral<uint64_t>();
  TableAndModel table(region_bytes, seed, /*has_undo_log=*/input->ConsumeBool());
  const auto log2_partitions =
      input->ConsumeIntegralInRange<unsigned>(0, CountTable::kMaxLog2Partitions);
  const auto log2_partitions_again =
      input->ConsumeIntegralInRange<unsigned>(0, CountTable::kMaxLog2Partitions);
  uint64_t additions = 0;
  constexpr uint64_t kMostAdditions = 3000;
  while (input->remaining_bytes() > 0 && additions < kMostAdditions) {
    const auto choice = input->ConsumeIntegral<uint8_t>();
    if (choice == 0) table.AttachAgain();
    if (choice == 1) table.Flush();
    if (choice == 2 && table.has_undo_log()) table.SetSavepoint();
    if (choice == 3 && table.has_undo_log()) table.RollBack();
    if (choice < 4) continue;
    const bool soon = (choice & 1) != 0;
    // Lengths around what fits a slot; of each 16th choice, one that fills the arena soon.
    const size_t size = choice >= 0xf0 ? 2000 : choice / 2 % 40;
    const uint64_t first = input->ConsumeIntegral<uint16_t>();
    const uint64_t count = 1 + (choice >= 0x80 ? 8 * input->ConsumeIntegral<uint8_t>() : 0);
    for (uint64_t i = 0; i < count; ++i) table.Add(KeyOf(first + i, size), soon);
    additions += count;
  }
  table.CheckAll(log2_partitions, log2_partitions_again);
}

}  // namespace
}  // namespace tally::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  tally::fuzz::CheckTable(&input);
  return 0;
}
