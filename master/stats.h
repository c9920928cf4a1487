// What a run says about itself in --stats.
#ifndef TALLY_MASTER_STATS_H_
#define TALLY_MASTER_STATS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "common/uint128.h"

namespace tally {

struct RunStats {
  std::string format;
  std::string mode;
  uint32_t workers = 0;
  uint64_t chunks = 0;
  uint64_t chunks_done = 0;    // as the progress counter has it,
  bool unsafe = false;         // which had no lock
  uint64_t updates_lost = 0;   // and so lost these
  uint64_t bytes = 0;          // of text, decompressed
  uint64_t records = 0;        // added to a count: rows, words or lines
  uint64_t distinct = 0;       // keys, before --top, --min-count and --find
  uint128 total = 0;           // of all counts, before these too
  uint64_t malformed = 0;      // lines skipped
  uint64_t keys_not_utf8 = 0;  // keys that json output could only show with U+FFFD
  double plan_ms = 0;
  double map_ms = 0;
  double merge_ms = 0;
  double output_ms = 0;
  long master_peak_rss_kb = 0;
  std::vector<long> worker_peak_rss_kb;
};

/// One JSON object and a newline.
std::string FormatStats(const RunStats& stats);

}  // namespace tally

#endif  // TALLY_MASTER_STATS_H_
