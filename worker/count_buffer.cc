#include "worker/count_buffer.h"

// As worker/delimiter_scanner.cc, this file is compiled once for each instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "worker/count_buffer.cc"
#include <hwy/foreach_target.h>
// (foreach_target.h comes before highway.h.)
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tally {
namespace HWY_NAMESPACE {

// There is nothing to be done by hand here: what the table has inline is compiled into these
// functions once more, and keys are copied, hashed and compared by wider instructions where there
// are any.
void PrepareAll(const CountTable& table, std::span<const Record> records,
                CountTable::Addition* additions) {
  for (const Record& record : records) {
    table.Prepare(record.key_view(), record.amount, additions);
    table.Prefetch(*additions++);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tally
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tally {

HWY_EXPORT(PrepareAll);

void PrepareAll(const CountTable& table, std::span<const Record> records,
                CountTable::Addition* additions) {
  HWY_DYNAMIC_DISPATCH(PrepareAll)(table, records, additions);
}

}  // namespace tally
#endif  // HWY_ONCE
