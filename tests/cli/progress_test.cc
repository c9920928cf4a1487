// What a person sees while the program runs, and what --stats says of it afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/cli/oracle.h"
#include "tests/cli/run_tally.h"

namespace tally {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// The lines that a terminal shows after these bytes, without empty ones at the end.
std::vector<std::string> Screen(const std::string& bytes) {
  const std::string erase = "\x1b[K";
  std::vector<std::string> lines(1);
  size_t column = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes.compare(i, erase.size(), erase) == 0) {
      lines.back().resize(std::min(lines.back().size(), column));
      i += erase.size() - 1;
    } else if (bytes[i] == '\r') {
      column = 0;
    } else if (bytes[i] == '\n') {
      lines.emplace_back();
      column = 0;
    } else {
      lines.back().resize(std::max(lines.back().size(), column + 1), ' ');
      lines.back()[column++] = bytes[i];
    }
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::string ManyLines(int lines) {
  std::string text;
  for (int i = 0; i < lines; ++i) text += "line " + std::to_string(i % 1000) + "\n";
  return text;
}

class StatusLineCliTest : public CliTest {
 protected:
  Command OnTerminal(std::vector<std::string> arguments, Stdin in = {}) const {
    arguments.insert(arguments.begin(), "count");
    Command command = TallyCommand(std::move(arguments), std::move(in));
    command.err = Output::kTerminal;
    command.environment = {{"TERM", "xterm"}, {"NO_COLOR", std::nullopt}};
    return command;
  }

