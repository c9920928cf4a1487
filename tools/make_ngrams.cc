// Makes files to test and measure tally with: n-grams in the shape of the published ones, or text
// with the word frequencies of a language; of any size; for the same options the same bytes on
// every machine. That is why it draws from its own generator and computes with integers only.

#include <fcntl.h>
#include <getopt.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "vocabulary.h"

namespace {

constexpr const char* kHelp =
    R"(Usage: make_ngrams [OPTION]... > FILE

  make_ngrams -o ngrams.tsv                         100 MiB of sorted v2 n-grams
  make_ngrams --bytes 400M --shuffled -o rows.tsv   rows in random order
  make_ngrams --format text --bytes 1G -o text.txt  word counts as in prose

The same options always make the same bytes.

  --format v1|v2|v3|text  which n-gram format, or text (v2)
  --bytes SIZE            about how much; K, M, G: powers of 1024 (100M)
  --words N               distinct words; each has a row at least, even if that
                          makes the file larger (0: one for 60 rows). In text
                          the vocabulary: its rarest words may be missing
                          (0: 200000)
  --seed N                other words, other counts (1)
  --shuffled              random order; else by word (bytes), then year
  --punctuation           text in sentences, with capitals and punctuation
  -o, --output FILE       instead of standard output
  -h, --help              this help
)";

constexpr uint64_t kMaxWords = 100'000'000;  // Four syllables are enough for these.
constexpr uint64_t kTextWords = 200'000;
constexpr uint64_t kRowsPerWord = 60;
constexpr uint64_t kFirstYear = 1505;
constexpr uint64_t kLastYear = 2008;
constexpr uint64_t kYears = kLastYear - kFirstYear + 1;

enum class Format { kV1, kV2, kV3, kText };

/// Bytes of a row of each format, on average, beside the word; a v3 "row" is one year.
constexpr std::array<uint64_t, 3> kRowBytes = {16, 13, 12};

uint64_t RowBytes(Format format, uint64_t word_bytes) {
  return kRowBytes[static_cast<size_t>(format)] + (format == Format::kV3 ? 0 : word_bytes);
}

struct Options {
  Format format = Format::kV2;
  uint64_t bytes = uint64_t{100} << 20;
  uint64_t words = 0;  // 0 until Resolve(), when not given
  uint64_t seed = 1;
  bool shuffled = false;
  bool punctuation = false;
  std::string path;  // empty: standard output
};

struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// splitmix64.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(Mix(seed)) {}

  uint64_t Next() { return Mix(state_ += 0x9e3779b97f4a7c15); }

  /// 0 <= result < limit. REQUIRES: 0 < limit <= 2^32.
  uint64_t Below(uint64_t limit) { return ((Next() >> 32) * limit) >> 32; }

  /// A number of at most `max_bits` + 1 bits: every length in bits equally likely, so that small
  /// numbers are common and large ones rare. REQUIRES: max_bits < 63.
  uint64_t LogUniform(uint64_t max_bits) {
    const uint64_t top_bit = uint64_t{1} << Below(max_bits + 1);
    return top_bit | (Next() & (top_bit - 1));
  }

 private:
  uint64_t state_;
};

/// A file that is written in large blocks. Throws when the system refuses.
class Sink {
 public:
  /// What can be written between two calls of Cursor().
  static constexpr size_t kRoom = 256;

