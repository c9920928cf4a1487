// `tally compare`: serial, threads and processes side by side, on the same tasks.
#ifndef TALLY_MASTER_COMPARE_COMPARE_JOB_H_
#define TALLY_MASTER_COMPARE_COMPARE_JOB_H_

#include "master/options.h"

namespace tally::compare {

/// Prints each task's table as it is done, or JSON at the end. False: something failed, or results
/// differ; standard error has said what. Throws UsageError for options that do not go together,
/// Interrupted on a stop signal, Error where a file cannot be read or the output not written.
bool RunCompare(const CompareOptions& options);

}  // namespace tally::compare

#endif  // TALLY_MASTER_COMPARE_COMPARE_JOB_H_
