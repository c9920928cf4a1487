#include "worker/counting_sink.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/error.h"

namespace tally {

void CountingSink::Finish() {
  counts_->Flush(
      [this](CountTable::AddResult result, std::string_view key) { return Fail(result, key); });
}

// With a key among them that may be too long.
template <class Item>
bool CountingSink::AddEach(std::span<const Item> items) {
  for (const Item& item : items) {
    const bool go_on = KeySizeOf(item) > kMaxKeyBytes
                           ? RejectLongKey(item.key_view())
                           : AddShorter(std::span(&item, 1),
                                        {.records = RecordsOf(item), .amount = AmountOf(item)});
    if (!go_on) return false;
  }
  return true;
}

template bool CountingSink::AddEach(std::span<const Record> items);
template bool CountingSink::AddEach(std::span<const Token> items);

bool CountingSink::RejectLongKey(std::string_view key) {
  const bool has_lines = plan_.format.format != Format::kWords;
  if (has_lines) {
    lines_before_ += static_cast<uint64_t>(std::count(counted_to_, key.data(), '\n'));
    counted_to_ = key.data();
  }
  return Reject(
      {.line = key, .line_in_text = lines_before_, .reason = "the key is longer than 1 MiB"},
      has_lines);
}

bool CountingSink::Reject(const BadLine& bad, bool has_line_number) {
  MalformedLine line;
  line.position = {.input = chunk_.input,
                   .offset = chunk_.begin + static_cast<uint64_t>(bad.line.data() - text_)};
  line.chunk = chunk_number_;
  line.line_in_chunk = bad.line_in_text;
  line.has_line_number = has_line_number;
  line.size_bytes = bad.line.size();
  line.text.Set(bad.line);
  line.reason.Set(bad.reason);
  // A worker's chunks come in the inputs' order but for streams, so this is nearly always an
  // append.
  auto& samples = report_->samples;
  size_t at = report_->samples_used();
  if (at == samples.size() && line.position < samples.back().position) --at;
  ++report_->malformed;
  if (at < samples.size()) {
    for (; at > 0 && line.position < samples[at - 1].position; --at) samples[at] = samples[at - 1];
    samples[at] = line;
  }
  if (!plan_.skip_malformed) plan_.control->queue().FailAt(line.position);
  return plan_.skip_malformed;
}

bool CountingSink::Fail(CountTable::AddResult result, std::string_view key) {
  if (result == CountTable::AddResult::kOverflow) {
    // The run fails, but what comes first in the inputs, or first among such keys, is to be told.
    report_->overflowed.Note(key);
    return true;
  }
  failed_ = true;
  report_->fatal_status = kExitMemory;
  if (result == CountTable::AddResult::kRefused) {
    const MemoryBudget& memory = plan_.control->memory();
    const uint64_t for_blocks = plan_.blocks->count * plan_.blocks->target_bytes;
    report_->fatal.Set(fmt::format(
        "out of memory: {} take {} and would grow to more than they may take, {} in all{} ({})",
        for_blocks == 0 ? "the tables" : "tables and long records",
        FormatMemory(memory.taken_bytes()), FormatMemory(memory.limit_bytes()),
        for_blocks == 0 ? ""
                        : fmt::format(", beside {} for the text of pipes and compressed files",
                                      FormatMemory(for_blocks)),
        plan_.memory_remedy));
  } else {
    report_->fatal.Set(
        fmt::format("a worker's table is full: {} keys fill the {} KiB that it may have; {}",
                    counts_->table().size(), counts_->table().region_bytes() >> 10,
                    AddressSpaceRemedy(plan_.tables.size())));
  }
  return false;
}

}  // namespace tally
