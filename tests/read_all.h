// A ByteSource, read to its end.
#ifndef TALLY_TESTS_READ_ALL_H_
#define TALLY_TESTS_READ_ALL_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "common/error.h"
#include "worker/byte_source.h"

namespace tally {

constexpr size_t kReadSizes[] = {1, 2, 3, 7, 64 << 10};

inline std::string ReadAll(ByteSource* source, size_t read_bytes = 64 << 10) {
  std::string all;
  std::vector<char> buffer(read_bytes);
  while (const size_t count = source->Read(buffer.data(), buffer.size())) {
    all.append(buffer.data(), count);
  }
  EXPECT_EQ(source->Read(buffer.data(), buffer.size()), 0U);
  return all;
}

struct ReadOutcome {
  std::string content;
  std::string error;  // empty: none
};

/// Reads to the end or the first error, which has to come again at the next read.
inline ReadOutcome ReadUntilError(ByteSource* source, size_t read_bytes = 64 << 10) {
  ReadOutcome outcome;
  std::vector<char> buffer(read_bytes);
  try {
    while (const size_t count = source->Read(buffer.data(), buffer.size())) {
      outcome.content.append(buffer.data(), count);
    }
  } catch (const Error& error) {
    outcome.error = error.what();
    EXPECT_THROW(source->Read(buffer.data(), buffer.size()), Error);
  }
  return outcome;
}

}  // namespace tally

#endif  // TALLY_TESTS_READ_ALL_H_
