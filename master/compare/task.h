// What a task is: work that a serial program, threads and processes can all do, so that they can be
// compared.
#ifndef TALLY_MASTER_COMPARE_TASK_H_
#define TALLY_MASTER_COMPARE_TASK_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "master/executor.h"

namespace tally::compare {

/// Told by a worker, in its own process or thread, as it is done with an item (0-based): the result
/// of it, or why it failed.
using OnItem = std::function<void(uint32_t worker, uint32_t item, const std::string& outcome)>;

/// Who is to do it.
struct Launch {
  ExecutionMode mode;
  uint32_t workers;  // 1 where the mode is serial
  Executor* executor;
  OnItem on_item = {};  // none: nobody listens
};

/// What came out of it.
struct Result {
  std::string text;                 // the same from everybody, or somebody is wrong
  std::vector<std::string> errors;  // of items that failed, each named
};

/// What its figures are to say.
enum class Question {
  kSpeedUp,     // how much faster are several workers?
  kCostOfItem,  // what does one item cost, each way?
};

struct Task {
  std::string name;
  std::string summary;  // one line
  /// Does it once. Called in a process of its own, whose standard streams, memory and signals are
  /// its to change. Throws where it cannot be done at all.
  std::function<Result(const Launch&)> run;

  uint32_t items = 1;
  Question question = Question::kSpeedUp;
  std::chrono::milliseconds deadline = std::chrono::minutes(1);  // of one run
  std::string not_shown = {};  // a sentence: what nobody should conclude from it
};

}  // namespace tally::compare

#endif  // TALLY_MASTER_COMPARE_TASK_H_
