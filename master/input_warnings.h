// What a person should know of the inputs, though they can be counted.
#ifndef TALLY_MASTER_INPUT_WARNINGS_H_
#define TALLY_MASTER_INPUT_WARNINGS_H_

#include <span>
#include <string>
#include <vector>

#include "common/input.h"

namespace tally {

// Each is about the first such input, opened from these paths (once is enough: they come by the
// dozen), or empty. For the master.

/// What hardly anybody wants to have counted as it is: UTF-16, and other compressions than gzip,
/// also inside of the first gzip input.
std::string WarningOfForeignFormat(std::span<const Input> inputs,
                                   const std::vector<std::string>& paths);

/// N-grams among the first lines of an input whose own first line is none: perhaps a header, or
/// damage. Of a stream only what is read already is looked at.
std::string WarningOfNgramsBehind(const Input& input);

/// A plain file that is read, which is slower.
std::string NoteOfUnmapped(std::span<const Input> inputs);

/// Once all is counted: a file whose text may have changed, though ThrowIfChanged() cannot tell. No
/// error, since it is mostly a label that somebody set, and the work may have taken hours.
std::string WarningOfTouched(std::span<const Input> inputs, const std::vector<std::string>& paths);

}  // namespace tally

#endif  // TALLY_MASTER_INPUT_WARNINGS_H_