  explicit Sink(const std::string& path) : name_(path.empty() ? "standard output" : path) {
    if (path.empty()) return;
    fd_ = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd_ < 0) Fail("cannot create");
  }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  ~Sink() {
    if (fd_ > STDERR_FILENO) close(fd_);
  }

  /// Where the next bytes go: kRoom of them. Advance() to the end of what was written.
  char* Cursor() {
    if (used_ + kRoom > kBufferBytes) Flush();
    return buffer_.get() + used_;
  }
  void Advance(const char* end) { used_ = static_cast<size_t>(end - buffer_.get()); }

  uint64_t bytes() const { return flushed_ + used_; }

  /// The last step: a full disk may show only here.
  void Close() {
    Flush();
    if (close(std::exchange(fd_, -1)) != 0) Fail("cannot write");
  }

 private:
  static constexpr size_t kBufferBytes = size_t{1} << 20;

  void Flush() {
    for (size_t done = 0; done < used_;) {
      const ssize_t n = write(fd_, buffer_.get() + done, used_ - done);
      if (n < 0 && errno != EINTR) Fail("cannot write");
      if (n > 0) done += static_cast<size_t>(n);
    }
    flushed_ += used_;
    used_ = 0;
  }

  [[noreturn]] void Fail(const char* what) const {
    throw std::runtime_error(name_ + ": " + what + ": " + std::generic_category().message(errno));
  }

  std::string name_;
  int fd_ = STDOUT_FILENO;
  std::unique_ptr<char[]> buffer_ = std::make_unique<char[]>(kBufferBytes);
  size_t used_ = 0;
  uint64_t flushed_ = 0;
};

char* AppendNumber(uint64_t number, char* out) { return std::to_chars(out, out + 20, number).ptr; }

/// Writes rows of n-grams.
class RowWriter {
 public:
  RowWriter(Format format, Random* random, Sink* sink)
      : format_(format), random_(random), sink_(sink) {}

  /// One row; not for v3.
  void WriteRow(const Word& word, uint64_t year) {
    char* out = Append(word, sink_->Cursor());
    *out++ = '\t';
    out = AppendCounts(word, year, out);
    *out++ = '\n';
    sink_->Advance(out);
  }

  /// All rows of a word, their years rising; more rows than years, and years repeat.
  void WriteRun(const Word& word, uint64_t rows) {
    const uint64_t span = rows < kYears ? rows + random_->Below(kYears - rows + 1) : kYears;
    const uint64_t first = kLastYear - span + 1;
    const uint64_t step = (span << 32) / rows;
    if (format_ != Format::kV3) {
      for (uint64_t i = 0; i < rows; ++i) WriteRow(word, first + ((i * step) >> 32));
      return;
    }
    sink_->Advance(Append(word, sink_->Cursor()));
    for (uint64_t i = 0; i < rows; ++i) {
      char* out = sink_->Cursor();
      *out++ = '\t';
      sink_->Advance(AppendCounts(word, first + ((i * step) >> 32), out));
    }
    char* out = sink_->Cursor();
    *out++ = '\n';
    sink_->Advance(out);
  }

 private:
  /// volume_count <= page_count <= match_count.
  char* AppendCounts(const Word& word, uint64_t year, char* out) {
    const char separator = format_ == Format::kV3 ? ',' : '\t';
    const uint64_t match = random_->LogUniform(word.magnitude);
    const auto match_bits = static_cast<uint64_t>(std::bit_width(match));
    const uint64_t volume = match >> random_->Below(match_bits / 2 + 1);
    out = AppendNumber(year, out);
    *out++ = separator;
    out = AppendNumber(match, out);
    *out++ = separator;
    if (format_ == Format::kV1) {
      out = AppendNumber(match - ((match - volume) >> random_->Below(8)), out);
      *out++ = separator;
    }
    return AppendNumber(volume, out);
  }

  Format format_;
  Random* random_;
  Sink* sink_;
};

/// The numbers below `count`, each once, in an order in which neighbours are far apart.
class StridedOrder {
 public:
  explicit StridedOrder(uint64_t count) : count_(count), stride_(count * 5 / 8 + 1) {
    while (std::gcd(stride_, count_) != 1) ++stride_;
  }
  uint64_t Next() { return std::exchange(next_, (next_ + stride_) % count_); }

 private:
  uint64_t count_;
  uint64_t stride_;
  uint64_t next_ = 0;
};

