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

/// A key that counts 1, as a piece of the text.
struct Token {
  const char* begin;
  const char* end;

  std::string_view key_view() const { return {begin, end}; }
};

/// What a record and a token have in common.
inline const char* KeyBytesOf(const Record& record) { return record.key; }
inline const char* KeyBytesOf(const Token& token) { return token.begin; }
inline size_t KeySizeOf(const Record& record) { return record.key_size; }
inline size_t KeySizeOf(const Token& token) { return static_cast<size_t>(token.end - token.begin); }
inline uint64_t AmountOf(const Record& record) { return record.amount; }
inline uint64_t AmountOf(const Token& /*token*/) { return 1; }
inline uint64_t RecordsOf(const Record& record) { return record.records; }
inline uint64_t RecordsOf(const Token& /*token*/) { return 1; }

}  // namespace tally

#endif  // TALLY_WORKER_RECORD_H_
