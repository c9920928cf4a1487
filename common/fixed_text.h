// Text for shared memory, where std::string cannot be: its bytes would lie on one process's heap.
#ifndef TALLY_COMMON_FIXED_TEXT_H_
#define TALLY_COMMON_FIXED_TEXT_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace tally {

/// A text in shared memory; cut where it does not fit. Its bytes are copied as far as they are
/// used.
template <size_t kCapacity>
class FixedText {
 public:
  FixedText() = default;
  FixedText(const FixedText& other) { Set(other.view()); }
  FixedText& operator=(const FixedText& other) {
    if (this != &other) Set(other.view());
    return *this;
  }

  void Set(std::string_view text) {
    size_ = std::min(text.size(), kCapacity);
    std::memcpy(bytes_.data(), text.data(), size_);
  }
  std::string_view view() const { return {bytes_.data(), size_}; }
  bool empty() const { return size_ == 0; }

 private:
  size_t size_ = 0;
  std::array<char, kCapacity> bytes_;
};

}  // namespace tally

#endif  // TALLY_COMMON_FIXED_TEXT_H_