  static void WaitForStatus(Process* tally) {
    tally->WaitUntil([tally] { return HasStatus(tally->outcome().terminal); }, "a status line");
  }
  static bool HasStatus(const std::string& terminal) {
    return terminal.find("chunks") != std::string::npos;
  }
};

TEST_F(StatusLineCliTest, AppearsWithin100MillisecondsOfTheStart) {
  std::vector<milliseconds> times;
  for (int run = 0; run < 10; ++run) {
    Process tally(OnTerminal({"-f", "lines"}, {Stdin::Kind::kOpenPipe, ""}));
    tally.WriteStdin("some\nlines\n");
    WaitForStatus(&tally);
    tally.CloseStdin();
    const Outcome outcome = tally.Wait();
    ASSERT_TRUE(outcome.terminal_after.has_value());
    times.push_back(*outcome.terminal_after);
  }
  std::sort(times.begin(), times.end());
  // A loaded machine may start a process late, but not each of ten.
  const milliseconds limit(kSanitized ? 1000 : 100);
  std::cout << "status line after " << times.front().count() << " to " << times.back().count()
            << " ms (the fastest of 10 must be within " << limit.count() << ")\n";
  EXPECT_LE(times.front(), limit);
}

TEST_F(StatusLineCliTest, IsThereBeforeThePipeHasItsFirstByte) {
  Process tally(OnTerminal({"-f", "lines"}, {Stdin::Kind::kOpenPipe, ""}));
  WaitForStatus(&tally);
  tally.WaitUntil(
      [&] {
        return tally.outcome().terminal.find("waiting for standard input") != std::string::npos;
      },
      "what it waits for");
  tally.CloseStdin();
  const Outcome outcome = tally.Wait();
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_THAT(Screen(outcome.terminal), ElementsAre());
}

TEST_F(StatusLineCliTest, IsErasedAtTheEnd) {
  Process tally(OnTerminal({}, {Stdin::Kind::kOpenPipe, ""}));
  tally.WriteStdin("some words and\nsome more\n");
  WaitForStatus(&tally);
  const size_t before = tally.outcome().terminal.size();
  tally.WaitUntil([&] { return tally.outcome().terminal.size() > before; }, "it to be drawn again");
  tally.CloseStdin();
  const Outcome outcome = tally.Wait();
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_THAT(Screen(outcome.terminal), ElementsAre(HasSubstr("tally: counting words")));
}

TEST_F(StatusLineCliTest, IsErasedBeforeTheOutputAndBeforeAnError) {
  const auto screen_after = [this](const std::string& text) {
    Command command = OnTerminal({"-f", "columns", "-v2"}, {Stdin::Kind::kOpenPipe, ""});
    command.out = Output::kTerminal;
    Process tally(command);
    tally.WriteStdin(text);
    WaitForStatus(&tally);
    tally.CloseStdin();
    return Screen(tally.Wait().terminal);
  };
  EXPECT_THAT(screen_after("some key\t1\n"), ElementsAre("some key\t1"));
  EXPECT_THAT(screen_after("some key\t1\nbad\n"),
              ElementsAre(HasSubstr("tally: standard input: line 2")));
}

TEST_F(StatusLineCliTest, ShowsChunksBytesRateAndEta) {
  if (TestMode() != "process") GTEST_SKIP() << "a thread cannot be halted alone";
  Write("in", ManyLines(kSanitized ? 300000 : 2000000));
  Process tally(OnTerminal({"-f", "lines", "-j1", "--chunk-size", "1K", "in"}));
  // The only worker is halted somewhere on the way, until the line has shown where.
  const auto shows_eta = [&] { return tally.outcome().terminal.find("ETA") != std::string::npos; };
  std::vector<pid_t> workers;
  tally.WaitUntil([&] { return !(workers = ChildrenOf(tally.pid())).empty(); }, "the worker");
  while (!workers.empty() && !shows_eta()) {
    kill(workers[0], SIGSTOP);
    const size_t before = tally.outcome().terminal.size();
    tally.WaitUntil([&] { return tally.outcome().terminal.size() > before; }, "the next line");
    if (shows_eta()) break;
    kill(workers[0], SIGCONT);
    std::this_thread::sleep_for(milliseconds(2));
    workers = ChildrenOf(tally.pid());
  }
  ASSERT_FALSE(workers.empty()) << "the run was over before it could be looked at";
  kill(workers[0], SIGCONT);
  const Outcome outcome = tally.Wait();
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_THAT(outcome.terminal,
              ContainsRegex("[0-9]+/[0-9]+ chunks +[0-9.]+ k?M?B / [0-9.]+ MB +[0-9.]+ k?M?G?B/s +"
                            "ETA [0-9]+:[0-9][0-9]"));
  EXPECT_THAT(Screen(outcome.terminal), ElementsAre());
  // A line that fills an 80 column terminal would wrap.
  for (size_t at = 0; (at = outcome.terminal.find("\x1b[K", at)) != std::string::npos; ++at) {
    const size_t end = outcome.terminal.find('\r', at);
    EXPECT_LT(std::min(end, outcome.terminal.size()) - at - 3, 80u);
  }
}

TEST_F(StatusLineCliTest, IsNotThereWhereItIsNotWanted) {
  Write("in", ManyLines(1000));
  Write("words", "some words\n");
  for (const char* const off : {"-q", "--quiet", "--progress=never"}) {
    const Outcome outcome = RunCommand(OnTerminal({"-f", "lines", off, "in"}));
    EXPECT_THAT(outcome, ExitsWith(0));
    EXPECT_EQ(outcome.terminal, "") << off;
  }
  const Outcome to_pipe = Tally({"count", "-f", "lines", "in"});
  EXPECT_EQ(to_pipe.err, "");
  for (const std::optional<std::string>& term : {std::optional<std::string>("dumb"), {}}) {
    Command command = OnTerminal({"words"});
    command.environment["TERM"] = term;
    const Outcome outcome = RunCommand(command);
    EXPECT_FALSE(HasStatus(outcome.terminal));
    EXPECT_THAT(outcome.terminal, HasSubstr("tally: counting words"));
    EXPECT_THAT(outcome.terminal, Not(HasSubstr("\x1b")));
  }
}

TEST_F(StatusLineCliTest, HasNoColoursWhereTheyAreNotWanted) {
  Write("bad", "a\t2000\t1\t1\nbad\n");
  Command command = OnTerminal({"--skip-malformed", "bad"});
  command.environment["NO_COLOR"] = "1";
  const Outcome outcome = RunCommand(command);
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_THAT(outcome.terminal, Not(ContainsRegex("\x1b\\[[0-9;]*m")));
}

TEST_F(StatusLineCliTest, AlwaysPrintsPlainLinesWhereThereIsNoTerminal) {
  Write("in", ManyLines(1000));
  const auto is_plain = [](const std::string& text, const std::string& last) {
    EXPECT_THAT(text, Not(ContainsRegex("[\r\x1b]")));
    std::istringstream lines(text);
    std::string line;
    while (std::getline(lines, line)) {
      EXPECT_THAT(line, ContainsRegex("^tally: [0-9]+(/[0-9]+)? chunks  [0-9.]+ k?B"));
    }
    EXPECT_THAT(line.empty() ? text : line, HasSubstr(last));
  };
  const Outcome piped =
      Tally({"count", "-f", "lines", "--progress", "always", "--chunk-size", "2K", "in"});
  EXPECT_THAT(piped, ExitsWith(0));
  is_plain(piped.err, "tally: 5/5 chunks  ");
  Command dumb = OnTerminal({"-f", "lines", "-q", "--progress", "always", "in"});
  dumb.environment["TERM"] = "dumb";
  is_plain(RunCommand(dumb).terminal, "tally: 1/1 chunks  ");
}

class StatsCliTest : public CliTest {
 protected:
  json Stats(std::vector<std::string> arguments, Stdin in = {}) const {
    arguments.insert(arguments.begin(), {"count", "--stats", "stats"});
    EXPECT_THAT(Tally(arguments, std::move(in)), ExitsWith(0));
    return json::parse(Read("stats"));
  }
};

TEST_F(StatsCliTest, HoldEveryFieldWithItsType) {
  const json stats = Stats({"-q", "-j3"}, Stdin::Text("some words\n"));
  for (const char* const name : {"format", "mode", "version"}) {
    EXPECT_TRUE(stats.at(name).is_string()) << name;
  }
  for (const char* const name : {"workers", "chunks", "chunks_done", "bytes", "records", "distinct",
                                 "total", "malformed", "keys_not_utf8"}) {
    EXPECT_TRUE(stats.at(name).is_number_unsigned()) << name;
  }
  for (const char* const phase : {"plan", "map", "merge", "output"}) {
    EXPECT_TRUE(stats.at("wall_ms").at(phase).is_number()) << phase;
    EXPECT_GE(stats.at("wall_ms").at(phase), 0) << phase;
  }
  EXPECT_GT(stats.at("peak_rss_kb").at("master"), 0);
  const bool own_memory = TestMode() == "process";
  EXPECT_EQ(stats.at("peak_rss_kb").at("workers").size(), own_memory ? 3u : 0u);
  for (const json& worker : stats.at("peak_rss_kb").at("workers")) EXPECT_GT(worker, 0);
  EXPECT_EQ(stats.at("format"), "words");
  EXPECT_EQ(stats.at("mode"), TestMode());
  EXPECT_EQ(stats.at("unsafe"), false);
  EXPECT_EQ(stats.at("updates_lost"), 0);
  EXPECT_EQ(stats.at("workers"), TestMode() == "serial" ? 1 : 3);
  EXPECT_THAT(Tally({"--version"}).out,
              testing::StartsWith("tally " + stats.at("version").get<std::string>() + "\n"));
}

TEST_F(StatsCliTest, BalanceForEveryWayToBringTheInput) {
  const std::string text = ManyLines(5000) + "no newline";
  Write("plain", text);
  Write("packed", Gzip(text, 2));
  const OracleAnswer answer = AskOracle({text}, OptionsOf(Format::kWords));
  struct Case {
    std::vector<std::string> files;
    uint64_t times;
  };
  for (const Case& c : std::vector<Case>{
           {{"plain"}, 1}, {{"packed"}, 1}, {{}, 1}, {{"plain", "-", "packed", "plain"}, 4}}) {
    for (const char* const chunk_size : {"1", "4K", "8M"}) {
      for (const char* const workers : {"1", "2", "7"}) {
        std::vector<std::string> arguments = {"-f",    "words",        "-j",
                                              workers, "--chunk-size", chunk_size};
        arguments.insert(arguments.end(), c.files.begin(), c.files.end());
        const json stats = Stats(arguments, Stdin::Text(text));
        EXPECT_EQ(stats.at("chunks"), stats.at("chunks_done"));
        EXPECT_GT(stats.at("chunks"), 0);
        EXPECT_EQ(stats.at("bytes"), c.times * text.size());
        EXPECT_EQ(stats.at("records"), c.times * answer.records);
        EXPECT_EQ(stats.at("total"), c.times * answer.records);
        EXPECT_EQ(stats.at("distinct"), answer.counts.size());
        EXPECT_EQ(stats.at("malformed"), 0);
      }
    }
  }
}

TEST_F(StatsCliTest, SpeakOfAllThatWasCountedNotOfTheRowsChosen) {
  const std::string text = "a\t2000\t5\t1\nb\t1990\t7\t1\nb\t2000\t8\t1\nbad\n";
  const json all = Stats({"-q", "--skip-malformed"}, Stdin::Text(text));
  EXPECT_EQ(all.at("format"), "ngram");
  EXPECT_EQ(all.at("records"), 3);
  EXPECT_EQ(all.at("total"), 20);
  EXPECT_EQ(all.at("malformed"), 1);
  for (const std::vector<std::string>& selection : std::vector<std::vector<std::string>>{
           {"-n1"}, {"--min-count", "9"}, {"--find", "x"}, {"-s", "none"}}) {
    std::vector<std::string> arguments = {"-q", "--skip-malformed"};
    arguments.insert(arguments.end(), selection.begin(), selection.end());
    const json chosen = Stats(arguments, Stdin::Text(text));
    for (const char* const name : {"records", "distinct", "total", "bytes", "malformed"}) {
      EXPECT_EQ(chosen.at(name), all.at(name)) << selection[0] << " " << name;
    }
  }
  EXPECT_EQ(Stats({"-q", "--skip-malformed", "--years", "2000-"}, Stdin::Text(text)).at("total"),
            13);
  EXPECT_EQ(Stats({"-f", "lines"}, Stdin::Text("a\nb\nc\n")).at("records"), 3);
}

TEST_F(StatsCliTest, HaveAChunkForEachLineWhereChunksAreOneByte) {
  Write("in", ManyLines(321));
  EXPECT_EQ(Stats({"-f", "lines", "--chunk-size", "1", "in"}).at("chunks"), 321);
  EXPECT_EQ(Stats({"-f", "lines", "in"}).at("chunks"), 1);
  Write("empty", "");
  EXPECT_EQ(Stats({"-f", "lines", "empty"}).at("chunks"), 0);
}

TEST_F(StatsCliTest, NoMoreWorkersCountThanThereAreChunks) {
  if (TestMode() != "process") GTEST_SKIP() << "only processes have memory of their own";
  Write("in", ManyLines(300));
  const auto processes = [this](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-j3", "-f", "lines"});
    return Stats(arguments).at("peak_rss_kb").at("workers").size();
  };
  EXPECT_EQ(processes({"in"}), 1U);
  EXPECT_EQ(processes({"in", "in"}), 2U);
  EXPECT_EQ(processes({"--chunk-size", "1", "in"}), 3U);
}

TEST_F(StatsCliTest, ByDefaultThereIsAWorkerForEachCpuThatTheProcessMayUse) {
  cpu_set_t usable;
  ASSERT_EQ(sched_getaffinity(0, sizeof usable, &usable), 0);
  EXPECT_LE(Stats({"-f", "lines"}).at("workers"), CPU_COUNT(&usable));
  int cpu = 0;
  while (!CPU_ISSET(cpu, &usable)) ++cpu;
  const Outcome pinned = Shell("command -v taskset > /dev/null || exit 9; taskset -c " +
                               std::to_string(cpu) + " tally count -f lines --stats one");
  if (pinned.exit_status == 9) GTEST_SKIP() << "there is no taskset here";
  EXPECT_THAT(pinned, ExitsWith(0));
  EXPECT_EQ(json::parse(Read("one")).at("workers"), 1);
}

}  // namespace
}  // namespace tally
