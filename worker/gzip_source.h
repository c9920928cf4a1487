// Gzip as a stream of the text that it holds.
#ifndef TALLY_WORKER_GZIP_SOURCE_H_
#define TALLY_WORKER_GZIP_SOURCE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "worker/byte_source.h"
#include "worker/inflater.h"

namespace tally {

/// Inflates gzip from `compressed`: every member of it. Zero bytes after the last member are
/// padding; anything else there, a member that ends early, and a wrong checksum are errors, with
/// the offset in the compressed stream.
std::unique_ptr<ByteSource> MakeGzipSource(std::unique_ptr<ByteSource> compressed, std::string name,
                                           InflateLibrary library = InflateLibraries().front());

/// Whether a file that starts with these bytes is gzip (RFC 1952: 1f 8b, and 08 for the only way to
/// compress), be it damaged behind the first two. Three of them are enough to tell.
constexpr size_t kGzipMagicBytes = 3;
bool LooksLikeGzip(std::string_view first_bytes);

/// Whether it may be gzip, with one of these bytes damaged or some missing, where its name says
/// that it is gzip.
bool LooksLikeDamagedGzip(std::string_view first_bytes);

}  // namespace tally

#endif  // TALLY_WORKER_GZIP_SOURCE_H_
