#include "worker/gzip_header.h"

namespace tally {
namespace {

constexpr uint32_t kFixedBytes = 10;  // magic, method, flags, time, extra flags, system
constexpr uint32_t kNumberBytes = 2;

constexpr uint8_t kDeflate = 8;

constexpr uint8_t kHasChecksum = 0x02;
constexpr uint8_t kHasExtra = 0x04;
constexpr uint8_t kHasName = 0x08;
constexpr uint8_t kHasComment = 0x10;
constexpr uint8_t kReserved = 0xe0;

}  // namespace

void GzipHeader::Take(uint8_t byte) {
  if (field_ != Field::kChecksum) crc_ = crc32_(crc_, &byte, 1);
  number_ |= taken_ < kNumberBytes ? uint32_t{byte} << (8 * taken_) : 0;
  ++taken_;
  switch (field_) {
    case Field::kFixed:
      TakeFixed(byte);
      break;
    case Field::kExtraBytes:
      extra_bytes_ = number_;
      if (taken_ == kNumberBytes) EndField();
      break;
    case Field::kExtra:
      if (taken_ == extra_bytes_) EndField();
      break;
    case Field::kName:
    case Field::kComment:
      if (byte == 0) EndField();
      break;
    case Field::kChecksum:
      if (taken_ < kNumberBytes) break;
      if (number_ != (crc_ & 0xffff)) error_ = "header crc mismatch";
      EndField();
      break;
    case Field::kEnd:
      break;
  }
}

void GzipHeader::TakeFixed(uint8_t byte) {
  constexpr uint32_t kUpToMethod = 3;
  constexpr uint32_t kUpToFlags = 4;
  if (taken_ == kUpToMethod) method_ = byte;
  if (taken_ == kUpToFlags) {
    flags_ = byte;
    if (method_ != kDeflate) {
      error_ = "unknown compression method";
    } else if ((flags_ & kReserved) != 0) {
      error_ = "unknown header flags set";
    }
  }
  if (taken_ == kFixedBytes) EndField();
}

void GzipHeader::EndField() {
  do {
    field_ = static_cast<Field>(static_cast<int>(field_) + 1);
  } while (!Has(field_));
  taken_ = 0;
  number_ = 0;
}

bool GzipHeader::Has(Field field) const {
  switch (field) {
    case Field::kExtraBytes:
      return (flags_ & kHasExtra) != 0;
    case Field::kExtra:
      return extra_bytes_ > 0;
    case Field::kName:
      return (flags_ & kHasName) != 0;
    case Field::kComment:
      return (flags_ & kHasComment) != 0;
    case Field::kChecksum:
      return (flags_ & kHasChecksum) != 0;
    case Field::kFixed:
    case Field::kEnd:
      return true;
  }
  return true;
}

}  // namespace tally
