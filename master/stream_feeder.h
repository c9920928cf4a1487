// Reads the streams that can be read only once: pipes, and what is like them.
#ifndef TALLY_MASTER_STREAM_FEEDER_H_
#define TALLY_MASTER_STREAM_FEEDER_H_

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/control_block.h"
#include "master/executor.h"
#include "worker/stream_reader.h"
#include "worker/worker.h"

namespace tally {

/// A worker that dies takes with it what it has read, and a pipe does not give it again. So the
/// master, with which everything ends anyway, fills the blocks from these streams itself, all side
/// by side, as far as they have something to read; it waits for them where it waits for everything
/// else.
class StreamFeeder : public Feeder {
 public:
  /// Opens the streams whose reader is kFeeder. `plan` must outlive it.
  explicit StreamFeeder(const CountPlan& plan);

  std::chrono::nanoseconds AddWaits(std::vector<pollfd>* waits) override;
  void Feed() override;

  /// What could not be read, if anything: the first by position.
  const InputFailure& failure() const { return failure_; }

 private:
  struct Source {
    uint32_t stream;
    uint32_t input;
    std::optional<StreamReader> reader;
    std::optional<uint32_t> block = {};  // that is being filled,
    std::optional<Chunk> filled = {};    // or is to be published
    std::optional<Position> failed_at = {};
    bool ended = false;        // to be closed,
    bool closed = false;       // and that was done
    bool lacks_bytes = false;  // else a block, the lock, or memory, ...
    std::optional<std::chrono::steady_clock::time_point> lacks_memory_since = {};  // ... since then
  };

  bool Advance(Source* source);
  void Fill(Source* source);
  bool MayHold(Source* source, size_t bytes) const;
  void Fail(Source* source, std::string_view message, ExitStatus status = kExitFailed);

  const CountPlan& plan_;
  WorkQueue& queue_;
  std::vector<Source> sources_;
  std::chrono::steady_clock::time_point give_way_at_;
  InputFailure failure_;
};

}  // namespace tally

#endif  // TALLY_MASTER_STREAM_FEEDER_H_
