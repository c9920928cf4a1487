#include "master/input_findings.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/error.h"
#include "common/escape.h"
#include "master/messages.h"

namespace tally {
InputFindings::InputFindings(const ControlBlock& control, std::span<const Input> inputs,
                             const InputFailure& feeder_failure, const Input* format_is_of)
    : control_(control), inputs_(inputs), format_is_of_(format_is_of), unreadable_(feeder_failure) {
  for (const WorkerReport& report : control.reports()) {
    unreadable_.NoteFirst(report.input_failure.position, report.input_failure.message.view(),
                          report.input_failure.exit_status);
    malformed_ += report.malformed;
    for (size_t i = 0; i < report.samples_used(); ++i) first_lines_.push_back(&report.samples[i]);
  }
  std::sort(first_lines_.begin(), first_lines_.end(),
            [](const auto* a, const auto* b) { return a->position < b->position; });
  if (first_lines_.size() > WorkerReport::kSamples) first_lines_.resize(WorkerReport::kSamples);
}

void InputFindings::ThrowFirstFailure(bool skip_malformed) const {
  if (!skip_malformed && !first_lines_.empty()) {
    const MalformedLine& line = *first_lines_.front();
    if (line.position < unreadable_.position) {
      throw Error(Describe(line) + Remedy(inputs_[line.position.input]));
    }
  }
  if (!unreadable_.message.empty()) {
    throw Error(std::string(unreadable_.message.view()), unreadable_.exit_status);
  }
}

void InputFindings::SayWhichWereSkipped() const {
  for (const MalformedLine* line : first_lines_) {
    Say(fmt::format("skipped: {}", Describe(*line)));
  }
}

bool InputFindings::MostWereSkipped() const { return malformed_ > 0 && 2 * malformed_ > Lines(); }

void InputFindings::SaySkipped(Format format) const {
  if (malformed_ == 0) return;
  std::string doubt;
  if (MostWereSkipped()) {
    const uint64_t lines = Lines();
    doubt = fmt::format(
        "{}: {}?",
        malformed_ == lines ? ", and there was no other" : fmt::format(", of {} in all", lines),
        format == Format::kColumns ? "are these the right columns (-d, -k, -v)"
                                   : "is this the right format (-f)");
  }
  Say(fmt::format("{} malformed line{} skipped{}", malformed_, malformed_ == 1 ? "" : "s", doubt));
}

uint64_t InputFindings::Lines() const {
  uint64_t lines = 0;
  for (const Chunk& chunk : control_.queue().ledger()) lines += chunk.count.lines;
  return lines;
}

std::string InputFindings::Describe(const MalformedLine& line) const {
  std::string place = EscapeForMessage(inputs_[line.position.input].name);
  if (line.has_line_number) place += fmt::format(": line {}", LineNumber(line));
  std::string text = EscapeForMessage(line.text.view(), kShownBytes);
  if (line.size_bytes > line.text.view().size() && !text.ends_with("...")) text += "...";
  return fmt::format("{}: byte {}: {}: \"{}\"", place, line.position.offset, line.reason.view(),
                     text);
}

std::string InputFindings::Remedy(const Input& input) const {
  std::string remedy;
  if (format_is_of_ != nullptr && format_is_of_ != &input) {
    remedy = fmt::format("; the first line of {} chose the format, and -f may choose another",
                         EscapeForMessage(format_is_of_->name));
  }
  // Of damaged gzip data, what comes before the end of a member was not checked yet, and to do that
  // now could take hours.
  return remedy + (input.gzip ? "; that place is in the decompressed data; if 'gzip -t' finds no "
                                "damage, --skip-malformed counts the rest"
                              : "; --skip-malformed counts the rest");
}

// All chunks before the line's own are done: the workers finish what comes before a failure.
uint64_t InputFindings::LineNumber(const MalformedLine& line) const {
  uint64_t number = 1 + line.line_in_chunk;
  for (const Chunk& chunk : control_.queue().ledger()) {
    const bool before = chunk.input == line.position.input &&
                        chunk.begin < control_.queue().ledger()[line.chunk].begin;
    if (before) number += chunk.count.lines;
  }
  return number;
}

}  // namespace tally