/// Each word with all its rows. What is left is shared out anew for each word, so that the total
/// comes out right whatever was drawn.
void MakeRuns(const Options& options, Random* random, Sink* sink) {
  const Vocabulary vocabulary(options.seed);
  std::vector<Word> words(options.words);
  StridedOrder order(options.words);
  for (Word& word : words) word = vocabulary.Ngram(order.Next());
  if (!options.shuffled) {
    std::ranges::sort(words, {}, &Word::view);
  }
  RowWriter writer(options.format, random, sink);
  uint64_t words_left = words.size();
  for (const Word& word : words) {
    const uint64_t bytes_left = options.bytes - std::min(options.bytes, sink->bytes());
    const uint64_t row_bytes = RowBytes(options.format, word.size);
    uint64_t rows = std::max<uint64_t>(1, bytes_left / words_left / row_bytes);
    if (--words_left > 0) rows = 1 + random->Below(2 * rows - 1);
    writer.WriteRun(word, rows);
  }
}

/// Rows of random words. So that none is missing, the words also come up in turn, once each,
/// evenly spread over the file.
void MakeShuffledRows(const Options& options, Random* random, Sink* sink) {
  const Vocabulary vocabulary(options.seed);
  RowWriter writer(options.format, random, sink);
  StridedOrder turns(options.words);
  uint64_t turns_done = 0;
  const uint64_t bytes_per_turn = options.bytes / options.words;
  while (sink->bytes() < options.bytes || turns_done < options.words) {
    uint64_t index;
    if (turns_done < options.words && sink->bytes() >= turns_done * bytes_per_turn) {
      index = turns.Next();
      ++turns_done;
    } else {
      index = random->Below(options.words);
    }
    writer.WriteRow(vocabulary.Ngram(index), kFirstYear + random->Below(kYears));
  }
}

/// A rank below `count`; rank r is about as likely as 1/(r+1) (Zipf).
uint64_t DrawRank(Random* random, uint64_t count) {
  const auto max_bits = static_cast<uint64_t>(std::bit_width(count)) - 1;
  while (true) {
    const uint64_t rank = random->LogUniform(max_bits) - 1;
    if (rank < count) return rank;
  }
}

/// Lines of 10 to 15 words.
void MakeText(const Options& options, Random* random, Sink* sink) {
  const Vocabulary vocabulary(options.seed);
  std::vector<Word> words(options.words);
  for (uint64_t rank = 0; rank < words.size(); ++rank) words[rank] = vocabulary.PlainWord(rank);
  uint64_t left_in_line = 0;
  bool sentence_starts = options.punctuation;
  while (sink->bytes() < options.bytes) {
    if (left_in_line == 0) left_in_line = 10 + random->Below(6);
    char* const start = sink->Cursor();
    char* out = Append(words[DrawRank(random, words.size())], start);
    if (sentence_starts) *start -= 'a' - 'A';
    if (options.punctuation) {
      static constexpr std::string_view kMarks = "..?!,,,;";
      const uint64_t mark = random->Below(5 * kMarks.size());
      sentence_starts = mark < 4;
      if (mark < kMarks.size()) *out++ = kMarks[mark];
    }
    *out++ = --left_in_line == 0 ? '\n' : ' ';
    sink->Advance(out);
  }
  if (left_in_line > 0) {
    char* const out = sink->Cursor();
    *out = '\n';
    sink->Advance(out + 1);
  }
}

uint64_t ParseNumber(std::string_view option, std::string_view text, bool may_have_suffix = false) {
  const auto bad = [&](const char* why) {
    return UsageError("--" + std::string(option) + " " + std::string(text) + ": " + why);
  };
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  if (error == std::errc::result_out_of_range) throw bad("too large");
  if (error != std::errc()) throw bad("not a number");
  const std::string_view suffix(end, static_cast<size_t>(text.end() - end));
  if (suffix.empty()) return number;
  constexpr std::string_view kSuffixes = "KMG";
  const size_t power = kSuffixes.find(suffix.front());
  if (!may_have_suffix || suffix.size() > 1 || power == std::string_view::npos) {
    throw bad(may_have_suffix ? "not a size (such as 64K, 100M, 2G)" : "not a number");
  }
  const auto shift = static_cast<unsigned>(10 * (power + 1));
  if (number > (uint64_t{1} << 50) >> shift) throw bad("too large");
  return number << shift;
}

