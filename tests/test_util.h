// What several tests need: a sink that remembers, numbers that look random, and child processes.
#ifndef TALLY_TESTS_TEST_UTIL_H_
#define TALLY_TESTS_TEST_UTIL_H_

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <limits>
#include <new>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/shared_value.h"
#include "master/signals.h"
#include "tests/padded_text.h"
#include "worker/parser.h"

namespace tally {

/// For tests of what executors do: the stop signals are noted as in the program, even where whoever
/// started the tests had them ignored.
inline void NoteStopSignalsAfresh() {
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) signal(signal_number, SIG_DFL);
  NoteStopSignals();
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): the
/// same numbers on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  uint64_t Below(uint64_t limit) { return Next() % limit; }

  template <class Container>
  const auto& Pick(const Container& choices) {
    return choices[Below(std::size(choices))];
  }

  /// `size_bytes` bytes made of whole pieces, cut where they do not fit.
  std::string Text(size_t size_bytes, const std::vector<std::string>& pieces) {
    std::string text;
    while (text.size() < size_bytes) text += Pick(pieces);
    text.resize(size_bytes);
    return text;
  }

 private:
  uint64_t state_;
};

using KeyAmount = std::pair<std::string, uint64_t>;

/// A BadLine that owns its text.
struct Rejected {
  std::string line;
  uint64_t line_in_text;
  std::string reason;

  bool operator==(const Rejected&) const = default;
  friend void PrintTo(const Rejected& rejected, std::ostream* out) {
    *out << "line " << rejected.line_in_text << ", " << testing::PrintToString(rejected.line)
         << ": " << rejected.reason;
  }
};

/// Stores what it is given; asks to stop after so many records and lines.
class RecordingSink {
 public:
  static constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

  explicit RecordingSink(uint64_t stop_after = kNever) : calls_left_(stop_after) {}

  template <class Item>
  bool Add(std::span<const Item> added) {
    EXPECT_GT(calls_left_, 0U) << "the parser goes on where it was told to stop";
    for (const Item& item : added) {
      const bool may_be_long = std::is_same_v<Item, Record> || &item == added.data();
      EXPECT_TRUE(may_be_long || KeySizeOf(item) <= kMaxKeyBytes);
      if (calls_left_ == 0) return false;
      records.emplace_back(item.key_view(), AmountOf(item));
      record_count += RecordsOf(item);
      --calls_left_;
    }
    return calls_left_ > 0;
  }
  bool Reject(const BadLine& bad) {
    rejected.push_back({std::string(bad.line), bad.line_in_text, bad.reason});
    return --calls_left_ > 0;
  }

  std::vector<KeyAmount> records;  // those that came as one are one here
  uint64_t record_count = 0;
  std::vector<Rejected> rejected;

 private:
  uint64_t calls_left_;
};

static_assert(SinkOf<RecordingSink, Record> && SinkOf<RecordingSink, Token>);

/// What a parser makes of a text.
struct Parsed {
  std::vector<KeyAmount> records;
  std::vector<Rejected> rejected;
  uint64_t lines = 0;  // of a text that was parsed to the end

  bool operator==(const Parsed&) const = default;
  friend void PrintTo(const Parsed& parsed, std::ostream* out) {
    *out << "records " << testing::PrintToString(parsed.records) << ", rejected "
         << testing::PrintToString(parsed.rejected) << ", lines " << parsed.lines;
  }
};

/// Runs the parser on copies of the text that are followed by different bytes, which must not
/// matter, and that end at the end of readable memory.
template <Parser P>
Parsed ParseText(const P& parser, std::string_view text,
                 uint64_t stop_after = RecordingSink::kNever) {
  const auto parse = [&](const PaddedText& padded) {
    RecordingSink sink(stop_after);
    const uint64_t lines = parser.Parse(padded.view(), sink);
    const bool whole = sink.records.size() + sink.rejected.size() < stop_after;
    return Parsed{std::move(sink.records), std::move(sink.rejected), whole ? lines : 0};
  };
  Parsed parsed = parse(PaddedText::AtPageEnd(text));
  for (const char padding : {'\t', ' ', '7', '\x80', '\r'}) {
    EXPECT_EQ(parse(PaddedText(text, padding)), parsed)
        << "followed by " << testing::PrintToString(padding);
  }
  return parsed;
}

/// Returns once the process sleeps in a system call (or has ended).
inline void WaitUntilBlocked(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  for (;;) {
    std::string stat;
    std::getline(std::ifstream(path), stat);
    const size_t name_end = stat.rfind(") ");  // then comes a letter for the state
    if (name_end == std::string::npos || stat[name_end + 2] == 'S') return;
    if (stat[name_end + 2] == 'Z') return;
    sched_yield();
  }
}

/// A forked process that runs `body` and exits with 0 where that returns true. Nothing waits for
/// ever: it dies by SIGALRM where it takes too long, and by SIGKILL where it is no longer wanted.
class Child {
 public:
  template <class Body>
  explicit Child(Body body) : pid_(fork()) {
    if (pid_ == 0) Run(body);
  }
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (pid_ > 0) Kill();
  }

  pid_t pid() const { return pid_; }

  /// Its wait status; 0: the body returned true.
  int Wait() {
    int status = -1;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    pid_ = 0;
    return status;
  }

  int Kill() {
    kill(pid_, SIGKILL);
    return Wait();
  }

  void WaitUntilBlocked() const { tally::WaitUntilBlocked(pid_); }

 private:
  template <class Body>
  [[noreturn]] static void Run(Body& body) noexcept {
    alarm(60);
    _exit(body() ? 0 : 1);
  }

  pid_t pid_;
};

inline bool DiedBy(int wait_status, int signal_number) {
  return WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == signal_number;
}

/// Lets one process wait for another.
class Pipe {
 public:
  Pipe() {
    if (pipe(ends_.data()) != 0) throw std::bad_alloc();
  }
  ~Pipe() {
    for (const int end : ends_) {
      if (end >= 0) close(end);
    }
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }
  void CloseWriteEnd() { close(std::exchange(ends_[1], -1)); }

  bool Send() const { return write(write_end(), "", 1) == 1; }
  /// False where nobody is left to send.
  bool Receive() const {
    char byte;
    return read(read_end(), &byte, 1) == 1;
  }

 private:
  std::array<int, 2> ends_{};
};

}  // namespace tally

#endif  // TALLY_TESTS_TEST_UTIL_H_
