// A stream out of memory, which hands out pieces and fails where a test wants it to.
#ifndef TALLY_TESTS_MEMORY_SOURCE_H_
#define TALLY_TESTS_MEMORY_SOURCE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "common/error.h"
#include "worker/byte_source.h"

namespace tally {

/// Bytes in memory, at most `piece_bytes` a read; at `fail_at`, an error instead.
class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string bytes, size_t piece_bytes = std::string::npos,
                        size_t fail_at = std::string::npos)
      : bytes_(std::move(bytes)), piece_bytes_(piece_bytes), fail_at_(fail_at) {}

  size_t Read(char* buffer, size_t capacity_bytes) override {
    if (used_ >= fail_at_) throw Error("the disk broke");
    const size_t count =
        std::min({capacity_bytes, piece_bytes_, bytes_.size() - used_, fail_at_ - used_});
    std::memcpy(buffer, bytes_.data() + used_, count);
    used_ += count;
    return count;
  }
  uint64_t file_bytes_consumed() const override { return used_; }

 private:
  const std::string bytes_;
  const size_t piece_bytes_;
  const size_t fail_at_;
  size_t used_ = 0;
};

}  // namespace tally

#endif  // TALLY_TESTS_MEMORY_SOURCE_H_
