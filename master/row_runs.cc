#include "master/row_runs.h"

#include <algorithm>
#include <cstring>

namespace tally {

Row MakeRow(std::string_view key, uint64_t count) {
  CountTable::Entry entry{.key = key, .first_bytes = {}, .count = count, .hash = 0};
  std::memcpy(&entry.first_bytes, key.data(), std::min(key.size(), sizeof entry.first_bytes));
  return MakeRow(entry);
}

// By the rows that are found at equal distances in each run: a part gets so many of these samples,
// and is off by less than a distance for each run.
std::vector<std::vector<RowRun>> SplitIntoParts(std::span<const RowRun> runs, const RowOrder& order,
                                                uint64_t rows_per_part) {
  constexpr uint64_t kSamplesPerPart = 16;
  const uint64_t distance = std::max<uint64_t>(1, rows_per_part / kSamplesPerPart);
  std::vector<Row> samples;
  for (const RowRun& run : runs) {
    for (uint64_t i = distance - 1; i < run.size(); i += distance) samples.push_back(run[i]);
  }
  std::sort(samples.begin(), samples.end(), order);

  std::vector<RowRun> rest(runs.begin(), runs.end());
  std::vector<std::vector<RowRun>> parts;
  for (uint64_t i = kSamplesPerPart; i + kSamplesPerPart <= samples.size(); i += kSamplesPerPart) {
    std::vector<RowRun>& part = parts.emplace_back();
    for (RowRun& run : rest) {
      const auto end = std::lower_bound(run.begin(), run.end(), samples[i], order);
      const auto size = static_cast<size_t>(end - run.begin());
      part.push_back(run.first(size));
      run = run.subspan(size);
    }
  }
  parts.push_back(std::move(rest));
  return parts;
}

}  // namespace tally
