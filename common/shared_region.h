// Memory that stays shared across fork(). It has no name, so nothing can be left behind in
// /dev/shm, and it vanishes with the last process that maps it.
#ifndef TALLY_COMMON_SHARED_REGION_H_
#define TALLY_COMMON_SHARED_REGION_H_

#include <cstddef>
#include <string>
#include <utility>

#include "common/error.h"

namespace tally {

class NoAddressSpace : public Error {
 public:
  explicit NoAddressSpace(const std::string& message) : Error(message, kExitMemory) {}
};

/// A page-aligned range of zeroed shared memory, reserved in address space and backed by memory
/// only where it is touched: ask for the most that could be needed. Boost's
/// anonymous_shared_memory is the same mapping without MAP_NORESERVE, and so fails for a range
/// larger than memory.
///
/// Made by the master before it forks; unmapped by the destructor in each process on its own.
class SharedRegion {
 public:
  SharedRegion() = default;

  /// Throws NoAddressSpace, with the number, where there is no room for it (ulimit -v).
  static SharedRegion Reserve(size_t size_bytes);

  SharedRegion(SharedRegion&& other) noexcept { *this = std::move(other); }
  SharedRegion& operator=(SharedRegion&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_bytes_, other.size_bytes_);
    return *this;
  }
  ~SharedRegion();

  char* data() const { return data_; }
  size_t size_bytes() const { return size_bytes_; }

 private:
  char* data_ = nullptr;
  size_t size_bytes_ = 0;
};

/// Has memory put under a range that is about to be written to all over: this takes less time than
/// a page fault for each page, best for some pages at a time, which are then in the L2 cache. The
/// pages are those that begin in the range. What the kernel does not do now (before Linux 5.14,
/// nothing), it does when they are touched.
void PopulateForWriting(void* begin, void* end);

/// For shared memory that this process is about to unmap, or to end with: the kernel shall not mark
/// each page as used, which takes a lock that all contend for (since Linux 6.3, with MADV_RANDOM).
/// Not earlier, as pages that are never marked are the first to be swapped out.
void LeaveUnmarked(const void* data, size_t size_bytes);

/// `size_bytes` rounded up to whole pages.
size_t RoundUpToPages(size_t size_bytes);

}  // namespace tally

#endif  // TALLY_COMMON_SHARED_REGION_H_
