#include "common/mapped_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "common/shared_region.h"

namespace tally {
namespace {

uintptr_t PageMask() { return static_cast<uintptr_t>(sysconf(_SC_PAGESIZE)) - 1; }

// madvise wants whole pages: those that hold any byte of the range.
void Advise(const char* address, size_t size_bytes, int advice) {
  const uintptr_t begin = reinterpret_cast<uintptr_t>(address) & ~PageMask();
  const uintptr_t end = reinterpret_cast<uintptr_t>(address) + size_bytes;
  (void)madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}

}  // namespace

MappedFile::MappedFile(int fd, size_t size_bytes) : size_bytes_(size_bytes) {
  // Reserve the file and its padding as anonymous memory, then put the file over the start: the
  // page behind a file that fills its last page is readable, too.
  mapped_bytes_ = RoundUpToPages(size_bytes + kReadablePadding);
  void* data = mmap(nullptr, mapped_bytes_, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) throw std::system_error(errno, std::generic_category());
  data_ = static_cast<char*>(data);
  if (mmap(data, size_bytes, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
    const int error = errno;
    munmap(data, mapped_bytes_);
    throw std::system_error(error, std::generic_category());
  }
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(data_, mapped_bytes_);
}

void Prefetch(const char* address, size_t size_bytes) {
  Advise(address, size_bytes, MADV_WILLNEED);
}

void PopulatePages(std::string_view text) {
  // What a page fault maps: as much as is at hand of so many bytes around it.
  constexpr size_t kFaultAroundBytes = size_t{64} << 10;
  for (size_t at = 0; at < text.size(); at += kFaultAroundBytes) {
    (void)*const_cast<const volatile char*>(text.data() + at);
  }
}

void ForgetPages(std::string_view text) {
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(text.data()) + PageMask()) & ~PageMask();
  const uintptr_t end = reinterpret_cast<uintptr_t>(text.data() + text.size()) & ~PageMask();
  if (begin < end) (void)madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace tally
