// What was compressed reads back equal, damaged or not.
// Members, header fields and padding go in any way. Cut short or with a bit flipped, the file is an
// Error, or the text is what was not damaged, never a wrong one.
#include <fuzzer/FuzzedDataProvider.h>
#include <zlib.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/check.h"
#include "tests/fuzz/gunzip.h"

namespace tally::fuzz {
namespace {

/// The optional fields of a member's header; their values are as good as any others.
struct HeaderFields {
  std::string extra = "extra";
  std::string name = "name";
  std::string comment = "comment";
  gz_header header{};

  explicit HeaderFields(unsigned which) {
    const auto bytes = [](std::string& text) { return reinterpret_cast<Bytef*>(text.data()); };
    header.os = 3;
    if ((which & 1) != 0) {
      header.extra = bytes(extra);
      header.extra_len = static_cast<uInt>(extra.size());
    }
    if ((which & 2) != 0) header.name = bytes(name);
    if ((which & 4) != 0) header.comment = bytes(comment);
    header.hcrc = (which & 8) != 0 ? 1 : 0;
  }
};

std::string GzipMember(std::string_view text, FuzzedDataProvider* input) {
  static constexpr int kFlushes[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_PARTIAL_FLUSH};
  static constexpr int kStrategies[] = {Z_DEFAULT_STRATEGY, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED};
  HeaderFields fields(input->ConsumeIntegralInRange<unsigned>(0, 15));
  const int level = input->ConsumeIntegralInRange(0, 9);
  const int window_bits = 16 + input->ConsumeIntegralInRange(9, 15);
  const int memory_level = input->ConsumeIntegralInRange(1, 9);
  const int flush = input->PickValueInArray(kFlushes);
  const size_t flush_at = input->ConsumeIntegralInRange<size_t>(0, text.size());

  z_stream stream{};
  CheckEqual(deflateInit2(&stream, level, Z_DEFLATED, window_bits, memory_level,
                          input->PickValueInArray(kStrategies)),
             Z_OK, "deflateInit2()");
  deflateSetHeader(&stream, &fields.header);
  std::string out(2 * text.size() + 1024, '\0');
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(flush_at);
  deflate(&stream, flush);
  stream.avail_in += static_cast<uInt>(text.size() - flush_at);
  CheckEqual(deflate(&stream, Z_FINISH), Z_STREAM_END, "deflate()");
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

/// A file, and where in it and in its text each member ends.
struct File {
  struct End {
    size_t file;
    size_t text;
  };
  std::string text;
  std::string bytes;
  std::vector<End> ends;
};

File Compress(FuzzedDataProvider* input) {
  static constexpr std::array<size_t, 4> kRepetitions = {1, 1, 10, 300};
  File file;
  const auto members = input->ConsumeIntegralInRange<size_t>(1, 5);
  const auto padding = input->ConsumeIntegralInRange<size_t>(0, 600);
  for (size_t member = 0; member < members; ++member) {
    const size_t repetitions = input->PickValueInArray(kRepetitions);
    const size_t size = input->ConsumeIntegral<uint8_t>();
    const std::string piece = member + 1 < members ? input->ConsumeBytesAsString(size)
                                                   : input->ConsumeRemainingBytesAsString();
    std::string text;
    for (size_t i = 0; i < repetitions; ++i) text += piece;
    file.bytes += GzipMember(text, input);
    file.text += text;
    file.ends.push_back({file.bytes.size(), file.text.size()});
  }
  file.bytes.append(padding, '\0');
  return file;
}

void CheckTruncated(const File& file, size_t size_bytes, const ReadSizes& sizes,
                    InflateLibrary library) {
  const Unzipped unzipped = Gunzip(file.bytes.substr(0, size_bytes), sizes, library);
  const size_t padding_begin = file.ends.back().file;
  bool is_whole = size_bytes >= padding_begin;
  size_t whole_text = file.text.size();
  for (const File::End& end : file.ends) {
    if (end.file != size_bytes) continue;
    is_whole = true;
    whole_text = end.text;
  }
  CheckEqual(unzipped.error.empty(), is_whole, "whether it is whole ({})", unzipped.error);
  if (is_whole) CheckEqual(unzipped.text.size(), whole_text, "how much of the text is left");
  Check(file.text.starts_with(unzipped.text), "wrong text of truncated data");
}

void CheckRoundTrip(FuzzedDataProvider* input) {
  const ReadSizes sizes = ReadSizes::Draw(input);
  const auto cut_at = input->ConsumeIntegral<uint16_t>();
  const auto flip_at = input->ConsumeIntegral<uint32_t>();
  const File file = Compress(input);
  std::string flipped = file.bytes;
  const size_t bit = flip_at % (flipped.size() * 8);
  flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));

  for (const InflateLibrary library : InflateLibraries()) {
    const Unzipped unzipped = Gunzip(file.bytes, sizes, library);
    CheckEqual(unzipped.error, "", "the error");
    CheckEqual(unzipped.text, file.text, "the text");
    CheckTruncated(file, cut_at % file.bytes.size(), sizes, library);
    const Unzipped damaged = Gunzip(flipped, sizes, library);
    if (damaged.error.empty()) CheckEqual(damaged.text, file.text, "the text with a bit flipped");
  }
}

}  // namespace
}  // namespace tally::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  tally::fuzz::CheckRoundTrip(&input);
  return 0;
}
