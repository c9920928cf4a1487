#include "worker/byte_source.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/escape.h"

namespace tally {
namespace {

constexpr std::string_view kOfCompressed = " of the compressed data";
constexpr std::string_view kGzipMagic = "\x1f\x8b\x08";
constexpr size_t kIdBytes = 2;  // of these; the rest says how it is compressed, for inflate()

/// A source's first error, thrown again by every later read: what follows an error must not look
/// like more data, nor like the end.
class StickyError {
 public:
  [[noreturn]] void Throw(Error error) {
    error_ = std::move(error);
    throw Error(*error_);
  }
  void ThrowAgain() const {
    if (error_) throw Error(*error_);
  }

 private:
  std::optional<Error> error_;
};

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

class GzipSource : public ByteSource {
 public:
  GzipSource(std::unique_ptr<ByteSource> compressed, std::string name)
      : compressed_(std::move(compressed)), name_(std::move(name)), input_(kInputBytes) {
    stream_.next_in = input_.data();
    constexpr int kGzipOnly = 16;
    if (inflateInit2(&stream_, MAX_WBITS + kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ~GzipSource() override { inflateEnd(&stream_); }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

  size_t Read(char* buffer, size_t capacity_bytes) override {
    failure_.ThrowAgain();
    while (!at_end_) {
      if (!in_member_) {
        StartMember();
      } else if (const size_t count = Inflate(buffer, capacity_bytes); count > 0) {
        return count;
      }
    }
    return 0;
  }

  uint64_t file_bytes_consumed() const override { return received_ - stream_.avail_in; }
  std::string_view byte_name() const override { return "decompressed byte"; }

 private:
  static constexpr size_t kInputBytes = size_t{128} << 10;

  /// Begins the next member, or sets at_end_.
  void StartMember() {
    const std::string_view magic =
        kGzipMagic.substr(0, members_ == 0 ? kIdBytes : std::string::npos);
    const std::string_view start = Peek(magic.size()).substr(0, magic.size());
    if (members_ > 0 && (start.empty() || start[0] == '\0')) {
      SkipPadding();
      at_end_ = true;
    } else if (start != magic.substr(0, start.size())) {
      FailOnGarbage();
    } else {
      inflateReset(&stream_);
      in_member_ = true;
      ++members_;
    }
  }

  /// Tapes and block devices leave zero bytes after the data, so gzip(1) allows them too.
  void SkipPadding() {
    while (true) {
      const std::string_view bytes = Peek(1);
      if (bytes.empty()) return;
      const size_t zeros = std::min(bytes.find_first_not_of('\0'), bytes.size());
      stream_.next_in += zeros;
      stream_.avail_in -= static_cast<uInt>(zeros);
      if (zeros < bytes.size()) FailOnGarbage();
    }
  }

  /// Returns how many bytes were put into `buffer`; 0 where a member ended.
  size_t Inflate(char* buffer, size_t capacity_bytes) {
    // zlib counts in 32 bits.
    const auto capacity = static_cast<uInt>(std::min(capacity_bytes, size_t{1} << 30));
    stream_.next_out = reinterpret_cast<Bytef*>(buffer);
    stream_.avail_out = capacity;
    while (stream_.avail_out == capacity) {
      // Before more input is asked for: zlib may still hold output of what it has consumed.
      const int status = inflate(&stream_, Z_NO_FLUSH);
      if (status == Z_STREAM_END) {
        in_member_ = false;
        break;
      }
      if (status == Z_MEM_ERROR) throw std::bad_alloc();
      if (status != Z_OK && status != Z_BUF_ERROR) {
        // What was inflated before the damage comes first, or the text up to the error would depend
        // on how much is read at a time. zlib repeats its error.
        if (stream_.avail_out < capacity) break;
        FailOnCorruption();
      }
      if (stream_.avail_out == capacity && stream_.avail_in == 0 && !Refill()) FailOnTruncation();
    }
    return capacity - stream_.avail_out;
  }

  /// Everything received but not consumed; at least `wanted_bytes`, unless the stream ends first.
  std::string_view Peek(size_t wanted_bytes) {
    while (stream_.avail_in < wanted_bytes && Refill()) {
    }
    return {reinterpret_cast<const char*>(stream_.next_in), stream_.avail_in};
  }

  /// Adds to the input; false at its end. REQUIRES: the input is not full.
  bool Refill() {
    std::memmove(input_.data(), stream_.next_in, stream_.avail_in);
    stream_.next_in = input_.data();
    const size_t count = compressed_->Read(
        reinterpret_cast<char*>(input_.data()) + stream_.avail_in, kInputBytes - stream_.avail_in);
    stream_.avail_in += static_cast<uInt>(count);
    received_ += count;
    return count > 0;
  }

  [[noreturn]] void FailOnTruncation() {
    Fail(
        fmt::format("truncated gzip data after byte {} of the compressed data; the file is "
                    "incomplete, get it again",
                    file_bytes_consumed()));
  }

  [[noreturn]] void FailOnCorruption() {
    Fail(
        fmt::format("corrupt gzip data near byte {} of the compressed data: {}; the file is "
                    "damaged, get it again",
                    file_bytes_consumed(),
                    stream_.msg != nullptr ? stream_.msg : "a preset dictionary is not allowed"));
  }

  [[noreturn]] void FailOnGarbage() {
    const uint64_t offset = file_bytes_consumed();
    if (members_ == 0)
      Fail(fmt::format("no gzip data at byte {}; the file is damaged, get it again", offset));
    Fail(
        fmt::format("trailing garbage at byte {}: the gzip data ends there; get the file again, or "
                    "keep what is whole with head -c {}",
                    offset, offset));
  }

  [[noreturn]] void Fail(const std::string& what) {
    failure_.Throw(Error(fmt::format("{}: {}", EscapeForMessage(name_), what)));
  }

  const std::unique_ptr<ByteSource> compressed_;
  const std::string name_;
  std::vector<Bytef> input_;
  z_stream stream_{};
  uint64_t received_ = 0;  // from `compressed_`
  uint64_t members_ = 0;   // begun so far
  bool in_member_ = false;
  bool at_end_ = false;
  StickyError failure_;
};

}  // namespace

std::unique_ptr<ByteSource> MakeDescriptorSource(UniqueFd fd, std::string name, Patience patience,
                                                 PlaceOf place) {
  return std::make_unique<DescriptorSource>(std::move(fd), std::move(name), std::move(patience),
                                            place);
}

std::unique_ptr<ByteSource> MakeGzipSource(std::unique_ptr<ByteSource> compressed,
                                           std::string name) {
  return std::make_unique<GzipSource>(std::move(compressed), std::move(name));
}

std::unique_ptr<ByteSource> MakePrefixedSource(std::string prefix,
                                               std::unique_ptr<ByteSource> source) {
  return std::make_unique<PrefixedSource>(std::move(prefix), std::move(source));
}

bool LooksLikeGzip(std::string_view first_bytes) {
  return first_bytes.starts_with(kGzipMagic.substr(0, kIdBytes));
}

bool LooksLikeDamagedGzip(std::string_view first_bytes) {
  size_t same = 0;
  for (size_t i = 0; i < std::min(first_bytes.size(), kGzipMagic.size()); ++i) {
    if (first_bytes[i] == kGzipMagic[i]) ++same;
  }
  return same > 0 && same + 1 >= std::min(first_bytes.size(), kGzipMagic.size());
}

}  // namespace tally
