// Texts at the very edge of readable memory.
#ifndef TALLY_TESTS_PADDED_TEXT_H_
#define TALLY_TESTS_PADDED_TEXT_H_

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <string_view>

#include "common/mapped_file.h"
#include "common/shared_region.h"

namespace tally {

/// A copy of a text with kReadablePadding readable bytes behind it and not one more: reading on
/// fails under AddressSanitizer, and at a page end everywhere.
class PaddedText {
 public:
  /// `misalignment` is how far from a multiple of 64 the text begins.
  explicit PaddedText(std::string_view text, char padding = '\n', size_t misalignment = 0) {
    static constexpr std::align_val_t kAlignment{64};
    memory_ = {new (kAlignment) char[misalignment + text.size() + kReadablePadding],
               [](char* memory) { ::operator delete[](memory, kAlignment); }};
    Place(memory_.get() + misalignment, text, padding);
  }

  /// The byte behind the padding is on a page that cannot be read.
  static PaddedText AtPageEnd(std::string_view text, char padding = '\n') {
    PaddedText padded;
    const size_t readable_bytes = RoundUpToPages(text.size() + kReadablePadding);
    const size_t mapped_bytes = readable_bytes + RoundUpToPages(1);
    void* const pages =
        mmap(nullptr, mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    padded.memory_ = {static_cast<char*>(pages),
                      [mapped_bytes](char* memory) { munmap(memory, mapped_bytes); }};
    char* const end = padded.memory_.get() + readable_bytes;
    mprotect(end, mapped_bytes - readable_bytes, PROT_NONE);
    padded.Place(end - kReadablePadding - text.size(), text, padding);
    return padded;
  }

  std::string_view view() const { return text_; }
  const char* begin() const { return text_.data(); }
  const char* end() const { return text_.data() + text_.size(); }

 private:
  PaddedText() = default;

  void Place(char* at, std::string_view text, char padding) {
    std::copy(text.begin(), text.end(), at);
    std::fill_n(at + text.size(), kReadablePadding, padding);
    text_ = {at, text.size()};
  }

  std::unique_ptr<char, std::function<void(char*)>> memory_;
  std::string_view text_;
};

}  // namespace tally

#endif  // TALLY_TESTS_PADDED_TEXT_H_
