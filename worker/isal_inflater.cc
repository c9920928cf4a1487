#include "worker/isal_inflater.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <isa-l.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "worker/gzip_header.h"

namespace tally {
namespace {

// What is used of the library.
struct Isal {
  decltype(&isal_inflate_init) inflate_init = nullptr;
  decltype(&isal_inflate) inflate = nullptr;
  decltype(&crc32_gzip_refl) crc32 = nullptr;

  bool is_there() const { return inflate_init && inflate && crc32; }
};

template <class Function>
void Find(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
}

Isal OpenIsal() {
  const std::string file = fmt::format("libisal.so.{}", ISAL_MAJOR_VERSION);
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);  // never closed
  Isal isal;
  if (library == nullptr) return isal;
  Find(library, "isal_inflate_init", &isal.inflate_init);
  Find(library, "isal_inflate", &isal.inflate);
  Find(library, "crc32_gzip_refl", &isal.crc32);
  return isal;
}

// Opened when it is first asked for: to load it takes a twelfth of a run on a small file.
const Isal& TheIsal() {
  static const Isal kIsal = OpenIsal();
  return kIsal;
}

uint32_t Crc32(uint32_t crc, const uint8_t* bytes, size_t size) {
  return TheIsal().crc32(crc, bytes, size);
}

std::string_view ErrorText(int status) {
  switch (status) {
    case ISAL_INVALID_BLOCK:
      return "invalid block header";
    case ISAL_INVALID_SYMBOL:
      return "invalid literal/length or distance code";
    case ISAL_INVALID_LOOKBACK:
      return "invalid distance too far back";
    default:
      return "invalid data";
  }
}

// Of its buffer for text, only the start is in use.
void CopyState(const inflate_state& from, inflate_state* to) {
  std::memcpy(to, &from,
              offsetof(inflate_state, tmp_out_buffer) + static_cast<size_t>(from.tmp_out_valid));
}

// ISA-L has readers for headers and trailers of its own, but takes flags that nobody knows, and
// does not tell a wrong checksum from a wrong length. So it gets what is between them.
class IsalInflater : public Inflater {
 public:
  void StartMember() override {
    header_ = GzipHeader(Crc32);
    isal_.inflate_init(&state_);
    state_.crc_flag = ISAL_GZIP_NO_HDR;  // computes the checksum, but does not look for it
    phase_ = Phase::kHeader;
    size_ = 0;
    trailer_bytes_ = 0;
    trailer_ = 0;
    error_ = {};
  }

  Status Inflate(Buffers* buffers) override;
  std::string_view error() const override { return error_; }

 private:
  enum class Phase { kHeader, kDeflated, kTrailer, kEnd };

  // Less room is not given to ISA-L, which has some work with each call: it inflates into `text_`
  // then.
  static constexpr size_t kLeastRoom = size_t{64} << 10;
  static constexpr size_t kTextBytes = size_t{128} << 10;
  static constexpr size_t kMostAtOnce = size_t{1} << 30;  // ISA-L counts in 32 bits

  void ReadHeader(Buffers* buffers);
  void InflateSome(Buffers* buffers);
  int Call(Buffers* buffers);
  int InflateUpToDamage(const uint8_t* begin, size_t size);
  void ReadTrailer(Buffers* buffers);
  void HandOutText(Buffers* buffers);

