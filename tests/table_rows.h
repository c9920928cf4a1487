// What a table holds, to be compared.
#ifndef TALLY_TESTS_TABLE_ROWS_H_
#define TALLY_TESTS_TABLE_ROWS_H_

#include <algorithm>
#include <string>
#include <vector>

#include "common/count_table.h"

namespace tally {

/// "KEY COUNT" of each key, sorted.
inline std::vector<std::string> RowsOf(const CountTable& table) {
  std::vector<std::string> rows;
  table.VisitPartition(0, 0, [&](const CountTable::Entry& entry) {
    rows.push_back(std::string(entry.key) + " " + std::to_string(entry.count));
  });
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace tally

#endif  // TALLY_TESTS_TABLE_ROWS_H_
