// Experiment `shared-table`: all workers count the words of a file in one table. This is what
// `tally count` does not do: there, each worker has a table of its own.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <string>

#include "common/cut.h"
#include "common/error.h"
#include "common/escape.h"
#include "common/hash.h"
#include "common/input.h"
#include "common/robust_mutex.h"
#include "master/bus_error.h"
#include "master/input_opener.h"
#include "master/progress_line.h"
#include "master/race/experiments.h"
#include "master/text_table.h"
#include "worker/word_parser.h"

namespace tally::race {
namespace {

constexpr size_t kMostTextBytes = size_t{8} << 20;  // for all workers
constexpr uint32_t kBuckets = 1 << 14;
constexpr uint32_t kMostNodes = 1 << 20;  // of each worker
constexpr size_t kMostWords = 100'000;    // different ones: far fewer, even if all are put in twice
constexpr uint32_t kNoNode = 0;

// A word as a place in the text: one number, so that it is stored in one step.
uint64_t WordAt(std::string_view text, std::string_view word) {
  return static_cast<uint64_t>(word.data() - text.data()) << 24 | word.size();
}
std::string_view WordOf(std::string_view text, uint64_t place) {
  return text.substr(place >> 24, place & 0xffffff);
}

struct Node {
  std::atomic<uint64_t> word{0};
  std::atomic<uint64_t> count{0};
  std::atomic<uint32_t> next{kNoNode};
};

// Chains of nodes; every worker takes new nodes from a part of the pool that is its own. Without a
// lock two things can go wrong: two workers add to one node, or both find no node for a word and
// put one there each.
template <class Mutex, uint32_t kMutexes>
class WordTable {
 public:
  WordTable() : pool_(SharedRegion::Reserve(kMaxCrew * size_t{kMostNodes} * sizeof(Node))) {}

  template <class Log>
  void AddOne(uint32_t worker, std::string_view text, std::string_view word, RaceWindow window,
              Log& log) {
    const uint64_t hash = HashBytes(word.data(), word.size(), /*seed=*/0);
    const auto bucket = static_cast<uint32_t>(hash % kBuckets);
    const boost::interprocess::scoped_lock<Mutex> lock(mutexes_[bucket % kMutexes]);
    for (uint32_t number = heads_[bucket]; number != kNoNode; number = node(number).next) {
      if (WordOf(text, node(number).word) != word) continue;
      const uint64_t seen = node(number).count.load();
      log.Note(Operation::kLoad, number, seen);
      window.Pass();
      log.Note(Operation::kStore, number, seen + 1);
      node(number).count.store(seen + 1);
      return;
    }
    const uint32_t number = NewNode(worker);
    if (number == kNoNode) return;
    node(number).word = WordAt(text, word);
    node(number).count = 1;
    window.Pass();
    const uint32_t head = heads_[bucket].load();
    node(number).next = head;
    window.Pass();
    heads_[bucket].store(number);
  }

  /// Calls visit(word, count) for each node.
  template <class Visitor>
  void Visit(std::string_view text, const Visitor& visit) const {
    for (const auto& head : heads_) {
      for (uint32_t number = head; number != kNoNode; number = node(number).next) {
        visit(WordOf(text, node(number).word), node(number).count.load());
      }
    }
  }

  std::string_view WordOfNode(std::string_view text, uint32_t number) const {
    return WordOf(text, node(number).word);
  }

 private:
  Node& node(uint32_t number) const { return reinterpret_cast<Node*>(pool_.data())[number]; }
  uint32_t NewNode(uint32_t worker) {
    const uint32_t used = ++used_[worker];
    return used < kMostNodes ? worker * kMostNodes + used : kNoNode;
  }

  std::array<Mutex, kMutexes> mutexes_;
  std::array<std::atomic<uint32_t>, kBuckets> heads_{};
  std::array<uint32_t, kMaxCrew> used_{};  // each written by one worker
  SharedRegion pool_;
};

using UnsafeTable = WordTable<NullMutex, 1>;

// A table for each worker; they are added up once all are done.
class PrivateTables {
 public:
  explicit PrivateTables(uint32_t workers) {
    while (own_.size() < workers) own_.push_back(std::make_unique<SharedValue<UnsafeTable>>());
  }

