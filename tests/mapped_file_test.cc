#include "common/mapped_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/unique_fd.h"

namespace tally {
namespace {

const size_t kPageBytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));

MappedFile Map(const std::string& text) {
  const UniqueFd file(memfd_create("mapped_file_test", MFD_CLOEXEC));
  EXPECT_EQ(write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  return MappedFile(file.get(), text.size());
}

/// Whether a page is in this process's page tables.
bool IsPresent(const char* address) {
  const UniqueFd pages(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  uint64_t entry = 0;
  const auto at =
      static_cast<off_t>(reinterpret_cast<uintptr_t>(address) / kPageBytes * sizeof entry);
  EXPECT_EQ(pread(pages.get(), &entry, sizeof entry, at), ssize_t{sizeof entry});
  return entry >> 63 != 0;
}

TEST(MappedFileTest, CanBeReadBehindItsEnd) {
  for (const size_t size : {size_t{1}, kPageBytes - 1, kPageBytes, kPageBytes + 1}) {
    const MappedFile file = Map(std::string(size, 'x'));
    EXPECT_EQ(file.text(), std::string(size, 'x'));
    const char* const last = file.text().data() + size + kReadablePadding - 1;
    EXPECT_EQ(*last, '\0');
  }
}

TEST(MappedFileTest, PagesThatAreForgottenComeBack) {
  std::string text;
  for (size_t page = 0; page < 40; ++page)
    text += std::string(kPageBytes, static_cast<char>('0' + page));
  const MappedFile file = Map(text);
  const char* const begin = file.text().data();
  PopulatePages(file.text());
  ASSERT_EQ(file.text(), text);
  // From within page 1 to within page 38.
  ForgetPages(file.text().substr(2 * kPageBytes - 1, 36 * kPageBytes + 2));
  for (const size_t page : {0U, 1U, 38U, 39U})
    EXPECT_TRUE(IsPresent(begin + page * kPageBytes)) << page;
  for (size_t page = 2; page < 38; ++page)
    EXPECT_FALSE(IsPresent(begin + page * kPageBytes)) << page;
  EXPECT_EQ(file.text(), text);

  for (const size_t size : {size_t{0}, size_t{1}, kPageBytes - 1})
    ForgetPages(file.text().substr(1, size));
  EXPECT_TRUE(IsPresent(begin));
}

}  // namespace
}  // namespace tally
