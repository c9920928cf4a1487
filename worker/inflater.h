// Inflating a member of a gzip file, by one of the libraries that can. Each is known to one file.
#ifndef TALLY_WORKER_INFLATER_H_
#define TALLY_WORKER_INFLATER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace tally {

/// Inflates members (RFC 1952) one after another: a header, deflated text, a checksum. All of it is
/// checked but the first bytes (1f 8b), which whoever calls has looked at.
class Inflater {
 public:
  /// What is left of the input, and of the room for text. Bytes that were taken have to stay where
  /// they are until there are more behind them: at the end of its data, an inflater may give some
  /// back.
  struct Buffers {
    const uint8_t* next_in = nullptr;
    size_t avail_in = 0;
    char* next_out = nullptr;
    size_t avail_out = 0;
  };

  enum class Status {
    kGoOn,       // more input is needed, or more room
    kMemberEnd,  // and its checksum is right
    kCorrupt,    // error() says why, and `next_in` is near the place
  };

  virtual ~Inflater() = default;

  virtual void StartMember() = 0;

  /// REQUIRES: a member was started and has not ended, and there is room. To be called until it
  /// neither takes input nor uses room: it may hold text of what it has taken. What comes before
  /// damage is handed out as if there was none; then kCorrupt comes again at each call.
  virtual Status Inflate(Buffers* buffers) = 0;

  virtual std::string_view error() const = 0;
};

enum class InflateLibrary { kIsal, kZlib };

/// Those that are built in, and there on this machine: the fastest first.
std::span<const InflateLibrary> InflateLibraries();

/// With its version.
std::string NameOf(InflateLibrary library);

/// Throws std::bad_alloc. REQUIRES: it is one of these.
std::unique_ptr<Inflater> MakeInflater(InflateLibrary library);

}  // namespace tally

#endif  // TALLY_WORKER_INFLATER_H_
