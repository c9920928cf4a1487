// `tally race`: runs an experiment and shows what there is to see.
#ifndef TALLY_MASTER_RACE_RACE_JOB_H_
#define TALLY_MASTER_RACE_RACE_JOB_H_

#include <string>

#include "master/options.h"

namespace tally {

/// Prints the list of experiments, or runs one and prints its report (tables for people, or JSON).
/// Throws UsageError for an unknown experiment or options that do not go with it, Interrupted on a
/// stop signal, Error where the output cannot be written.
void RunRace(const RaceOptions& options);

}  // namespace tally

#endif  // TALLY_MASTER_RACE_RACE_JOB_H_
