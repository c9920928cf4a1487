#include "master/executor.h"

#include "master/process_executor.h"
#include "master/serial_executor.h"
#include "master/thread_executor.h"

namespace tally {

std::unique_ptr<Executor> MakeExecutor(ExecutionMode mode) {
  switch (mode) {
    case ExecutionMode::kProcess:
      return std::make_unique<ProcessExecutor>();
    case ExecutionMode::kThread:
      return std::make_unique<ThreadExecutor>();
    case ExecutionMode::kSerial:
      return std::make_unique<SerialExecutor>();
  }
  return nullptr;
}

}  // namespace tally