  template <class Log>
  void AddOne(uint32_t worker, std::string_view text, std::string_view word, RaceWindow window,
              Log& log) {
    (*own_[worker])->AddOne(worker, text, word, window, log);
  }
  template <class Visitor>
  void Visit(std::string_view text, const Visitor& visit) const {
    std::map<std::string_view, uint64_t> merged;
    for (const auto& table : own_) {
      (*table)->Visit(text, [&](std::string_view word, uint64_t count) { merged[word] += count; });
    }
    for (const auto& [word, count] : merged) visit(word, count);
  }

 private:
  std::vector<std::unique_ptr<SharedValue<UnsafeTable>>> own_;
};

// The words of a text, handed on one by one while on_word() returns true.
template <class OnWord>
void ForEachWord(std::string_view text, const OnWord& on_word) {
  struct Sink {
    const OnWord& on_word;
    bool Add(std::span<const Token> words) {
      return std::all_of(words.begin(), words.end(),
                         [this](const Token& word) { return on_word(word.key_view()); });
    }
    bool Reject(const BadLine&) { return true; }
  };
  Sink sink{on_word};
  WordParser().Parse(text, sink);
}

// The start of a file, and what is right.
class Book {
 public:
  Book(const std::string& path, uint32_t workers)
      : paths_({path == "-" ? "./-" : path}),  // a file of that name, not standard input
        inputs_(Open(paths_[0])),
        bus_errors_(inputs_, paths_) {
    if (inputs_[0].gzip) {
      throw Error(
          fmt::format("{}: is compressed, and this experiment reads plain text only; unpack "
                      "it with gzip -d",
                      EscapeForMessage(path)));
    }
    if (inputs_[0].is_stream()) throw SystemError(path, "cannot be mapped", inputs_[0].cannot_map);
    const std::string_view all = *inputs_[0].text;
    text_ = all.substr(0, FirstCut(all, kMostTextBytes / workers, CutRule::kAtSpace));
    size_t end = 0;
    ForEachWord(text_, [&](std::string_view word) {
      ++counts_[word];
      ++words_;
      end = static_cast<size_t>(word.data() + word.size() - text_.data());
      return counts_.size() < kMostWords;
    });
    if (counts_.size() == kMostWords) text_ = text_.substr(0, end);
  }

  std::string_view text() const { return text_; }
  const std::map<std::string_view, uint64_t>& counts() const { return counts_; }
  uint64_t words() const { return words_; }
  bool is_cut() const { return text_.size() < inputs_[0].text->size(); }

  /// For a worker that is a process, before it reads the text.
  void LeaveFailuresToMaster() { bus_errors_.LeaveToMaster(&*failure_); }

  /// Throws an Error where the file is no longer what it was, or a worker could not read it.
  void Check() const {
    ThrowIfChanged(inputs_, paths_);
    if (failure_->error == 0) return;
    throw SystemError(paths_[0], fmt::format("cannot be read at byte {}", failure_->file_offset),
                      failure_->error);
  }

 private:
  static std::vector<Input> Open(const std::string& path) {
    struct stat status;
    if (stat(path.c_str(), &status) != 0) throw SystemError(path, "cannot be opened", errno);
    if (!S_ISREG(status.st_mode) || status.st_size == 0) {
      throw Error(fmt::format("{}: is not a file with words in it; name a text file",
                              EscapeForMessage(path)));
    }
    return OpenInputs({path}, [](const std::string&) {});
  }

