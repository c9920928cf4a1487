// Task `sleep`: waits, as for the answers of a network. Who waits needs no CPU, so here more
// workers than CPUs pay off.
#include <chrono>
#include <cstdint>
#include <thread>

#include "master/compare/items.h"
#include "master/compare/tasks.h"

namespace tally::compare {

Task SleepTask() {
  return TaskOfItems("sleep", "20 waits of 5 ms, as for answers of a network",
                     [](uint32_t /*item*/) -> uint64_t {
                       std::this_thread::sleep_for(std::chrono::milliseconds(5));
                       return 1;
                     });
}

}  // namespace tally::compare