Format ParseFormat(std::string_view text) {
  if (text == "v1") return Format::kV1;
  if (text == "v2") return Format::kV2;
  if (text == "v3") return Format::kV3;
  if (text == "text") return Format::kText;
  throw UsageError("--format " + std::string(text) + ": not one of v1, v2, v3, text");
}

/// What was not given is derived from what was.
void Resolve(Options* options) {
  if (options->format == Format::kText) {
    if (options->words == 0) options->words = kTextWords;
    if (options->shuffled) throw UsageError("--shuffled: text has no other order");
  } else {
    if (options->punctuation) throw UsageError("--punctuation: only for --format text");
    if (options->words == 0) {
      constexpr uint64_t kWordBytes = 10;
      const uint64_t run_bytes = kRowsPerWord * RowBytes(options->format, kWordBytes);
      options->words = std::clamp<uint64_t>(options->bytes / run_bytes, 1, kMaxWords);
    }
  }
  if (options->words > kMaxWords) {
    throw UsageError("--words: at most " + std::to_string(kMaxWords));
  }
}

/// Nothing when help was asked for.
std::optional<Options> ParseOptions(int argc, char** argv) {
  static const std::array<option, 9> kOptions = {{{"format", required_argument, nullptr, 'f'},
                                                  {"bytes", required_argument, nullptr, 'b'},
                                                  {"words", required_argument, nullptr, 'w'},
                                                  {"seed", required_argument, nullptr, 's'},
                                                  {"shuffled", no_argument, nullptr, 'r'},
                                                  {"punctuation", no_argument, nullptr, 'p'},
                                                  {"output", required_argument, nullptr, 'o'},
                                                  {"help", no_argument, nullptr, 'h'},
                                                  {}}};
  Options options;
  for (int letter; (letter = getopt_long(argc, argv, "o:h", kOptions.data(), nullptr)) != -1;) {
    if (letter == 'f') options.format = ParseFormat(optarg);
    if (letter == 'b') options.bytes = ParseNumber("bytes", optarg, /*may_have_suffix=*/true);
    if (letter == 'w') options.words = ParseNumber("words", optarg);
    if (letter == 's') options.seed = ParseNumber("seed", optarg);
    if (letter == 'r') options.shuffled = true;
    if (letter == 'p') options.punctuation = true;
    if (letter == 'o') options.path = optarg;
    if (letter == 'h') return std::nullopt;
    if (letter == '?') throw UsageError("see --help");  // getopt_long has said what is wrong.
  }
  if (optind < argc) throw UsageError(std::string(argv[optind]) + ": not an option; see --help");
  Resolve(&options);
  return options;
}

void Make(const Options& options) {
  Random random(options.seed);
  Sink sink(options.path);
  if (options.format == Format::kText) {
    MakeText(options, &random, &sink);
  } else if (options.shuffled && options.format != Format::kV3) {
    MakeShuffledRows(options, &random, &sink);
  } else {
    MakeRuns(options, &random, &sink);
  }
  sink.Close();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::optional<Options> options = ParseOptions(argc, argv);
    if (options) {
      Make(*options);
    } else if (std::fputs(kHelp, stdout) < 0 || std::fflush(stdout) != 0) {
      throw std::runtime_error("standard output: cannot write");
    }
    return 0;
  } catch (const UsageError& error) {
    std::fprintf(stderr, "make_ngrams: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_ngrams: %s\n", error.what());
    return 1;
  }
}
