// Any bytes taken for gzip are a text, or an Error.
// Which of them is as zlib says of all bytes at once, and the same whatever is read at a time, with
// each library that inflates.
#include <fuzzer/FuzzedDataProvider.h>
#include <zlib.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/check.h"
#include "tests/fuzz/gunzip.h"

namespace tally::fuzz {
namespace {

constexpr int kGzip = MAX_WBITS + 16;
constexpr int kRawDeflate = -MAX_WBITS;

/// One stream of deflate, and how many bytes it has.
struct Member {
  std::string text;
  size_t size_bytes;
};

std::optional<Member> InflateMember(std::string_view bytes, int window_bits) {
  z_stream stream{};
  CheckEqual(inflateInit2(&stream, window_bits), Z_OK, "inflateInit2()");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  Member member;
  std::vector<Bytef> buffer(64 << 10);
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = buffer.data();
    stream.avail_out = static_cast<uInt>(buffer.size());
    status = inflate(&stream, Z_NO_FLUSH);
    member.text.append(reinterpret_cast<char*>(buffer.data()), buffer.size() - stream.avail_out);
  }
  member.size_bytes = bytes.size() - stream.avail_in;
  inflateEnd(&stream);
  if (status != Z_STREAM_END) return std::nullopt;
  return member;
}

/// The text of a file; none where it is damaged.
std::optional<std::string> GunzipAtOnce(std::string_view bytes) {
  std::string text;
  do {
    const std::optional<Member> member = InflateMember(bytes, kGzip);
    if (!member) return std::nullopt;
    text += member->text;
    bytes.remove_prefix(member->size_bytes);
  } while (!bytes.empty() && bytes[0] != '\0');
  if (bytes.find_first_not_of('\0') != std::string_view::npos) return std::nullopt;
  return text;
}

std::string LittleEndian(size_t number) {
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(number >> shift);
  return bytes;
}

/// Makes gzip of what may be deflate: no fuzzer guesses a checksum.
std::string WithHeaderAndTrailer(const std::string& deflated) {
  const std::optional<Member> member = InflateMember(deflated, kRawDeflate);
  if (!member) return std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10) + deflated;
  const auto* const text = reinterpret_cast<const Bytef*>(member->text.data());
  const uLong crc = crc32(0, text, static_cast<uInt>(member->text.size()));
  return std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10) + deflated.substr(0, member->size_bytes) +
         LittleEndian(crc) + LittleEndian(member->text.size()) +
         deflated.substr(member->size_bytes);
}

/// With ISA-L, up to two bytes before the place where a file is cut off may be missing.
void CheckTextsEqual(const Unzipped& left, const Unzipped& right, std::string_view what) {
  if (left.error.find("truncated") == std::string::npos) {
    CheckEqual(left.text, right.text, what);
    return;
  }
  const size_t common = std::min(left.text.size(), right.text.size());
  CheckEqual(left.text.substr(0, common), right.text.substr(0, common), what);
  Check(left.text.size() <= common + 2 && right.text.size() <= common + 2, "{}: too short", what);
}

void CheckGunzip(const std::string& bytes, ReadSizes sizes, InflateLibrary library) {
  const Unzipped by_zlib = Gunzip(bytes, {}, InflateLibrary::kZlib);
  const Unzipped unzipped = Gunzip(bytes, {}, library);
  // Codes that are left over are damage for zlib, but for ISA-L only where they are met.
  if (by_zlib.error.find("s set; ") == std::string::npos) {
    CheckEqual(unzipped.error.empty(), by_zlib.error.empty(), "whether it is whole");
    CheckTextsEqual(unzipped, by_zlib, "the text by two libraries");
  }
  // A few bytes can be a text of millions.
  sizes.text_bytes = std::max(sizes.text_bytes, unzipped.text.size() >> 12);
  const Unzipped again = Gunzip(bytes, sizes, library);
  CheckEqual(again.error, unzipped.error, "the error in small pieces");
  CheckTextsEqual(again, unzipped, "the text in small pieces");
}

}  // namespace
}  // namespace tally::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tally::fuzz;  // NOLINT: for this function
  FuzzedDataProvider input(data, size);
  const ReadSizes sizes = ReadSizes::Draw(&input);
  const bool is_deflate = input.ConsumeBool();
  std::string bytes = input.ConsumeRemainingBytesAsString();
  if (is_deflate) bytes = WithHeaderAndTrailer(bytes);

  const std::optional<std::string> expected = GunzipAtOnce(bytes);
  const Unzipped unzipped = Gunzip(bytes, {}, tally::InflateLibrary::kZlib);
  CheckEqual(unzipped.error.empty(), expected.has_value(), "whether it is whole ({})",
             unzipped.error);
  if (expected) CheckEqual(unzipped.text, *expected, "the text");
  for (const tally::InflateLibrary library : tally::InflateLibraries()) {
    CheckGunzip(bytes, sizes, library);
  }
  return 0;
}
