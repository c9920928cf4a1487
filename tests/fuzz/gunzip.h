// Reads gzip with the reader of the program, for the fuzzers.
#ifndef TALLY_TESTS_FUZZ_GUNZIP_H_
#define TALLY_TESTS_FUZZ_GUNZIP_H_

#include <fuzzer/FuzzedDataProvider.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "tests/fuzz/check.h"
#include "tests/memory_source.h"
#include "worker/gzip_source.h"

namespace tally::fuzz {

struct Unzipped {
  std::string text;   // up to the end or the error
  std::string error;  // empty: none

  bool operator==(const Unzipped&) const = default;
};

/// How much is asked for at a time: of the text, and of the compressed bytes.
struct ReadSizes {
  size_t text_bytes = 64 << 10;
  size_t file_bytes = std::string::npos;

  static ReadSizes Draw(FuzzedDataProvider* input) {
    return {.text_bytes = input->ConsumeIntegralInRange<size_t>(1, 1000),
            .file_bytes = input->ConsumeIntegralInRange<size_t>(1, 1000)};
  }
};

/// Reads to the end or the first error, which has to come again at the next read.
inline Unzipped Gunzip(const std::string& bytes, const ReadSizes& sizes,
                       InflateLibrary library = InflateLibraries().front()) {
  const auto source =
      MakeGzipSource(std::make_unique<MemorySource>(bytes, sizes.file_bytes), "x.gz", library);
  Unzipped unzipped;
  std::vector<char> buffer(sizes.text_bytes);
  try {
    while (const size_t count = source->Read(buffer.data(), buffer.size())) {
      Check(count <= buffer.size(), "{} bytes read into {}", count, buffer.size());
      unzipped.text.append(buffer.data(), count);
      Check(source->file_bytes_consumed() <= bytes.size(), "more consumed than there is");
    }
    CheckEqual(source->file_bytes_consumed(), bytes.size(), "bytes consumed at the end");
  } catch (const Error& error) {
    unzipped.error = error.what();
    Check(!unzipped.error.empty(), "an error says nothing");
    try {
      source->Read(buffer.data(), buffer.size());
      Check(false, "an error is forgotten: {}", unzipped.error);
    } catch (const Error& again) {
      CheckEqual(again.what(), unzipped.error, "the error of a second read");
    }
  }
  return unzipped;
}

}  // namespace tally::fuzz

#endif  // TALLY_TESTS_FUZZ_GUNZIP_H_
