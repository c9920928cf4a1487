// tools/bench shows what was measured: as lines, and as a chart that gnuplot draws. Nothing is
// measured here: what an earlier run kept is shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/cli/run_tally.h"

namespace tally {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

json Timed(const std::string& name, double seconds, const std::string& program = "/usr/bin/other") {
  return {{"name", name},           {"command", program + " -x file"}, {"median_s", seconds},
          {"min_s", seconds * 0.9}, {"max_s", seconds * 1.2},          {"runs_s", {seconds}}};
}

json Ours(const std::string& name, double seconds) {
  return Timed(name, seconds, "/build/release/tally");
}

json Row(const std::string& title, const std::vector<json>& commands,
         const std::vector<json>& goals = {}) {
  return {{"name", "row"}, {"title", title}, {"commands", commands}, {"goals", goals}};
}

json Benchmark(const std::vector<json>& rows) {
  const json machine = {
      {"cpu", "Z80"}, {"cpus", 2}, {"memory_bytes", 4'294'967'296}, {"system", "Debian 12"}};
  return {{"version", "tally 0.1.0, SIMD: AVX2"},
          {"date", "2026-01-31"},
          {"machine", machine},
          {"quick", false},
          {"rows", rows}};
}

/// One with all that a row may have.
json Everything() {
  json keys = Row("many keys", {Ours("tally", 2), Timed("DuckDB", 5)},
                  {{{"goal", "4x DuckDB"}, {"value", 2.5}, {"met", false}},
                   {{"goal", "less memory than DuckDB"}, {"value", 1.5}, {"met", true}},
                   {{"goal", "9x Rust"}, {"value", nullptr}, {"met", nullptr}}});
  keys["commands"][0]["peak_memory_bytes"] = 800'000'000;
  return Benchmark({keys, Row("a small file", {Ours("tally", 0.002), Timed("mawk", 0.001)}),
                    Row("lines", {Ours("tally, 413 keys", 0.25), Ours("tally, all", 0.5)}),
                    Row("sorted", {Timed("scan floor", 0.1), Ours("tally", 0.3),
                                   Timed("Python process pool", 63)})});
}

class BenchTest : public CliTest {
 protected:
  void SetUp() override {
    if (Shell("command -v python3 && command -v gnuplot").exit_status != 0) {
      GTEST_SKIP() << "there is no python3 or no gnuplot here to draw with";
    }
  }

  Outcome Bench(const std::vector<std::string>& arguments) const {
    Command command = TallyCommand(arguments);
    command.program = TALLY_SOURCE_DIR "/tools/bench";
    return RunCommand(command);
  }

  std::string Draw(const json& document) const {
    Write("in.json", document.dump());
    const Outcome outcome = Bench({"--from", "in.json", "--chart", "out.svg"});
    EXPECT_THAT(outcome, ExitsWith(0));
    EXPECT_EQ(outcome.err, "");
    return Read("out.svg");
  }

  /// The texts of the picture, a line each, as an XML parser understands them.
  std::string TextsOf(const std::string& svg) const {
    Write("parsed.svg", svg);
    const Outcome outcome = Shell(
        "python3 -c 'import xml.etree.ElementTree as tree\n"
        "for text in tree.parse(\"parsed.svg\").iter(\"{http://www.w3.org/2000/svg}text\"):\n"
        "  print(\"\".join(text.itertext()).strip())'");
    EXPECT_THAT(outcome, ExitsWith(0)) << "is not well-formed";
    return '\n' + outcome.out;
  }
};

TEST_F(BenchTest, WhatWasMeasuredIsShownAgain) {
  Write("in.json", Everything().dump());
  const Outcome outcome = Bench({"--from", "in.json"});
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_THAT(outcome.out,
              StartsWith("many keys\n"
                         "  tally                     2.000 s  1.800..2.400         800 MB\n"
                         "  DuckDB                    5.000 s  4.500..6.000    \n"
                         "  goal: 4x DuckDB                       2.50  MISSED\n"
                         "  goal: less memory than DuckDB         1.50  met\n"
                         "  goal: 9x Rust                      not measured\n"
                         "a small file\n"));
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(Files(), ElementsAre("in.json"));
}

TEST_F(BenchTest, AChartHasABarForEachCommandOfEachRow) {
  const json document = Everything();
  const std::string texts = TextsOf(Draw(document));
  for (const json& row : document.at("rows")) {
    EXPECT_THAT(texts, HasSubstr('\n' + row.at("title").get<std::string>() + '\n'));
    for (const json& command : row.at("commands")) {
      EXPECT_THAT(texts, HasSubstr('\n' + command.at("name").get<std::string>() + '\n'));
    }
  }
  for (const char* const label :
       {"2.00 s", "5.00 s   2.5×", "2.00 ms", "1.00 ms   0.50×", "0.250 s", "0.500 s",
        "0.100 s   0.33×", "63.0 s   210×", "1 ms", "100 ms", "1 s", "100 s",
        "Z80 · 2 CPUs · 4 GiB · Debian 12 · tally 0.1.0, SIMD: AVX2 · 2026-01-31"}) {
    EXPECT_THAT(texts, HasSubstr('\n' + std::string(label) + '\n'));
  }
  EXPECT_THAT(texts, AllOf(HasSubstr("log scale"), Not(HasSubstr("eighth"))));
}

TEST_F(BenchTest, BarsAreAsLongAsTheLogarithmsOfTheirTimes) {
  Draw(Benchmark({Row("row", {Ours("tally", 0.01), Timed("a", 0.1)}), Row("x", {Timed("b", 1)})}));
  // What is not square is a bar, and its first two corners are those below.
  const Outcome outcome = Shell(R"(python3 -c '
import re
corners = r"<polygon fill = .(rgb\([ 0-9,]*\)). points = .([0-9.]+),([0-9.]+) ([0-9.]+),"
found = re.findall(corners, open("out.svg").read())
bars = [(colour, float(right) - float(left)) for colour, left, _, right in found]
bars = [(colour, width) for colour, width in bars if abs(width - 12) > 1]
print([colour for colour, _ in bars])
(_, first), (_, second), (_, third) = bars
print(second - first > 100, abs((third - second) - (second - first)) < 0.1)
')");
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_EQ(outcome.out,
            "['rgb(  0, 114, 178)', 'rgb(140, 140, 140)', 'rgb(140, 140, 140)']\nTrue True\n");
}

TEST_F(BenchTest, QuickRunsAndUnknownMachinesAreSaid) {
  json document = Benchmark({Row("row", {Ours("tally", 1)})});
  document["quick"] = true;
  document.erase("machine");
  EXPECT_THAT(TextsOf(Draw(document)),
              AllOf(HasSubstr("An eighth of the sizes"),
                    HasSubstr("\ntally 0.1.0, SIMD: AVX2 · 2026-01-31\n")));
  document.erase("version");
  document.erase("date");
  EXPECT_THAT(TextsOf(Draw(document)), HasSubstr("\nmachine and date were not noted\n"));
}

TEST_F(BenchTest, TheSameFileGivesTheSameChart) {
  EXPECT_EQ(Draw(Everything()), Draw(Everything()));
}

TEST_F(BenchTest, WhatIsNoBenchmarkFailsAndLeavesTheOldChart) {
  Write("out.svg", "old");
  json upside_down = Benchmark({Row("row", {Ours("tally", 1)})});
  upside_down["rows"][0]["commands"][0]["min_s"] = 2;
  json never = Benchmark({Row("row", {Ours("tally", 0)})});
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "not JSON"},
      {"[1, 2]", "rows is not a list"},
      {R"({"rows": []})", "rows is not a list of at least one row"},
      {Benchmark({Row("row", {})}).dump(),
       "rows[0].commands is not a list of at least one command"},
      {upside_down.dump(), "rows[0].commands[0].median_s is not a time"},
      {never.dump(), "rows[0].commands[0].median_s is not a time"}};
  for (const auto& [text, message] : cases) {
    Write("in.json", text);
    const Outcome outcome = Bench({"--from", "in.json", "--chart", "out.svg"});
    EXPECT_THAT(outcome, ExitsWith(1)) << text;
    EXPECT_THAT(outcome.err,
                AllOf(StartsWith("tally: in.json: "), HasSubstr(message), EndsWith("\n")));
    EXPECT_EQ(Read("out.svg"), "old");
    EXPECT_THAT(Files(), ElementsAre("in.json", "out.svg"));
  }
}

TEST_F(BenchTest, WrongUsageIsSaidBeforeAnythingIsMeasured) {
  Write("in.json", Everything().dump());
  for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{
           {"--quick"}, {"--rounds", "2"}, {"--json", "again"}, {"text"}}) {
    std::vector<std::string> arguments = {"--from", "in.json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = Bench(arguments);
    EXPECT_THAT(outcome, ExitsWith(2));
    EXPECT_THAT(outcome.err, HasSubstr("error: --from goes with --chart only"));
  }
  EXPECT_THAT(Bench({"--chart", "no/out.svg"}).err, StartsWith("tally: no/out.svg: its directory"));
  EXPECT_THAT(Bench({"--from", "in.json", "--chart", "in.json"}).err,
              StartsWith("tally: in.json: the picture would replace"));
  EXPECT_THAT(Files(), ElementsAre("in.json"));
}

}  // namespace
}  // namespace tally
