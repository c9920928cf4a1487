#include "master/compare/items.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "common/fixed_text.h"
#include "common/shared_value.h"
#include "common/uint128.h"
#include "master/worker_failure.h"

namespace tally::compare {
namespace {

// What the workers share. Each item is written by the one worker that took it.
struct Board {
  struct Item {
    uint64_t result = 0;
    FixedText<512> error;
  };
  std::atomic<uint32_t> next{0};
  std::array<Item, kItems> items;
};

std::string DoAndNote(const DoItem& do_item, uint32_t item, Board::Item* note) {
  try {
    note->result = do_item(item);
    return std::to_string(note->result);
  } catch (const std::exception& error) {
    note->error.Set(error.what());
    return error.what();
  }
}

}  // namespace

Result HandOut(const DoItem& do_item, const Launch& launch) {
  const SharedValue<Board> board;
  const auto outcomes = launch.executor->Run(launch.workers, [&](uint32_t worker) {
    for (uint32_t item; (item = board->next.fetch_add(1)) < kItems;) {
      const std::string outcome = DoAndNote(do_item, item, &board->items[item]);
      if (launch.on_item) launch.on_item(worker, item, outcome);
    }
    return true;
  });
  ThrowIfWorkerDied(outcomes, [](uint32_t) { return "at work on an item"; });

  Result result;
  uint128 sum = 0;
  for (uint32_t item = 0; item < kItems; ++item) {
    const auto& [number, error] = board->items[item];
    sum += number;
    if (error.empty()) continue;
    result.errors.push_back(fmt::format("item {} of {}: {}", item + 1, kItems, error.view()));
  }
  result.text = fmt::format("{}", sum);
  return result;
}

Task TaskOfItems(std::string name, std::string summary, DoItem do_item) {
  return {.name = std::move(name),
          .summary = std::move(summary),
          .run = [do_item = std::move(do_item)](
                     const Launch& launch) { return HandOut(do_item, launch); },
          .items = kItems};
}

}  // namespace tally::compare
