#include "master/foreign_format.h"

namespace tally {
namespace {

using namespace std::string_view_literals;

// Of a bzip2 file the fourth byte is its level, '1' to '9'.
constexpr char kAnyByte = '?';

struct Signature {
  std::string_view start;
  ForeignFormat format;
};

// From the formats' own descriptions, as file(1) knows them too.
constexpr Signature kSignatures[] = {
    {"\xfd\x37zXZ\0"sv, {"xz", "xz -dc"}},
    {"\x28\xb5\x2f\xfd"sv, {"zstd", "zstd -dc"}},
    {"BZh?1AY&SY"sv, {"bzip2", "bzip2 -dc"}},
    {"\x04\x22\x4d\x18"sv, {"lz4", "lz4 -dc"}},
    {"\x1f\x9d"sv, {"compress", "zcat"}},
    {"PK\x03\x04"sv, {"zip", "unzip -p", "funzip"}},
    {"\x1f\x8b\x08"sv, {"gzip", "gzip -dc"}},
    {"\xff\xfe\0\0"sv, {"UTF-32", "iconv -f UTF-32 -t UTF-8"}},
    {"\xff\xfe"sv, {"UTF-16", "iconv -f UTF-16 -t UTF-8"}},
    {"\xfe\xff"sv, {"UTF-16", "iconv -f UTF-16 -t UTF-8"}},
};

bool StartsWith(std::string_view bytes, std::string_view start) {
  if (bytes.size() < start.size()) return false;
  for (size_t i = 0; i < start.size(); ++i) {
    if (bytes[i] != start[i] && start[i] != kAnyByte) return false;
  }
  return true;
}

}  // namespace

ForeignFormat RecognizeForeignFormat(std::string_view first_bytes) {
  for (const Signature& signature : kSignatures) {
    static_assert(kForeignFormatBytes >= "BZh?1AY&SY"sv.size());
    if (StartsWith(first_bytes, signature.start)) return signature.format;
  }
  return {};
}

}  // namespace tally
