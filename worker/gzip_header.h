// The header of a member of a gzip file, byte by byte.
#ifndef TALLY_WORKER_GZIP_HEADER_H_
#define TALLY_WORKER_GZIP_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tally {

/// Finds the end of a header (RFC 1952) and checks what can be checked of it, in the order and the
/// words of zlib. No field is kept, however long.
class GzipHeader {
 public:
  /// Of `size` bytes, after others whose checksum is `crc`; 0 before the first.
  using Crc32 = uint32_t (*)(uint32_t crc, const uint8_t* bytes, size_t size);

  explicit GzipHeader(Crc32 crc32) : crc32_(crc32) {}

  /// Takes the next byte. REQUIRES: is_whole() is false and error() empty.
  void Take(uint8_t byte);

  bool is_whole() const { return field_ == Field::kEnd; }
  std::string_view error() const { return error_; }

 private:
  enum class Field { kFixed, kExtraBytes, kExtra, kName, kComment, kChecksum, kEnd };

  void TakeFixed(uint8_t byte);
  void EndField();
  bool Has(Field field) const;

  Crc32 crc32_;
  Field field_ = Field::kFixed;
  uint32_t taken_ = 0;   // bytes of the field
  uint32_t number_ = 0;  // that they are, where they are two
  uint8_t method_ = 0;
  uint8_t flags_ = 0;
  uint32_t extra_bytes_ = 0;
  uint32_t crc_ = 0;  // up to the field of that name
  std::string_view error_;
};

}  // namespace tally

#endif  // TALLY_WORKER_GZIP_HEADER_H_
