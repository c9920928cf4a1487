// The experiments, one file each, and what they have in common. To add one: write its file, declare
// it here, and give it a line in the list of experiments.cc.
#ifndef TALLY_MASTER_RACE_EXPERIMENTS_H_
#define TALLY_MASTER_RACE_EXPERIMENTS_H_

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "master/race/experiment.h"

namespace tally::race {

Report RunLostUpdate(const Setup& setup);
Report RunArray(const Setup& setup);
Report RunCheckThenAct(const Setup& setup);
Report RunSharedTable(const Setup& setup);
Report RunTornRead(const Setup& setup);
Report RunDeadlock(const Setup& setup);
Report RunFalseSharing(const Setup& setup);
Report RunKilledHolder(const Setup& setup);

/// A row of the table: what is missing of `expected` is lost. `trial` gives the speed; of one that
/// hit its deadline nobody knows what is lost and what was still to come, and the note says so.
Variant MakeVariant(std::string name, uint64_t expected, uint64_t actual, const Crew::Trial& trial,
                    std::string note = {});

/// How many rounds of each worker to note at most: all of them fit a ring.
constexpr uint64_t kRecordedRounds = EventRing::kCapacity / 4;

/// Calls `record` until `find` finds evidence in its events, but not for ever, and puts both into
/// the report.
void Capture(const Setup& setup, const std::function<std::vector<WorkerEvent>()>& record,
             std::optional<Evidence> (*find)(std::span<const WorkerEvent> events), Report* report);

}  // namespace tally::race

#endif  // TALLY_MASTER_RACE_EXPERIMENTS_H_
