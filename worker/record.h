// What parsers make of a text.
#ifndef TALLY_WORKER_RECORD_H_
#define TALLY_WORKER_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tally {

/// A key and what it counts; or several records that come one after the other with the same key,
/// and the sum of their amounts. (Without initializers: arrays of them are filled as far as
/// needed.)
struct Record {
  const char* key;  // in the text
  size_t key_size;
  uint64_t amount;
  uint64_t records;  // how many they are

  std::string_view key_view() const { return {key, key_size}; }
};

}  // namespace tally

#endif  // TALLY_WORKER_RECORD_H_
