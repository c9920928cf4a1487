#include "master/count_output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/escape.h"
#include "common/fault_point.h"
#include "master/ordered_pipeline.h"
#include "master/output.h"
#include "master/output_file.h"

namespace tally {
namespace {

static_assert(RowWriter::kReadableKeyBytes <= Row::kMostInlineBytes,
              "RowKeys are what is handed to a RowWriter");

void RefuseToOverwriteInputs(const CountOptions& options) {
  if (options.output_path.empty()) {
    RefuseToOverwrite(RegularFileId(STDOUT_FILENO), "standard output", options.files);
  } else {
    RefuseToOverwrite(options.output_path, options.files);
  }
  if (!options.stats_path.empty()) RefuseToOverwrite(options.stats_path, options.files);
}

// Rows for the keys to --find that do not occur.
std::vector<Row> AbsentRows(const CountOptions& options, const MergedTables& merged,
                            const RowOrder& order) {
  std::vector<Row> absent;
  if (options.find.empty() || options.min_count > 0) return absent;
  std::unordered_set<std::string_view> missing(options.find.begin(), options.find.end());
  for (const auto& run : merged.runs) {
    for (const Row& row : run) missing.erase(RowKey(row).view());
  }
  for (const std::string_view key : missing) absent.push_back(MakeRow(key, 0));
  std::sort(absent.begin(), absent.end(), order);
  return absent;
}

// Rows that are written one after the other.
struct Part {
  std::vector<RowRun> runs;
  uint64_t rows;
};

// There is at least one, and only where it is the only one may it be empty.
std::vector<Part> PartsOf(std::span<const RowRun> runs, const RowOrder& order,
                          std::optional<uint64_t> top) {
  // Some hundreds of kilobytes of text: worth a thread's while, and short enough that threads end
  // together.
  constexpr uint64_t kRowsPerPart = 16384;
  uint64_t rows_left = top.value_or(std::numeric_limits<uint64_t>::max());
  std::vector<Part> parts;
  for (std::vector<RowRun>& part_runs : SplitIntoParts(runs, order, kRowsPerPart)) {
    uint64_t rows = 0;
    for (const RowRun& run : part_runs) rows += run.size();
    rows = std::min(rows, rows_left);
    rows_left -= rows;
    parts.push_back({.runs = std::move(part_runs), .rows = rows});
    if (rows_left == 0) break;
  }
  return parts;
}

}  // namespace

void CheckOutputs(const CountOptions& options) {
  RefuseToOverwriteInputs(options);
  if (options.output_path.empty()) {
    const OutputFile standard_output;  // throws where it is closed
  } else {
    OutputFile::CheckTarget(options.output_path);
  }
  if (options.stats_path.empty()) return;
  OutputFile::CheckTarget(options.stats_path);
  if (options.output_path.empty()) {
    RefuseToShareStandardOutput(options.stats_path, "--stats", "the counts go");
  }
}

uint64_t WriteCounts(const CountOptions& options, const MergedTables& merged, uint32_t threads) {
  const RowOrder order(options.sort);
  const std::vector<Row> absent = AbsentRows(options, merged, order);
  std::vector<RowRun> runs = merged.runs;
  runs.emplace_back(absent);
  const std::vector<Part> parts = PartsOf(runs, order, options.top);

  auto file = options.output_path.empty() ? std::make_unique<OutputFile>()
                                          : std::make_unique<OutputFile>(options.output_path);
  const OutputStyle style{.format = options.output_format,
                          .header = options.header,
                          .escape_controls = file->IsTerminal()};
  std::atomic<uint64_t> keys_replaced = 0;
  const auto make_part = [&](uint64_t number, ByteSink* text) {
    OutputStyle part_style = style;
    part_style.begins = number == 0;
    part_style.ends = number + 1 == parts.size();
    const auto writer = MakeRowWriter(part_style, text);
    const Part& part = parts[number];
    VisitInOrder(part.runs, order, part.rows,
                 [&writer](std::string_view key, uint64_t count) { writer->Row(key, count); });
    writer->Finish();
    keys_replaced += writer->keys_replaced();
  };
  WriteInOrder(parts.size(), threads, make_part, file.get());
  TALLY_FAULT_POINT("before-commit");
  file->Commit();
  return keys_replaced;
}

}  // namespace tally