  const Isal& isal_ = TheIsal();
  GzipHeader header_{Crc32};
  inflate_state state_{};
  inflate_state before_{};  // the last call
  Phase phase_ = Phase::kEnd;
  uint32_t size_ = 0;  // of the member's text, as its trailer has it
  uint32_t trailer_bytes_ = 0;
  uint64_t trailer_ = 0;
  std::string_view error_;
  std::vector<char> text_;  // that found no room yet, from `text_used_` on
  size_t text_used_ = 0;
};

Inflater::Status IsalInflater::Inflate(Buffers* buffers) {
  if (phase_ == Phase::kHeader && error_.empty()) ReadHeader(buffers);
  if (text_used_ == text_.size() && phase_ == Phase::kDeflated && error_.empty()) {
    InflateSome(buffers);
  }
  HandOutText(buffers);
  if (text_used_ < text_.size()) return Status::kGoOn;
  if (phase_ == Phase::kTrailer && error_.empty()) ReadTrailer(buffers);
  if (!error_.empty()) return Status::kCorrupt;
  return phase_ == Phase::kEnd ? Status::kMemberEnd : Status::kGoOn;
}

void IsalInflater::ReadHeader(Buffers* buffers) {
  while (buffers->avail_in > 0 && !header_.is_whole() && header_.error().empty()) {
    header_.Take(*buffers->next_in++);
    --buffers->avail_in;
  }
  error_ = header_.error();
  if (header_.is_whole()) phase_ = Phase::kDeflated;
}

void IsalInflater::InflateSome(Buffers* buffers) {
  text_used_ = 0;
  if (buffers->avail_out >= kLeastRoom) {
    text_.clear();
    if (Call(buffers) >= 0) return;
  } else {
    text_.resize(kTextBytes);
    Buffers inner{buffers->next_in, buffers->avail_in, text_.data(), text_.size()};
    const int status = Call(&inner);
    buffers->next_in = inner.next_in;
    buffers->avail_in = inner.avail_in;
    if (status >= 0) text_.resize(text_.size() - inner.avail_out);
  }
}

// Where it meets damage, all of its text is in `text_`.
int IsalInflater::Call(Buffers* buffers) {
  const uint8_t* const begin = buffers->next_in;
  const auto avail_in = static_cast<uint32_t>(std::min(buffers->avail_in, kMostAtOnce));
  const auto room = static_cast<uint32_t>(std::min(buffers->avail_out, kMostAtOnce));
  CopyState(state_, &before_);
  state_.next_in = const_cast<uint8_t*>(begin);
  state_.avail_in = avail_in;
  state_.next_out = reinterpret_cast<uint8_t*>(buffers->next_out);
  state_.avail_out = room;
  int status = isal_.inflate(&state_);
  if (status < 0) {
    status = InflateUpToDamage(begin, avail_in);
    error_ = ErrorText(status);
  } else {
    const uint32_t count = room - state_.avail_out;
    size_ += count;
    buffers->next_out += count;
    buffers->avail_out -= count;
  }
  if (state_.block_state == ISAL_BLOCK_FINISH) phase_ = Phase::kTrailer;
  // What it has taken in advance. (From 2.31 on, it gives that back itself at the end.)
  if (!error_.empty() || phase_ == Phase::kTrailer) {
    state_.next_in -= std::max(state_.read_in_length, 0) / 8;
  }
  buffers->avail_in -= static_cast<size_t>(state_.next_in - begin);  // or adds to it
  buffers->next_in = state_.next_in;
  return status;
}

// The loop that makes ISA-L fast moves on over a copy before it sees that there is nothing to be
// copied, so at an error nobody can say how much of the output is text. Its other loop, for the
// last bytes of the input, looks first. So the bytes are given to it once more, one by one, which
// also tells of damage at the same byte however many came at a time.
int IsalInflater::InflateUpToDamage(const uint8_t* begin, size_t size) {
  CopyState(before_, &state_);
  text_.clear();
  std::vector<uint8_t> piece(kTextBytes);  // more than one byte comes to, with what is held back
  state_.next_in = const_cast<uint8_t*>(begin);
  for (size_t used = 0; used < size; ++used) {
    state_.avail_in = 1;
    state_.next_out = piece.data();
    state_.avail_out = static_cast<uint32_t>(piece.size());
    const int status = isal_.inflate(&state_);
    text_.insert(text_.end(), piece.data(), state_.next_out);
    if (status < 0) return status;
  }
  return ISAL_INVALID_OPERATION;  // never: the same bytes cannot be right now
}

void IsalInflater::HandOutText(Buffers* buffers) {
  const size_t count = std::min(text_.size() - text_used_, buffers->avail_out);
  std::copy_n(text_.data() + text_used_, count, buffers->next_out);
  text_used_ += count;
  buffers->next_out += count;
  buffers->avail_out -= count;
}

// As zlib does: of a wrong checksum is told before the size is there.
void IsalInflater::ReadTrailer(Buffers* buffers) {
  constexpr uint32_t kFieldBytes = 4;
  while (buffers->avail_in > 0 && error_.empty() && trailer_bytes_ < 2 * kFieldBytes) {
    trailer_ |= uint64_t{*buffers->next_in++} << (8 * trailer_bytes_++);
    --buffers->avail_in;
    if (trailer_bytes_ == kFieldBytes && trailer_ != state_.crc) error_ = "incorrect data check";
  }
  if (!error_.empty() || trailer_bytes_ < 2 * kFieldBytes) return;
  if (trailer_ >> (8 * kFieldBytes) != size_) error_ = "incorrect length check";
  phase_ = Phase::kEnd;
}

}  // namespace

bool IsIsalThere() { return TheIsal().is_there(); }

std::unique_ptr<Inflater> MakeIsalInflater() { return std::make_unique<IsalInflater>(); }

std::string IsalName() {
  return fmt::format("ISA-L {}.{}.{}", ISAL_MAJOR_VERSION, ISAL_MINOR_VERSION, ISAL_PATCH_VERSION);
}

}  // namespace tally
