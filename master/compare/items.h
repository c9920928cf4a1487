// Tasks that are made of items, which workers take one by one.
#ifndef TALLY_MASTER_COMPARE_ITEMS_H_
#define TALLY_MASTER_COMPARE_ITEMS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "master/compare/task.h"

namespace tally::compare {

/// The classic number of them.
constexpr uint32_t kItems = 20;

/// Does an item, 0-based, and returns its result. May throw: that item has failed then, and the
/// others are done all the same.
using DoItem = std::function<uint64_t(uint32_t item)>;

/// Has all kItems done: whoever is free takes the next one. The result is the sum of theirs.
Result HandOut(const DoItem& do_item, const Launch& launch);

/// The task of handing out kItems of them.
Task TaskOfItems(std::string name, std::string summary, DoItem do_item);

}  // namespace tally::compare

#endif  // TALLY_MASTER_COMPARE_ITEMS_H_
