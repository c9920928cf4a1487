#include "master/stats.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "master/json.h"

namespace tally {
namespace {

std::string Quoted(const std::string& text) {
  std::string json;
  AppendJsonString(text, &json);
  return json;
}

}  // namespace

std::string FormatStats(const RunStats& stats) {
  // Written out here: the total may pass 64 bits, which JSON allows and JSON libraries do not.
  const double all_ms = stats.plan_ms + stats.map_ms + stats.merge_ms + stats.output_ms;
  return fmt::format(
      R"({{
  "version": {},
  "format": {},
  "mode": {},
  "workers": {},
  "chunks": {},
  "chunks_done": {},
  "unsafe": {},
  "updates_lost": {},
  "bytes": {},
  "records": {},
  "distinct": {},
  "total": {},
  "malformed": {},
  "keys_not_utf8": {},
  "wall_ms": {{"plan": {:.3f}, "map": {:.3f}, "merge": {:.3f}, "output": {:.3f}, "all": {:.3f}}},
  "peak_rss_kb": {{"master": {}, "workers": [{}]}}
}}
)",
      Quoted(TALLY_VERSION), Quoted(stats.format), Quoted(stats.mode), stats.workers, stats.chunks,
      stats.chunks_done, stats.unsafe, stats.updates_lost, stats.bytes, stats.records,
      stats.distinct, stats.total, stats.malformed, stats.keys_not_utf8, stats.plan_ms,
      stats.map_ms, stats.merge_ms, stats.output_ms, all_ms, stats.master_peak_rss_kb,
      fmt::join(stats.worker_peak_rss_kb, ", "));
}

}  // namespace tally
