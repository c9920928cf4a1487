#include "master/progress_line.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "common/unique_fd.h"
#include "tests/test_util.h"

namespace tally {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kErase = "\r\x1b[K";
const ProgressState kState{.chunks_done = 12,
                           .chunks_known = 215,
                           .more_chunks = false,
                           .bytes_done = 96'000'000,
                           .bytes_total = 1'700'000'000};

TEST(FormatBytesTest, ShowsThreeDigitsAndAUnit) {
  struct Case {
    double bytes;
    const char* text;
  };
  for (const Case& c : {Case{0, "0 B"},           Case{1, "1 B"},           Case{999, "999 B"},
                        Case{999.4, "999 B"},     Case{999.5, "1.0 kB"},    Case{1000, "1.0 kB"},
                        Case{1049, "1.0 kB"},     Case{1051, "1.1 kB"},     Case{9'960, "10.0 kB"},
                        Case{96e6, "96.0 MB"},    Case{99.94e6, "99.9 MB"}, Case{99.96e6, "100 MB"},
                        Case{123.4e6, "123 MB"},  Case{999.4e6, "999 MB"},  Case{999.6e6, "1.0 GB"},
                        Case{1.7e9, "1.7 GB"},    Case{1.8e12, "1.8 TB"},   Case{1.8e15, "1.8 PB"},
                        Case{18.4e18, "18.4 EB"}, Case{5e21, "5000 EB"}}) {
    EXPECT_EQ(FormatBytes(c.bytes), c.text) << c.bytes;
  }
}

TEST(FormatProgressTest, ShowsChunksBytesRateAndTimeLeft) {
  EXPECT_EQ(FormatProgress(kState, milliseconds(100)),
            "12/215 chunks  96.0 MB / 1.7 GB  960 MB/s  ETA 0:02");
}

TEST(FormatProgressTest, BeforeTheFirstChunkThereIsNoRateAndNoTimeLeft) {
  ProgressState state = kState;
  state.chunks_done = state.bytes_done = 0;
  EXPECT_EQ(FormatProgress(state, milliseconds(50)), "0/215 chunks  0 B / 1.7 GB");
  EXPECT_EQ(FormatProgress(kState, seconds(0)), "12/215 chunks  96.0 MB / 1.7 GB");
}

TEST(FormatProgressTest, WhatIsNotKnownYetIsLeftOut) {
  ProgressState state = kState;
  state.bytes_total.reset();
  EXPECT_EQ(FormatProgress(state, seconds(1)), "12/215 chunks  96.0 MB  96.0 MB/s");
  state.more_chunks = true;
  EXPECT_EQ(FormatProgress(state, seconds(1)), "12 chunks  96.0 MB  96.0 MB/s");
}

TEST(FormatProgressTest, TheTimeLeftIsRoundedUpAndInHoursWhereItIsLong) {
  struct Case {
    uint64_t total;  // at one byte a second, of which one has passed
    const char* eta;
  };
  for (const Case& c : {Case{1, "0:00"}, Case{2, "0:01"}, Case{60, "0:59"}, Case{61, "1:00"},
                        Case{601, "10:00"}, Case{3600, "59:59"}, Case{3601, "1:00:00"},
                        Case{7384, "2:03:03"}, Case{360'001, "100:00:00"}}) {
    const ProgressState state{.chunks_done = 1,
                              .chunks_known = 2,
                              .more_chunks = false,
                              .bytes_done = 1,
                              .bytes_total = c.total};
    EXPECT_THAT(FormatProgress(state, seconds(1)), EndsWith(std::string("ETA ") + c.eta));
  }
  ProgressState half_a_second = kState;
  half_a_second.bytes_total = 3 * kState.bytes_done / 2;
  EXPECT_THAT(FormatProgress(half_a_second, seconds(1)), EndsWith("ETA 0:01"));
}

TEST(FormatProgressTest, AFileThatGrewHasNoTimeLeft) {
  ProgressState state = kState;
  state.bytes_total = state.bytes_done - 1;
  EXPECT_THAT(FormatProgress(state, seconds(1)), Not(HasSubstr("ETA")));
}

TEST(FormatProgressTest, ANoteSaysWhatItIsAt) {
  EXPECT_EQ(FormatProgress({.more_chunks = true, .note = "waiting for a\x1b[2J"}, seconds(2)),
            "0 chunks  0 B  waiting for a\\x1b[2J");
}

/// What a child writes to standard error, which is a file or a terminal of `columns`.
std::string StderrOf(const std::function<void()>& action, unsigned short columns = 0) {
  std::string path = testing::TempDir() + "/tally_progress_XXXXXX";
  const bool on_terminal = columns > 0;
  const UniqueFd reader(on_terminal ? posix_openpt(O_RDWR | O_NOCTTY) : mkstemp(path.data()));
  if (on_terminal) {
    EXPECT_EQ(grantpt(reader.get()), 0);
    EXPECT_EQ(unlockpt(reader.get()), 0);
    path = ptsname(reader.get());
  }
  UniqueFd writer(open(path.c_str(), O_WRONLY | O_NOCTTY));
  EXPECT_TRUE(writer) << path;
  if (on_terminal) {
    const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    EXPECT_EQ(ioctl(writer.get(), TIOCSWINSZ, &size), 0);
  }
  Child child([&] {
    dup2(writer.get(), STDERR_FILENO);
    action();
    return true;
  });
  EXPECT_EQ(child.Wait(), 0);
  // A terminal hands on what it got bit by bit, and then, with nobody left to write, fails.
  writer = UniqueFd();
  std::string text;
  char piece[4096];
  for (ssize_t size; (size = read(reader.get(), piece, sizeof piece)) > 0;) {
    text.append(piece, static_cast<size_t>(size));
  }
  if (!on_terminal) unlink(path.c_str());
  return text;
}

void ShowTwiceAndFinish(ProgressMode mode) {
  ProgressLine line(mode);
  line.Show(kState);
  line.Show(kState);
  line.Finish(kState);
}

TEST(ProgressLineTest, WithoutATerminalThereIsNoneUnlessAskedFor) {
  EXPECT_EQ(StderrOf([] { ShowTwiceAndFinish(ProgressMode::kAuto); }), "");
  EXPECT_EQ(StderrOf([] { ShowTwiceAndFinish(ProgressMode::kNever); }), "");
}

TEST(ProgressLineTest, PlainLinesComeAtMostOnceASecondAndAtTheEnd) {
  const std::string text = StderrOf([] { ShowTwiceAndFinish(ProgressMode::kAlways); });
  EXPECT_THAT(text, StartsWith("tally: 12/215 chunks"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(ProgressLineTest, OnATerminalItIsDrawnOverItselfAndErased) {
  for (const ProgressMode mode : {ProgressMode::kAuto, ProgressMode::kAlways}) {
    const std::string text = StderrOf(
        [mode] {
          setenv("TERM", "xterm", 1);
          ShowTwiceAndFinish(mode);
        },
        /*columns=*/20);
    const std::string drawn = std::string(kErase) + "12/215 chunks  96.0";
    // The second one comes too soon after the first.
    EXPECT_EQ(text, drawn + std::string(kErase)) << "one column less than there are";
  }
}

TEST(ProgressLineTest, IsErasedByTheDestructorToo) {
  const auto show_and_leave = [] {
    setenv("TERM", "xterm", 1);
    ProgressLine line(ProgressMode::kAuto);
    line.Show(kState);
  };
  EXPECT_THAT(StderrOf(show_and_leave, 80), EndsWith(kErase));
}

TEST(ProgressLineTest, ATerminalThatCannotMoveItsCursorGetsNone) {
  for (const char* term : {"dumb", ""}) {
    const auto show = [term] {
      setenv("TERM", term, 1);
      ShowTwiceAndFinish(ProgressMode::kAuto);
    };
    // Something to read: a terminal without output would keep the reader waiting.
    const auto show_and_end = [show] {
      show();
      (void)!write(STDERR_FILENO, ".", 1);
    };
    EXPECT_EQ(StderrOf(show_and_end, 80), ".") << term;
  }
}

}  // namespace
}  // namespace tally
