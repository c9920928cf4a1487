// `tally count`, from options to output.
//
// The protocol of a run, told once:
//   1. Plan      The master opens every input, maps the plain files, settles the format, and cuts
//                what is mapped into chunks that end where records do.
//   2. Allocate  What the workers share is mapped before they are started and has no name: the
//                control block, the ledger of chunks, a table for each, blocks for streams. From
//                here on the master touches neither mapped inputs nor tables, until all workers
//                have exited.
//   3. Map       Each worker claims a chunk under the queue's lock, which notes it in the ledger as
//                that worker's; counts it into its own table, which nobody else writes; and says
//                that it is done, to the queue and, under a lock of its own, to the progress.
//                Compressed files have a reader among the workers (common/work_queue.h). The
//                master waits, shows the progress, reads pipes, puts another worker in the place of
//                one that dies, and stops everyone when a signal comes. At the end it checks that
//                each file is still the one that was opened, and that all of it was counted.
//   4. Merge     Once all workers have exited, the tables are merged by partitions of the hash, by
//                as many workers again.
//   5. Write     The master merges the sorted partitions into the output. Nothing was written
//                before this point, so a run that fails leaves no output.
#ifndef TALLY_MASTER_COUNT_JOB_H_
#define TALLY_MASTER_COUNT_JOB_H_

#include "master/executor.h"
#include "master/options.h"

namespace tally {

/// Does all of it. Throws an Error where the run fails, UsageError where options and inputs do not
/// go together, Interrupted on a stop signal.
void RunCount(const CountOptions& options, Executor* executor);

}  // namespace tally

#endif  // TALLY_MASTER_COUNT_JOB_H_
