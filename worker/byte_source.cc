#include "worker/byte_source.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/error.h"
#include "common/escape.h"
#include "worker/sticky_error.h"

namespace tally {
namespace {

constexpr std::string_view kOfCompressed = " of the compressed data";

class DescriptorSource : public ByteSource {
 public:
  DescriptorSource(UniqueFd fd, std::string name, Patience patience, PlaceOf place)
      : fd_(std::move(fd)), name_(std::move(name)), patience_(std::move(patience)), place_(place) {}

  size_t Read(char* buffer, size_t capacity_bytes) override {
    failure_.ThrowAgain();
    // A terminal would wait for more after its end of file.
    while (!at_end_) {
      if (patience_.while_waiting) WaitUntilReadable();
      const ssize_t count = read(fd_.get(), buffer, capacity_bytes);
      if (count > 0) {
        consumed_ += static_cast<size_t>(count);
        return static_cast<size_t>(count);
      }
      if (count == 0) {
        at_end_ = true;
      } else {
        WaitOrFail(errno);
      }
    }
    return 0;
  }

  uint64_t file_bytes_consumed() const override { return consumed_; }

 private:
  void WaitUntilReadable() {
    pollfd readable{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    // Errors are left for read() to report.
    for (;;) {
      const int ready = poll(&readable, 1, static_cast<int>(patience_.each.count()));
      if (ready > 0 || (ready < 0 && errno != EINTR)) return;
      patience_.while_waiting();
    }
  }

  void WaitOrFail(int error) {
    if (error == EINTR) return;
    // A standard input shared with another program may have been made non-blocking by it.
    if (error == EAGAIN) {
      if (patience_.while_waiting) return;
      pollfd readable{.fd = fd_.get(), .events = POLLIN, .revents = 0};
      if (poll(&readable, 1, -1) >= 0 || errno == EINTR) return;
      error = errno;
    }
    failure_.Throw(
        SystemError(name_,
                    fmt::format("cannot be read at byte {}{}", place_.first_byte + consumed_,
                                place_.is_compressed ? kOfCompressed : ""),
                    error));
  }

  const UniqueFd fd_;
  const std::string name_;
  const Patience patience_;
  const PlaceOf place_;
  uint64_t consumed_ = 0;
  bool at_end_ = false;
  StickyError failure_;
};

class PrefixedSource : public ByteSource {
 public:
  PrefixedSource(std::string prefix, std::unique_ptr<ByteSource> source)
      : prefix_(std::move(prefix)),
        source_(std::move(source)),
        consumed_before_(source_ ? source_->file_bytes_consumed() : 0) {}

  size_t Read(char* buffer, size_t capacity_bytes) override {
    const size_t left = prefix_.size() - used_;
    if (left == 0) return source_ ? source_->Read(buffer, capacity_bytes) : 0;
    const size_t count = std::min(left, capacity_bytes);
    std::memcpy(buffer, prefix_.data() + used_, count);
    used_ += count;
    return count;
  }

  // The source may or may not have counted the prefix already, when it was first read.
  uint64_t file_bytes_consumed() const override {
    return used_ + (source_ ? source_->file_bytes_consumed() - consumed_before_ : 0);
  }

 private:
  const std::string prefix_;
  const std::unique_ptr<ByteSource> source_;  // null: nothing follows
  const uint64_t consumed_before_;
  size_t used_ = 0;
};

}  // namespace

std::unique_ptr<ByteSource> MakeDescriptorSource(UniqueFd fd, std::string name, Patience patience,
                                                 PlaceOf place) {
  return std::make_unique<DescriptorSource>(std::move(fd), std::move(name), std::move(patience),
                                            place);
}

std::unique_ptr<ByteSource> MakePrefixedSource(std::string prefix,
                                               std::unique_ptr<ByteSource> source) {
  return std::make_unique<PrefixedSource>(std::move(prefix), std::move(source));
}

}  // namespace tally
