// A count table beside a std::unordered_map of how often each key was added.
#ifndef TALLY_TESTS_FUZZ_TABLE_MODEL_H_
#define TALLY_TESTS_FUZZ_TABLE_MODEL_H_

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/count_table.h"
#include "tests/fuzz/check.h"
#include "worker/count_buffer.h"

namespace tally::fuzz {

/// Always the same for a key, so that the count tells how often it was added.
inline uint64_t AmountOf(std::string_view key) {
  static constexpr uint64_t kAmounts[] = {1, 7, 0, uint64_t{1} << 62, ~uint64_t{0}};
  const auto choice = key.size() % 8;
  return choice < std::size(kAmounts) ? kAmounts[choice] : key.size();
}

struct KeyHash {
  using is_transparent = void;
  size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
};

/// A table, and what was added to it.
class TableAndModel {
 public:
  TableAndModel(size_t region_bytes, uint64_t seed, bool has_undo_log)
      : region_(ZeroedRegion<0>(region_bytes)),
        undo_region_(has_undo_log ? ZeroedRegion<1>(region_bytes) : nullptr),
        table_(CountTable::Create(region_, region_bytes, seed)) {
    AttachAgain();
    if (has_undo_log) SetSavepoint();
  }

  void Add(const std::string& key, bool soon) {
    if (!soon) Flush();
    // So many readable bytes, or the key's, and not one more; what is behind the key must not
    // matter.
    const size_t size = std::max(key.size(), CountTable::kInlineBytes);
    auto& text = texts_.emplace_back(new char[size]);
    std::memset(text.get(), '\xa5', size);
    std::memcpy(text.get(), key.data(), key.size());
    const std::string_view view(text.get(), key.size());
    Tries& tries = model_[key];
    if (tries.added == 0 && key.size() > kMostInlineBytes) most_arena_bytes_ += key.size();
    ++tries.added;
    if (soon) {
      const Record record{view.data(), view.size(), AmountOf(key), 1};
      buffer_->Add(std::span(&record, 1), NoteFailure());
    } else {
      Note(table_.Add(view, AmountOf(key)), view);
    }
  }

  void Flush() {
    buffer_->Flush(NoteFailure());
    texts_.clear();
  }

  /// As another process would.
  void AttachAgain() {
    if (buffer_) Flush();
    Attach();
  }

  /// The rest is for a table with an undo log.
  bool has_undo_log() const { return undo_region_ != nullptr; }
  void SetSavepoint() {
    Flush();
    table_.SetSavepoint();
    saved_model_ = model_;
    saved_arena_bytes_ = most_arena_bytes_;
  }
  /// As the successor of a writer that died.
  void RollBack() {
    Attach();
    table_.RollBack();
    model_ = saved_model_;
    most_arena_bytes_ = saved_arena_bytes_;
  }

  /// Looks at each key of all partitions, for two numbers of them.
  void CheckAll(unsigned log2_partitions, unsigned log2_partitions_again) {
    Flush();
    CheckPartitions(log2_partitions);
    for (const auto& [key, tries] : model_) {
      if (tries.succeeded() == 0) continue;
      const std::string padded = key + std::string(CountTable::kInlineBytes, '\xa5');
      const auto result = table_.Add(std::string_view(padded).substr(0, key.size()), 0);
      Check(result == CountTable::AddResult::kAdded, "{} was there and is no longer", key);
    }
    CheckPartitions(log2_partitions_again);
  }

 private:
  static constexpr size_t kPageBytes = 4096;
  static constexpr size_t kSlotsOffset = 64;
  static constexpr size_t kSlotBytes = 32;
  static constexpr size_t kMostInlineBytes = 16;

  struct Tries {
    uint64_t added = 0;
    uint64_t overflowed = 0;
    uint64_t found_full = 0;
    uint64_t seen = 0;  // by visits

    uint64_t succeeded() const { return added - overflowed - found_full; }
  };

  void Attach() {
    table_ = CountTable(region_, {}, undo_region_);
    buffer_.emplace(&table_);  // what waited is lost, as with its process
  }

