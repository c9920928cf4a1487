// Text that several threads make, and one writes in order.
#ifndef TALLY_MASTER_ORDERED_PIPELINE_H_
#define TALLY_MASTER_ORDERED_PIPELINE_H_

#include <cstdint>
#include <functional>

#include "master/output.h"

namespace tally {

/// Makes the text of one part, by one or more Write()s to `text`, which may throw. Called by any
/// thread, for different parts at the same time.
using MakePart = std::function<void(uint64_t part, ByteSink* text)>;

/// Has parts 0 to parts - 1 made by `threads` threads, and writes them to `out` in this order, from
/// the calling thread: no other one meets signals, or errors of `out`. A thread that is ahead
/// waits, so that there is never much more than 1 MiB of text a thread. Without a thread (one is
/// asked for, or none can be had) the calling one makes the parts, too. Throws what `out` and
/// make_part() throw, with all threads ended.
void WriteInOrder(uint64_t parts, uint32_t threads, const MakePart& make_part, ByteSink* out);

}  // namespace tally

#endif  // TALLY_MASTER_ORDERED_PIPELINE_H_
