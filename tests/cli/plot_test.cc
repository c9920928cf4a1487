// tools/plot draws what tally wrote: comparisons and traces, with gnuplot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/cli/run_tally.h"

namespace tally {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// Without a time: it failed.
json Row(const std::string& mode, int workers, std::optional<double> median_ms) {
  json row = {{"mode", mode}, {"workers", workers}, {"result", "180000"}, {"equal", true}};
  for (const char* const number : {"median_ms", "min_ms", "max_ms", "speedup"}) row[number] = {};
  if (median_ms) {
    row["median_ms"] = *median_ms;
    row["min_ms"] = *median_ms * 0.9;
    row["max_ms"] = *median_ms * 1.2;
    row["speedup"] = 100 / *median_ms;
  }
  return row;
}

json Task(const std::string& name, const std::vector<json>& rows) {
  return {{"name", name},    {"summary", "what " + name + " does"}, {"verdict", name + " is fast."},
          {"not_shown", ""}, {"warnings", json::array()},           {"errors", json::array()},
          {"rows", rows}};
}

json Comparison(const std::vector<json>& tasks) {
  return {{"cpus", 2}, {"runs", 5}, {"files", json::array()}, {"tasks", tasks}};
}

json Span(int worker, double start_us, double length_us, const std::string& name) {
  return {{"name", name},           {"ph", "X"},      {"pid", 1},
          {"tid", worker},          {"ts", start_us}, {"dur", length_us},
          {"args", {{"object", 0}}}};
}

json Trace(const std::vector<json>& events) { return {{"traceEvents", events}}; }

class PlotTest : public CliTest {
 protected:
  void SetUp() override {
    // tools/plot would install what is missing.
    if (Shell("command -v python3 && command -v gnuplot").exit_status != 0) {
      GTEST_SKIP() << "there is no python3 or no gnuplot here to draw with";
    }
  }

  Outcome Plot(const std::vector<std::string>& arguments) const {
    Command command = TallyCommand(arguments);
    command.program = TALLY_SOURCE_DIR "/tools/plot";
    return RunCommand(command);
  }