  std::function<bool(CountTable::AddResult, std::string_view)> NoteFailure() {
    return [this](CountTable::AddResult result, std::string_view key) {
      Note(result, key);
      return true;
    };
  }

  // Two for each size, used again and again: fresh pages would cost more than all else. Nothing
  // behind it can be written to.
  template <int kNumber>
  static char* ZeroedRegion(size_t size_bytes) {
    static std::map<size_t, std::unique_ptr<char, decltype(&std::free)>> regions;
    auto& region = regions.try_emplace(size_bytes, nullptr, std::free).first->second;
    if (!region) region.reset(static_cast<char*>(std::aligned_alloc(kPageBytes, size_bytes)));
    std::memset(region.get(), 0, size_bytes);
    return region.get();
  }

  void Note(CountTable::AddResult result, std::string_view key) {
    if (result == CountTable::AddResult::kAdded) return;
    const auto found = model_.find(key);
    Check(found != model_.end(), "{} failed, but was not added", key);
    Check(found->second.succeeded() > 0, "{} fails more often than it was added", key);
    if (result == CountTable::AddResult::kOverflow) {
      ++found->second.overflowed;
    } else {
      ++found->second.found_full;
      CheckFull(key);
    }
  }

  /// It says so only where no slot is left and the slots cannot be doubled, or a long key finds no
  /// place; supposing that a key that failed took what it wanted.
  void CheckFull(std::string_view key) const {
    const size_t slots_bytes = table_.capacity() * kSlotBytes;
    const size_t spare = table_.region_bytes() - kSlotsOffset - slots_bytes;
    const bool no_slot =
        table_.size() >= table_.capacity() / 8 * 5 && spare < slots_bytes + most_arena_bytes_;
    const bool no_arena = key.size() > kMostInlineBytes && spare < most_arena_bytes_;
    Check(no_slot || no_arena, "full with {} keys in {} slots of a region of {} bytes",
          table_.size(), table_.capacity(), table_.region_bytes());
  }

  void CheckPartitions(unsigned log2) {
    ++visits_;
    uint64_t keys = 0;
    for (uint64_t partition = 0; partition < uint64_t{1} << log2; ++partition) {
      table_.VisitPartition(partition, log2, [&](const CountTable::Entry& entry) {
        ++keys;
        CheckEqual(uint64_t{entry.hash} << log2 >> 32, partition, "the partition of a hash");
        CheckEntry(entry);
      });
    }
    CheckEqual(keys, table_.size(), "the number of keys in all partitions");
    const auto present = std::count_if(model_.begin(), model_.end(), [](const auto& entry) {
      return entry.second.succeeded() > 0;
    });
    CheckEqual(table_.size(), static_cast<uint64_t>(present), "the number of keys");
  }

  void CheckEntry(const CountTable::Entry& entry) {
    const auto found = model_.find(entry.key);
    Check(found != model_.end(), "{} was never added", entry.key);
    Tries& tries = found->second;
    Check(tries.seen != visits_, "{} is visited twice", entry.key);
    tries.seen = visits_;
    const uint64_t amount = AmountOf(entry.key);
    const uint64_t most = std::numeric_limits<uint64_t>::max() / std::max<uint64_t>(amount, 1);
    const uint64_t tried = tries.added - tries.found_full;
    CheckEqual(tries.overflowed, tried - std::min(tried, most), "overflows of {}", entry.key);
    CheckEqual(entry.count, tries.succeeded() * amount, "the count of {}", entry.key);
  }

  char* const region_;
  char* const undo_region_;  // or null
  CountTable table_;
  std::optional<CountBuffer> buffer_;           // in front of the table
  std::vector<std::unique_ptr<char[]>> texts_;  // of the keys that may wait
  std::unordered_map<std::string, Tries, KeyHash, std::equal_to<>> model_;
  std::unordered_map<std::string, Tries, KeyHash, std::equal_to<>> saved_model_;
  uint64_t most_arena_bytes_ = 0;  // that long keys may have taken
  uint64_t saved_arena_bytes_ = 0;
  uint64_t visits_ = 0;
};

}  // namespace tally::fuzz

#endif  // TALLY_TESTS_FUZZ_TABLE_MODEL_H_
