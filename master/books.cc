#include "master/books.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "common/error.h"
#include "common/escape.h"

namespace tally {
namespace {

[[noreturn]] void Fail(const std::string& what) {
  throw BooksDoNotBalance("a bug in tally: " + what +
                          "; nothing was written. Please report it, with the command");
}

}  // namespace

void CheckThatAllWasCounted(const WorkQueue& queue, std::span<const Input> inputs) {
  // The chunks of each input come in the order of its text.
  std::vector<uint64_t> counted_to(inputs.size());
  uint64_t number = 0;
  for (const Chunk& chunk : queue.ledger()) {
    ++number;
    if (chunk.owner == kNobody || chunk.done == 0) {
      Fail(fmt::format("chunk {} was not counted", number));
    }
    if (chunk.begin != counted_to[chunk.input] || chunk.end <= chunk.begin) {
      Fail(fmt::format("chunk {} begins at byte {} of {}, the one before ended at {}", number,
                       chunk.begin, EscapeForMessage(inputs[chunk.input].name),
                       counted_to[chunk.input]));
    }
    counted_to[chunk.input] = chunk.end;
  }
  for (size_t input = 0; input < inputs.size(); ++input) {
    if (inputs[input].is_stream() || counted_to[input] == inputs[input].text->size()) continue;
    Fail(fmt::format("{} bytes of {} were counted, but it has {}", counted_to[input],
                     EscapeForMessage(inputs[input].name), inputs[input].text->size()));
  }
  for (const Stream& stream : queue.streams()) {
    const Input& input = inputs[stream.input];
    if (!stream.ended || stream.published != counted_to[stream.input]) {
      Fail(fmt::format("{} was read up to byte {} and counted up to {}",
                       EscapeForMessage(input.name), stream.published, counted_to[stream.input]));
    }
    if (stream.text_bytes_read != counted_to[stream.input]) {
      Fail(fmt::format("{} bytes were read of {}, and {} counted", stream.text_bytes_read,
                       EscapeForMessage(input.name), counted_to[stream.input]));
    }
    if (input.size_known && stream.file_bytes_read != input.file_bytes) {
      Fail(fmt::format("{} bytes of the file {} were read, but it has {}", stream.file_bytes_read,
                       EscapeForMessage(input.name), input.file_bytes));
    }
  }
}

void CheckShares(const WorkQueue& queue, const WorkDone& shares) {
  WorkDone done;
  for (const Chunk& chunk : queue.ledger()) {
    done = done + WorkDone{.chunks = 1,
                           .text_bytes = chunk.size_bytes(),
                           .file_bytes = chunk.file_bytes,
                           .records = chunk.count.records};
  }
  if (done.chunks != shares.chunks || done.text_bytes != shares.text_bytes ||
      done.records != shares.records) {
    Fail(
        fmt::format("the ledger has {} chunks with {} bytes and {} records, the workers have "
                    "counted {} with {} and {}",
                    done.chunks, done.text_bytes, done.records, shares.chunks, shares.text_bytes,
                    shares.records));
  }
}

void CheckTotal(const WorkQueue& queue, uint128 total) {
  uint64_t amount = 0;
  for (const Chunk& chunk : queue.ledger()) amount += chunk.count.amount;
  // The ledger keeps 64 bits of it.
  if (amount != static_cast<uint64_t>(total)) {
    Fail(fmt::format("{} was counted, {} is in the tables, both modulo 2^64", amount,
                     static_cast<uint64_t>(total)));
  }
}

}  // namespace tally