  /// The picture of a file that can be drawn.
  std::string Draw(const json& document) const {
    Write("in.json", document.dump());
    const Outcome outcome = Plot({"in.json", "out.svg"});
    EXPECT_THAT(outcome, ExitsWith(0));
    EXPECT_EQ(outcome.out + outcome.err, "");
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

TEST_F(PlotTest, AComparisonHasAPanelForEachTask) {
  std::vector<json> tasks;
  for (const char* const name : {"count", "cpu", "fibonacci", "io", "sleep"}) {
    tasks.push_back(Task(name, {Row("serial", 1, 100), Row("thread", 1, 101), Row("thread", 2, 50),
                                Row("process", 1, 104), Row("process", 2, 80)}));
  }
  tasks.push_back(Task("spawn", {Row("serial", 1, 0.1), Row("process", 16, 90)}));
  const std::string texts = TextsOf(Draw(Comparison(tasks)));
  for (const json& task : tasks) {
    for (const char* const field : {"name", "summary", "verdict"}) {
      EXPECT_THAT(texts, HasSubstr('\n' + task.at(field).get<std::string>() + '\n'));
    }
  }
  for (const char* const label : {"serial", "thread", "process", "workers", "1", "2", "16", "2.00",
                                  "1.25", "ms", "ms, log scale"}) {
    EXPECT_THAT(texts, HasSubstr('\n' + std::string(label) + '\n'));
  }
  EXPECT_THAT(texts, Not(HasSubstr("failed")));
}

TEST_F(PlotTest, WhatFailedIsShownAsFailed) {
  json task = Task("io", {Row("serial", 1, 100), Row("thread", 2, std::nullopt)});
  task["errors"] = {"the disk is full", "so is the other"};
  json nothing = Task("none", {Row("serial", 1, std::nullopt)});
  json empty = Task("empty", {});
  empty["not_shown"] = "This shows no file.";
  const std::string texts = TextsOf(Draw(Comparison({task, nothing, empty})));
  EXPECT_THAT(texts, AllOf(HasSubstr(" failed\n"), HasSubstr("the disk is full; so is the other\n"),
                           HasSubstr("nothing was measured"), HasSubstr("This shows no file.\n")));
}

TEST_F(PlotTest, AnyNumberOfTasksFits) {
  for (const size_t count : {1, 2, 4, 12}) {
    const std::vector<json> tasks(count, Task("cpu", {Row("serial", 1, 100)}));
    const std::string texts = TextsOf(Draw(Comparison(tasks)));
    size_t panels = 0;
    for (size_t at = 0; (at = texts.find("\ncpu is fast.\n", at)) != std::string::npos; ++at) {
      ++panels;
    }
    EXPECT_EQ(panels, count);
  }
}

TEST_F(PlotTest, ALostUpdateIsTheMiddleOfATimeline) {
  const json title = {{"name", "process_name"}, {"ph", "M"}, {"args", {{"name", "made-up"}}}};
  const json trace = Trace({title, Span(1, 0, 1, "0 -> 1"), Span(1, 100, 1, "41 -> 42"),
                            Span(2, 100.4, 1.2, "41 -> 42"), Span(1, 500, 1, "77 -> 78")});
  const std::string texts = TextsOf(Draw(trace));
  EXPECT_THAT(texts,
              AllOf(HasSubstr("\nmade-up\n"), HasSubstr("\nlost: both loaded 41, both stored 42\n"),
                    HasSubstr("\nworker 1\n"), HasSubstr("\nworker 2\n"),
                    ContainsRegex("\n41 -> 42\n(.*\n)*41 -> 42\n"), Not(HasSubstr("77 -> 78")),
                    HasSubstr("\nnanoseconds since ")));
}

TEST_F(PlotTest, WhereNothingIsLostTheFirstEventsAreShown) {
  const json same_worker = Trace({Span(1, 0, 1, "0 -> 1"), Span(1, 0.5, 1, "0 -> 1")});
  const json apart = Trace({Span(1, 0, 1, "0 -> 1"), Span(2, 1, 1, "0 -> 1")});
  const json other_values = Trace({Span(1, 0, 1, "0 -> 1"), Span(2, 0.5, 1, "1 -> 2")});
  for (const json& trace : {same_worker, apart, other_values}) {
    EXPECT_THAT(TextsOf(Draw(trace)), AllOf(HasSubstr("\nall 2 events\n"), Not(HasSubstr("lost"))));
  }
}

TEST_F(PlotTest, TracesOfTheExperimentsCanBeDrawn) {
  // On a busy machine, one worker may be done with few rounds before the other gets a CPU, and so
  // meet no deadlock.
  for (const std::string experiment :
       {"lost-update", "array", "check-then-act", "torn-read", "deadlock"}) {
    const std::string rounds = experiment == "deadlock" ? "100000" : "2000";
    ASSERT_THAT(Tally({"race", experiment, "--rounds", rounds, "-j2", "--trace", "trace.json"}),
                ExitsWith(0));
    const std::string texts = TextsOf(Draw(json::parse(Read("trace.json"))));
    EXPECT_THAT(texts, HasSubstr("\ntally race " + experiment + '\n'));
    EXPECT_THAT(texts, AllOf(HasSubstr("\nworker 1\n"), HasSubstr("\nworker 2\n")));
  }
}

TEST_F(PlotTest, WhatCompareExportsCanBeDrawn) {
  ASSERT_THAT(Tally({"compare", "--tasks", "spawn", "--runs", "2", "-j2", "--export", "it.json"}),
              ExitsWith(0));
  const std::string texts = TextsOf(Draw(json::parse(Read("it.json"))));
  EXPECT_THAT(texts, AllOf(HasSubstr("\nspawn\n"), HasSubstr("\n2\n"), Not(HasSubstr("failed"))));
}

TEST_F(PlotTest, ItRunsThroughALinkAndLeavesNoTraceInTheTree) {
  Write("in.json", Trace({Span(1, 0, 1, "0 -> 1")}).dump());
  EXPECT_THAT(Shell("unset PYTHONDONTWRITEBYTECODE && ln -s " TALLY_SOURCE_DIR
                    "/tools/plot 'a plot' && ./'a plot' in.json out.svg"),
              ExitsWith(0));
  EXPECT_EQ(Shell("find " TALLY_SOURCE_DIR "/tools -name __pycache__").out, "");
}

TEST_F(PlotTest, TheSameFileGivesTheSamePicture) {
  const json comparison = Comparison({Task("cpu", {Row("serial", 1, 100)})});
  const json trace = Trace({Span(1, 0, 1, "0 -> 1")});
  for (const json& document : {comparison, trace}) EXPECT_EQ(Draw(document), Draw(document));
}

TEST_F(PlotTest, NoTextIsMoreThanText) {
  const std::string nasty = R"(a_b{c}@"'\ <script>& &amp; `date` $x)";
  json task = Task("cpu", {Row("serial", 1, 100)});
  task["name"] = nasty;
  task["verdict"] = "one\n]]>\ttwo\x01";
  const std::string svg = Draw(Comparison({task}));
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_THAT(TextsOf(svg), AllOf(HasSubstr('\n' + nasty + '\n'), HasSubstr("one ]] > two")));
  EXPECT_THAT(TextsOf(Draw(Trace({Span(1, 0, 1, nasty)}))), HasSubstr(nasty));
}

TEST_F(PlotTest, WhatIsNeitherFailsAndLeavesTheOldPicture) {
  Write("out.svg", "old");
  json comparison = Comparison({Task("cpu", {Row("fiber", 1, 100)})});
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "not JSON"},
      {"[1, 2]", "neither a comparison nor a trace; write one by 'tally compare"},
      {R"({"tasks": []})", "tasks is not a list of at least one task"},
      {R"({"tasks": [{"rows": 1}]})", "tasks[0].rows is not a list"},
      {comparison.dump(), "tasks[0].rows[0].mode is not serial, thread or process"},
      {R"({"traceEvents": []})", "this trace has no events"},
      {R"({"traceEvents": [{"ph": "i", "name": "x", "ts": NaN, "tid": 1}]})",
       "a number of any use"},
  };
  for (const auto& [text, message] : cases) {
    Write("in.json", text);
    const Outcome outcome = Plot({"in.json", "out.svg"});
    EXPECT_THAT(outcome, ExitsWith(1)) << text;
    EXPECT_THAT(outcome.err, AllOf(StartsWith("tools/plot: in.json: "), HasSubstr(message),
                                   HasSubstr("; "), EndsWith("\n")));
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_EQ(Read("out.svg"), "old");
    EXPECT_THAT(Plot({"in.json", "new.svg"}), ExitsWith(1));
    EXPECT_THAT(Files(), ElementsAre("in.json", "out.svg"));
  }
}

TEST_F(PlotTest, PlacesThatCannotBeReadOrWrittenAreNamed) {
  Write("in.json", Comparison({Task("cpu", {Row("serial", 1, 100)})}).dump());
  EXPECT_THAT(Plot({"missing", "out.svg"}).err,
              StartsWith("tools/plot: missing: cannot read it: "));
  EXPECT_THAT(Plot({"in.json", "."}).err, StartsWith("tools/plot: .: not a regular file; "));
  EXPECT_THAT(Plot({"in.json", "no/out.svg"}).err, StartsWith("tools/plot: no/out.svg: its dir"));
  EXPECT_THAT(Plot({"in.json", "in.json"}).err, StartsWith("tools/plot: in.json: the picture "));
  EXPECT_THAT(Files(), ElementsAre("in.json"));
}

TEST_F(PlotTest, WrongUsageIsALine) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{}, {"in.json"}, {"a", "b", "c"}, {"--dark", "b"}}) {
    const Outcome outcome = Plot(arguments);
    EXPECT_THAT(outcome, ExitsWith(2));
    EXPECT_EQ(outcome.err, "usage: tools/plot FILE.json OUT.svg\n");
  }
}

}  // namespace
}  // namespace tally
