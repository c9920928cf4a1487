#include "worker/gzip_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/escape.h"
#include "worker/sticky_error.h"

namespace tally {
namespace {

constexpr std::string_view kGzipMagic = "\x1f\x8b\x08";
constexpr size_t kIdBytes = 2;  // of these; the rest says how it is compressed, for the inflater

class GzipSource : public ByteSource {
 public:
  GzipSource(std::unique_ptr<ByteSource> compressed, std::string name, InflateLibrary library)
      : compressed_(std::move(compressed)),
        name_(std::move(name)),
        inflater_(MakeInflater(library)),
        input_(kInputBytes) {
    buffers_.next_in = input_.data();
  }

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

  uint64_t file_bytes_consumed() const override { return received_ - buffers_.avail_in; }
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
      inflater_->StartMember();
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
      buffers_.next_in += zeros;
      buffers_.avail_in -= zeros;
      if (zeros < bytes.size()) FailOnGarbage();
    }
  }

  /// Returns how many bytes were put into `buffer`; 0 where a member ended.
  size_t Inflate(char* buffer, size_t capacity_bytes) {
    buffers_.next_out = buffer;
    buffers_.avail_out = capacity_bytes;
    while (buffers_.avail_out == capacity_bytes) {
      // Before more input is asked for: there may still be output of what was consumed.
      const Inflater::Status status = inflater_->Inflate(&buffers_);
      if (status == Inflater::Status::kMemberEnd) {
        in_member_ = false;
        break;
      }
      // What was inflated before the damage comes first, or the text up to the error would depend
      // on how much is read at a time.
      if (buffers_.avail_out < capacity_bytes) break;
      if (status == Inflater::Status::kCorrupt) FailOnCorruption();
      if (buffers_.avail_in == 0 && !Refill()) FailOnTruncation();
    }
    return capacity_bytes - buffers_.avail_out;
  }

  /// Everything received but not consumed; at least `wanted_bytes`, unless the stream ends first.
  std::string_view Peek(size_t wanted_bytes) {
    while (buffers_.avail_in < wanted_bytes && Refill()) {
    }
    return {reinterpret_cast<const char*>(buffers_.next_in), buffers_.avail_in};
  }

  /// Adds to the input; false at its end. REQUIRES: the input is not full.
  bool Refill() {
    std::memmove(input_.data(), buffers_.next_in, buffers_.avail_in);
    buffers_.next_in = input_.data();
    const size_t count =
        compressed_->Read(reinterpret_cast<char*>(input_.data()) + buffers_.avail_in,
                          kInputBytes - buffers_.avail_in);
    buffers_.avail_in += count;
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
                    file_bytes_consumed(), inflater_->error()));
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
  const std::unique_ptr<Inflater> inflater_;
  std::vector<uint8_t> input_;
  Inflater::Buffers buffers_;
  uint64_t received_ = 0;  // from `compressed_`
  uint64_t members_ = 0;   // begun so far
  bool in_member_ = false;
  bool at_end_ = false;
  StickyError failure_;
};

}  // namespace

std::unique_ptr<ByteSource> MakeGzipSource(std::unique_ptr<ByteSource> compressed, std::string name,
                                           InflateLibrary library) {
  return std::make_unique<GzipSource>(std::move(compressed), std::move(name), library);
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
