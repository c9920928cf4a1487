// What the workers found wrong with the inputs: malformed lines, and files that could not be read.
#ifndef TALLY_MASTER_INPUT_FINDINGS_H_
#define TALLY_MASTER_INPUT_FINDINGS_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/control_block.h"
#include "common/format.h"
#include "common/input.h"

namespace tally {

/// Read after all workers have ended; the control block and the inputs must outlive it. Says the
/// same whatever the scheduling was.
class InputFindings {
 public:
  /// `feeder_failure`: what the master itself could not read, if anything. `format_is_of`: the
  /// input whose first line has decided on the format, if one has.
  InputFindings(const ControlBlock& control, std::span<const Input> inputs,
                const InputFailure& feeder_failure, const Input* format_is_of);

  /// Throws the Error for what comes first in the inputs, if there is anything that fails the run.
  void ThrowFirstFailure(bool skip_malformed) const;

  /// How many lines were malformed.
  uint64_t malformed() const { return malformed_; }
  /// Whether these were more than the others.
  bool MostWereSkipped() const;

  /// Shows the first malformed lines, if any.
  void SayWhichWereSkipped() const;
  /// Says how many malformed lines there were, and asks whether `format` is the right one where
  /// they were most; nothing where there were none.
  void SaySkipped(Format format) const;

 private:
  std::string Describe(const MalformedLine& line) const;
  std::string Remedy(const Input& input) const;
  uint64_t LineNumber(const MalformedLine& line) const;
  uint64_t Lines() const;

  const ControlBlock& control_;
  std::span<const Input> inputs_;
  const Input* format_is_of_;
  uint64_t malformed_ = 0;
  InputFailure unreadable_;                        // the first one by position, if any
  std::vector<const MalformedLine*> first_lines_;  // in the inputs' order
};

}  // namespace tally

#endif  // TALLY_MASTER_INPUT_FINDINGS_H_
