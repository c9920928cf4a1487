// How a structure in shared memory gets back to where it was, whatever its writer died of.
#ifndef TALLY_COMMON_UNDO_LOG_H_
#define TALLY_COMMON_UNDO_LOG_H_

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "common/store_order.h"

namespace tally {

/// What an array's items, and a State beside them, were at a savepoint. (An undo log, as SQLite's
/// rollback journal is one of pages: https://www.sqlite.org/atomiccommit.html)
///
/// The owner of the array notes each item before it changes it for the first time since the
/// savepoint; it knows the first time by epoch(), which it leaves in the item. To go back, it takes
/// back all changes, by Visit(), and then calls Forget(). The writer may be killed between any two
/// instructions, of Forget() as well: going back can always be done once more.
///
/// In one region of zeroed shared memory. One writer; an UndoLog object is attached by whoever is
/// it now.
template <class Item, class State>
class UndoLog {
 public:
  static constexpr uint32_t kEpochs = 1 << 11;  // 1 to kEpochs - 1, and again

  /// The log in `region`; with nullptr, one that keeps nothing.
  UndoLog(char* region, size_t region_bytes)
      : region_(region),
        header_(reinterpret_cast<Header*>(region)),
        entries_(region ? reinterpret_cast<Entry*>(region + kEntriesOffset) : nullptr),
        region_bytes_(region_bytes) {}

  bool is_there() const { return header_ != nullptr; }
  /// Of the changes since the last savepoint; 0 without a log.
  uint32_t epoch() const { return is_there() ? header_->epoch : 0; }
  const State& state() const { return header_->state; }
  /// Whether the items that are not in the log were all empty at the savepoint.
  bool is_complete() const { return header_->complete; }

  /// So much memory it takes once there are `more` entries.
  uint64_t BytesWith(uint64_t more) const {
    if (!is_there()) return 0;
    return std::max(kept_bytes_, kEntriesOffset + (header_->entries + more) * sizeof(Entry));
  }

  /// Whether the next epoch is the first one again. No item may have one from before then.
  bool epochs_end() const { return header_->epoch + 1 == kEpochs; }

  /// Where the array is now is where to go back to. Killed in here, the writer leaves neither this
  /// savepoint nor the last one: whoever comes next sets it once more, with the array as it is.
  void SetSavepoint(const State& state) {
    header_->state = state;
    Forget();
    header_->epoch = epochs_end() ? 1 : header_->epoch + 1;
    InThisOrder();
  }

  /// Whether changes are to be noted: not before the first savepoint, nor once the log is complete.
  bool is_wanted() const { return epoch() != 0 && !is_complete(); }
  /// Number of entries.
  uint64_t size() const { return header_->entries; }

  /// Room for entries is made beforehand, by whoever knows how much memory there is. Forget() and
  /// SetComplete() take it back.
  bool has_room() const { return next_ != room_end_; }
  void MakeRoom(uint64_t entries) {
    next_ = entries_ + header_->entries;
    room_end_ = next_ + entries;
  }

  /// REQUIRES: has_room(), and the item was not noted since the savepoint.
  void Note(uint64_t index, const Item& before) {
    *next_ = {.index = index, .before = before};
    InThisOrder();
    ++next_;
    ++header_->entries;
    InThisOrder();
  }

  /// All items are noted that were not empty; what comes is not noted any more.
  void SetComplete() {
    next_ = room_end_;
    header_->complete = true;
    InThisOrder();
  }

  /// Calls visit(index, before) for each item noted.
  template <class Visitor>
  void Visit(Visitor&& visit) const {
    for (const Entry* entry = entries_; entry != entries_ + header_->entries; ++entry) {
      visit(entry->index, entry->before);
    }
  }

  /// The array is where it was at the savepoint.
  void Forget() {
    InThisOrder();
    header_->complete = false;
    InThisOrder();
    kept_bytes_ = BytesWith(0);
    next_ = room_end_;
    header_->entries = 0;
    InThisOrder();
    if (kept_bytes_ <= kMostKeptBytes) return;
    // So much is not needed soon again.
    (void)madvise(region_ + kMostKeptBytes, region_bytes_ - kMostKeptBytes, MADV_REMOVE);
    kept_bytes_ = kMostKeptBytes;
  }

 private:
  static constexpr uint64_t kMostKeptBytes = uint64_t{16} << 20;

  struct Header {
    uint64_t entries;
    State state;
    uint32_t epoch;
    bool complete;
  };
  struct Entry {
    uint64_t index;
    Item before;
  };
  static constexpr size_t kEntriesOffset = 128;
  static_assert(sizeof(Header) <= kEntriesOffset);
  static_assert(std::is_trivially_copyable_v<Entry> && std::is_trivially_copyable_v<State>);

  char* region_;
  Header* header_;
  Entry* entries_;
  size_t region_bytes_;
  uint64_t kept_bytes_ = 0;  // of memory that was touched, but for what comes now
  Entry* next_ = nullptr;
  Entry* room_end_ = nullptr;
};

}  // namespace tally

#endif  // TALLY_COMMON_UNDO_LOG_H_
