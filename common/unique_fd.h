// A file descriptor that somebody owns.
#ifndef TALLY_COMMON_UNIQUE_FD_H_
#define TALLY_COMMON_UNIQUE_FD_H_

#include <utility>

namespace tally {

/// Closes what it owns. Errors of close() go unseen: where they matter, Release() it and close it.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.Release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;  // negative: none
};

}  // namespace tally

#endif  // TALLY_COMMON_UNIQUE_FD_H_
