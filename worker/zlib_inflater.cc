#include "worker/zlib_inflater.h"

#include <zlib.h>

#include <algorithm>
#include <new>

namespace tally {
namespace {

constexpr size_t kMostAtOnce = size_t{1} << 30;  // zlib counts in 32 bits

class ZlibInflater : public Inflater {
 public:
  ZlibInflater() {
    constexpr int kGzipOnly = 16;
    if (inflateInit2(&stream_, MAX_WBITS + kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ~ZlibInflater() override { inflateEnd(&stream_); }
  ZlibInflater(const ZlibInflater&) = delete;
  ZlibInflater& operator=(const ZlibInflater&) = delete;

  void StartMember() override { inflateReset(&stream_); }

  Status Inflate(Buffers* buffers) override {
    const auto avail_in = static_cast<uInt>(std::min(buffers->avail_in, kMostAtOnce));
    const auto avail_out = static_cast<uInt>(std::min(buffers->avail_out, kMostAtOnce));
    stream_.next_in = const_cast<Bytef*>(buffers->next_in);
    stream_.avail_in = avail_in;
    stream_.next_out = reinterpret_cast<Bytef*>(buffers->next_out);
    stream_.avail_out = avail_out;
    const int status = inflate(&stream_, Z_NO_FLUSH);
    buffers->next_in = stream_.next_in;
    buffers->avail_in -= avail_in - stream_.avail_in;
    buffers->next_out = reinterpret_cast<char*>(stream_.next_out);
    buffers->avail_out -= avail_out - stream_.avail_out;
    if (status == Z_STREAM_END) return Status::kMemberEnd;
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    return status == Z_OK || status == Z_BUF_ERROR ? Status::kGoOn : Status::kCorrupt;
  }

  std::string_view error() const override {
    return stream_.msg != nullptr ? stream_.msg : "a preset dictionary is not allowed";
  }

 private:
  z_stream stream_{};
};

}  // namespace

std::unique_ptr<Inflater> MakeZlibInflater() { return std::make_unique<ZlibInflater>(); }

std::string ZlibName() { return std::string("zlib ") + zlibVersion(); }

}  // namespace tally
