// Input that cannot be mapped, as one stream of bytes: pipes, terminals, /proc files.
#ifndef TALLY_WORKER_BYTE_SOURCE_H_
#define TALLY_WORKER_BYTE_SOURCE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/unique_fd.h"

namespace tally {

/// A stream that is read once, from front to end. Used by one thread or process at a time.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  /// Reads up to `capacity_bytes` (> 0) into `buffer` and returns how many; 0 only at the end.
  /// Throws an Error that names the file, the byte offset in it and the reason; the same one again
  /// if called again.
  virtual size_t Read(char* buffer, size_t capacity_bytes) = 0;

  /// Bytes of the file (compressed, where it is) consumed so far: for progress.
  virtual uint64_t file_bytes_consumed() const = 0;

  /// What messages call a byte of what Read() returns, where that is not one of the file.
  virtual std::string_view byte_name() const { return "byte"; }
};

/// What is done when bytes are long in coming.
struct Patience {
  /// Called, where given, each time `each` has passed without any, and when a signal arrives. May
  /// throw to give up; Read() can be called again then.
  std::function<void()> while_waiting = {};
  std::chrono::milliseconds each{100};
};

/// What messages say of a place in a file.
struct PlaceOf {
  uint64_t first_byte = 0;     // what was read of it before,
  bool is_compressed = false;  // and whether other bytes come of these
};

/// The raw bytes of a file descriptor. `name` is for messages.
std::unique_ptr<ByteSource> MakeDescriptorSource(UniqueFd fd, std::string name,
                                                 Patience patience = {}, PlaceOf place = {});

/// First `prefix`, then the rest of `source`: puts back what was read to look at it. A null
/// `source` has nothing left.
std::unique_ptr<ByteSource> MakePrefixedSource(std::string prefix,
                                               std::unique_ptr<ByteSource> source);

}  // namespace tally

#endif  // TALLY_WORKER_BYTE_SOURCE_H_
