#include "master/count_output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/escape.h"
#include "common/fault_point.h"
#include "master/output.h"
#include "master/output_file.h"

namespace tally {
namespace {

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
    for (const Row& row : run) missing.erase(row.key_view());
  }
  for (const std::string_view key : missing) absent.push_back(order.MakeRow(key, 0));
  std::sort(absent.begin(), absent.end(), order);
  return absent;
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
  const auto output = RegularFileId(STDOUT_FILENO);
  if (options.output_path.empty() && output && output == RegularFileId(options.stats_path)) {
    throw UsageError(fmt::format("--stats names the file that the counts go to, {}; name another",
                                 EscapeForMessage(options.stats_path)));
  }
}

uint64_t WriteCounts(const CountOptions& options, MergedTables merged) {
  const RowOrder order(options.sort);
  const std::vector<Row> absent = AbsentRows(options, merged, order);
  merged.runs.emplace_back(absent);

  auto file = options.output_path.empty() ? std::make_unique<OutputFile>()
                                          : std::make_unique<OutputFile>(options.output_path);
  const auto writer = MakeRowWriter({.format = options.output_format,
                                     .header = options.header,
                                     .escape_controls = file->IsTerminal()},
                                    file.get());
  VisitInOrder(std::move(merged.runs), order, options.top.value_or(merged.distinct + absent.size()),
               [&writer](std::string_view key, uint64_t count) { writer->Row(key, count); });
  writer->Finish();
  TALLY_FAULT_POINT("before-commit");
  file->Commit();
  return writer->keys_replaced();
}

}  // namespace tally
