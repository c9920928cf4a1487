// Each parser on a megabyte of text, with a sink that only looks at what it gets.
#include <benchmark/benchmark.h>

#include <span>
#include <string>

#include "tests/micro/texts.h"
#include "tests/padded_text.h"
#include "worker/column_parser.h"
#include "worker/line_parser.h"
#include "worker/ngram_parser.h"
#include "worker/word_parser.h"

namespace tally::micro {
namespace {

constexpr size_t kTextBytes = size_t{1} << 20;

struct SummingSink {
  uint64_t sum = 0;
  template <class Item>
  bool Add(std::span<const Item> items) {
    for (const Item& item : items) sum += AmountOf(item) + KeySizeOf(item);
    return true;
  }
  bool Reject(const BadLine&) { return false; }
};

template <Parser P>
void Parse(benchmark::State& state, const P& parser, const std::string& text) {
  const PaddedText padded(text);
  for (auto _ : state) {
    SummingSink sink;
    parser.Parse(padded.view(), sink);
    benchmark::DoNotOptimize(sink.sum);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}

/// Rows of sorted n-grams: some 60 for each.
template <class MakeRow>
std::string Ngrams(MakeRow make_row) {
  const auto words = MakeWords(5000);
  std::string text;
  for (size_t i = 0; text.size() < kTextBytes; ++i) {
    text += make_row(words[i / 60], std::to_string(1900 + i % 60), std::to_string(i * i % 5000));
  }
  return text;
}

void NgramsV1(benchmark::State& state) {
  Parse(state, NgramV1Parser({}), Ngrams([](const auto& word, const auto& year, const auto& count) {
          return word + '\t' + year + '\t' + count + '\t' + count + "\t7\n";
        }));
}
BENCHMARK(NgramsV1);

void NgramsV2(benchmark::State& state) {
  Parse(state, NgramV2Parser({}), Ngrams([](const auto& word, const auto& year, const auto& count) {
          return word + '\t' + year + '\t' + count + "\t7\n";
        }));
}
BENCHMARK(NgramsV2);

void NgramsV3(benchmark::State& state) {
  Parse(state, NgramV3Parser({}), Ngrams([](const auto& word, const auto& year, const auto& count) {
          std::string row = word;
          for (int i = 0; i < 60; ++i) row += '\t' + year + ',' + count + ",7";
          return row + '\n';
        }));
}
BENCHMARK(NgramsV3);

/// Words with `behind` each, and a newline behind every tenth of them.
std::string Words(const std::string& behind) {
  const auto words = MakeWords(5000);
  std::string text;
  for (size_t i = 0; text.size() < kTextBytes; ++i) {
    text += words[i * 7 % words.size()] + (i % 10 == 9 ? "\n" : behind);
  }
  return text;
}

void WordsInAscii(benchmark::State& state) { Parse(state, WordParser(), Words(" ")); }
BENCHMARK(WordsInAscii);

void WordsInUtf8(benchmark::State& state) { Parse(state, WordParser(), Words("é\u2003")); }
BENCHMARK(WordsInUtf8);

void Lines(benchmark::State& state) { Parse(state, LineParser(), Words("\n")); }
BENCHMARK(Lines);

void Columns(benchmark::State& state) {
  FormatOptions options;
  options.delimiter = ';';
  options.value_column = static_cast<size_t>(state.range(0));
  Parse(state, ColumnParser(options), Ngrams([](const auto& word, const auto&, const auto& count) {
          return word + ';' + count + '\n';
        }));
}
BENCHMARK(Columns)->ArgName("value")->Arg(0)->Arg(2);

}  // namespace
}  // namespace tally::micro
