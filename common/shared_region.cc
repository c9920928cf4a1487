#include "common/shared_region.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace tally {

SharedRegion SharedRegion::Reserve(size_t size_bytes) {
  SharedRegion region;
  size_bytes = RoundUpToPages(size_bytes);
  void* data = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) {
    throw NoAddressSpace(
        fmt::format("out of address space: there is no room for {} KiB of shared memory; use fewer "
                    "workers (-j) or raise the limit (ulimit -v)",
                    size_bytes >> 10));
  }
  region.data_ = static_cast<char*>(data);
  region.size_bytes_ = size_bytes;
  return region;
}

SharedRegion::~SharedRegion() {
  if (data_ == nullptr) return;
  LeaveUnmarked(data_, size_bytes_);
  munmap(data_, size_bytes_);
}

void LeaveUnmarked(const void* data, size_t size_bytes) {
  (void)madvise(const_cast<void*>(data), size_bytes, MADV_RANDOM);
}

void PopulateForWriting(void* begin, void* end) {
  const size_t first = RoundUpToPages(reinterpret_cast<uintptr_t>(begin));
  const size_t last = RoundUpToPages(reinterpret_cast<uintptr_t>(end));
  if (first >= last) return;
  (void)madvise(reinterpret_cast<void*>(first), last - first, MADV_POPULATE_WRITE);
}

size_t RoundUpToPages(size_t size_bytes) {
  const size_t page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return (size_bytes + page_bytes - 1) / page_bytes * page_bytes;
}

}  // namespace tally