  std::vector<std::string> paths_;
  std::vector<Input> inputs_;
  BusErrorReport bus_errors_;
  SharedValue<PageFailure> failure_;
  std::string_view text_;
  std::map<std::string_view, uint64_t> counts_;
  uint64_t words_ = 0;
};

template <class Table, class LogOf>
Crew::Trial CountWords(Book* book, Table* table, const Setup& setup, const LogOf& log_of) {
  Crew crew = setup.MakeCrew();
  const std::string_view text = book->text();
  const pid_t master = getpid();
  const auto body = [&](uint32_t worker) {
    if (getpid() != master) book->LeaveFailuresToMaster();
    auto&& log = log_of(worker);
    for (uint64_t round = 0; round < setup.rounds && !crew.stopped(); ++round) {
      ForEachWord(text, [&](std::string_view word) {
        table->AddOne(worker, text, word, setup.window, log);
        return !crew.stopped();
      });
    }
  };
  try {
    const Crew::Trial trial = crew.Run(body);
    book->Check();
    return trial;
  } catch (const Error&) {
    book->Check();  // a better reason why a worker died
    throw;
  }
}

// What a table has, against what is right.
struct Comparison {
  uint64_t counted = 0;
  uint64_t in_two_nodes = 0;  // words
  std::string_view worst;     // the word that lost most
  uint64_t worst_expected = 0;
  uint64_t worst_actual = 0;
};

template <class Table>
Comparison Compare(const Book& book, const Table& table, uint64_t times) {
  struct Found {
    uint64_t count = 0;
    uint64_t nodes = 0;
  };
  std::map<std::string_view, Found> found;
  table.Visit(book.text(), [&](std::string_view word, uint64_t count) {
    found[word].count += count;
    ++found[word].nodes;
  });
  Comparison comparison;
  for (const auto& [word, in_book] : book.counts()) {
    const uint64_t expected = in_book * times;
    const Found actual = found[word];
    comparison.counted += actual.count;
    comparison.in_two_nodes += actual.nodes > 1 ? 1 : 0;
    if (expected - actual.count > comparison.worst_expected - comparison.worst_actual) {
      comparison.worst = word;
      comparison.worst_expected = expected;
      comparison.worst_actual = actual.count;
    }
  }
  return comparison;
}

template <class Table, class... Arguments>
Variant Measure(std::string name, Book* book, const Setup& setup, Report* report,
                Arguments... arguments) {
  SharedValue<Table> table(arguments...);
  const Crew::Trial trial = CountWords(book, &*table, setup, [](uint32_t) { return NoRing(); });
  const uint64_t times = setup.workers * setup.rounds;
  const uint64_t expected = book->words() * times;
  const Comparison comparison = Compare(*book, *table, times);
  if (trial.finished && comparison.counted < expected) {
    report->findings.push_back(fmt::format("{}: \"{}\" lost most: expected {}, actual {}", name,
                                           EscapeForMessage(comparison.worst, 40),
                                           WithCommas(comparison.worst_expected),
                                           WithCommas(comparison.worst_actual)));
  }
  if (comparison.in_two_nodes > 0) {
    report->findings.push_back(fmt::format("{}: {} words are in the table twice or more often",
                                           name, WithCommas(comparison.in_two_nodes)));
  }
  return MakeVariant(std::move(name), expected, comparison.counted, trial,
                     fmt::format("{} words twice", WithCommas(comparison.in_two_nodes)));
}

}  // namespace

Report RunSharedTable(const Setup& setup) {
  Book book(setup.file, setup.workers);
  Report report;
  if (book.is_cut()) {
    report.findings.push_back(fmt::format("only the first {} of the file are counted",
                                          FormatBytes(static_cast<double>(book.text().size()))));
  }
  report.variants.push_back(Measure<UnsafeTable>("unsafe", &book, setup, &report));
  report.variants.push_back(Measure<WordTable<RobustMutex, 1>>("mutex", &book, setup, &report));
  report.variants.push_back(
      Measure<WordTable<RobustMutex, 256>>("striped-locks", &book, setup, &report));
  report.variants.push_back(
      Measure<PrivateTables>("private-then-merge", &book, setup, &report, setup.workers));
  std::map<uint32_t, std::string> names;
  Capture(
      setup,
      [&] {
        SharedValue<UnsafeTable> table;
        const EventRings rings(setup.workers);
        CountWords(&book, &*table, setup,
                   [&rings](uint32_t worker) -> EventRing& { return rings.of(worker); });
        std::vector<WorkerEvent> events = rings.Merged();
        for (const WorkerEvent& event : events) {
          names[event.event.object] = EscapeForMessage(
              table->WordOfNode(book.text(), event.event.object), /*max_bytes=*/20);
        }
        return events;
      },
      FindLostUpdate, &report);
  report.describe = [names](const Event& event) {
    return fmt::format("{} {} = {}", OperationName(event.operation), names.at(event.object),
                       event.value);
  };
  report.explanation =
      "One table for all means that every word is an update that somebody else may slip into: "
      "counts are lost, and words are put in twice. One lock makes it right, and the workers wait "
      "in line; a lock for each stripe of the table lets those pass who want different words. "
      "Tables that nobody shares need no lock at all, and are added up once: this is how tally "
      "counts.";
  report.try_next =
      fmt::format("tally race shared-table {} --race-window none   (who needs no wait?)",
                  EscapeForMessage(setup.file));
  return report;
}

}  // namespace tally::race
