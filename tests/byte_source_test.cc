#include "worker/byte_source.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/error.h"
#include "tests/memory_source.h"
#include "tests/read_all.h"

namespace tally {
namespace {

using namespace std::string_literals;  // NOLINT: for strings with NUL bytes in them

TEST(PrefixedSourceTest, ReadsThePrefixThenTheRest) {
  for (const size_t read_bytes : kReadSizes) {
    const auto source =
        MakePrefixedSource("first bytes ", std::make_unique<MemorySource>("and the rest"));
    EXPECT_EQ(ReadAll(source.get(), read_bytes), "first bytes and the rest");
    EXPECT_EQ(source->file_bytes_consumed(), 24U);
  }
  EXPECT_EQ(ReadAll(MakePrefixedSource("", std::make_unique<MemorySource>("all")).get()), "all");
  EXPECT_EQ(ReadAll(MakePrefixedSource("all", std::make_unique<MemorySource>("")).get()), "all");
}

TEST(PrefixedSourceTest, WhatWasReadToLookAtIsConsumedOnlyOnce) {
  auto inner = std::make_unique<MemorySource>("0123456789");
  char looked_at[4];
  ASSERT_EQ(inner->Read(looked_at, 4), 4U);
  const auto source = MakePrefixedSource({looked_at, 4}, std::move(inner));
  EXPECT_EQ(source->file_bytes_consumed(), 0U);
  char buffer[3];
  ASSERT_EQ(source->Read(buffer, 3), 3U);
  EXPECT_EQ(source->file_bytes_consumed(), 3U);
  EXPECT_EQ(ReadAll(source.get()), "3456789");
  EXPECT_EQ(source->file_bytes_consumed(), 10U);
}

/// A pipe, and an alarm that interrupts whoever waits on it.
class DescriptorSourceTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(pipe(ends_), 0); }
  void TearDown() override {
    CloseWriteEnd();
    signal(SIGALRM, SIG_DFL);
  }

  std::unique_ptr<ByteSource> Source(std::function<void()> while_waiting = {}) {
    return MakeDescriptorSource(UniqueFd(ends_[0]), "a pipe", {std::move(while_waiting)});
  }
  void Send(std::string_view bytes) {
    ASSERT_EQ(write(ends_[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  void CloseWriteEnd() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }

  /// Every 20 ms from now on; from the third alarm on, `write_fd` gets a byte each.
  static void StartAlarms(int write_fd) {
    alarms_ = 0;
    alarm_fd_ = write_fd;
    struct sigaction action {};
    action.sa_handler = [](int) {
      alarms_ = alarms_ + 1;
      if (alarms_ >= 3 && alarm_fd_ >= 0) (void)!write(alarm_fd_, "x", 1);
    };
    sigaction(SIGALRM, &action, nullptr);
    const itimerval every_20_ms{.it_interval = {0, 20'000}, .it_value = {0, 20'000}};
    setitimer(ITIMER_REAL, &every_20_ms, nullptr);
  }
  static void StopAlarms() {
    const itimerval never{};
    setitimer(ITIMER_REAL, &never, nullptr);
  }

  int ends_[2] = {-1, -1};
  static inline volatile std::sig_atomic_t alarms_ = 0;
  static inline volatile std::sig_atomic_t alarm_fd_ = -1;
};

TEST_F(DescriptorSourceTest, ReadsToTheEndAndClosesTheDescriptor) {
  auto source = Source();
  Send("some bytes\0more"s);
  CloseWriteEnd();
  EXPECT_EQ(ReadAll(source.get(), 4), "some bytes\0more"s);
  EXPECT_EQ(source->file_bytes_consumed(), 15U);
  source.reset();
  EXPECT_EQ(fcntl(ends_[0], F_GETFD), -1);
}

TEST_F(DescriptorSourceTest, TheEndIsFinal) {
  const std::string path = testing::TempDir() + "byte_source_test." + std::to_string(getpid());
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  unlink(path.c_str());
  const auto source = MakeDescriptorSource(UniqueFd(dup(fd)), "growing");
  EXPECT_EQ(ReadAll(source.get()), "");
  ASSERT_EQ(pwrite(fd, "late", 4, 0), 4);
  EXPECT_EQ(ReadAll(source.get()), "");
  close(fd);
  close(ends_[0]);
}

TEST_F(DescriptorSourceTest, ASignalDoesNotEndTheStream) {
  const auto source = Source();
  StartAlarms(ends_[1]);
  char byte = 0;
  EXPECT_EQ(source->Read(&byte, 1), 1U);
  EXPECT_EQ(byte, 'x');
  EXPECT_GE(alarms_, 3);
  StopAlarms();
}

TEST_F(DescriptorSourceTest, ASignalMayEndTheWait) {
  const auto source = Source([] { throw Interrupted(SIGALRM); });
  StartAlarms(-1);
  char byte = 0;
  EXPECT_THROW(source->Read(&byte, 1), Interrupted);
  StopAlarms();
}

TEST_F(DescriptorSourceTest, ALongWaitCanBeGivenUp) {
  int calls = 0;
  const auto source = Source([&calls] {
    if (++calls == 2) throw Error("given up");
  });
  char byte = 0;
  EXPECT_THROW(source->Read(&byte, 1), Error);
  EXPECT_EQ(calls, 2);
}

TEST_F(DescriptorSourceTest, WaitsForBytesWhereTheDescriptorIsNonBlocking) {
  ASSERT_EQ(fcntl(ends_[0], F_SETFL, O_NONBLOCK), 0);
  const auto source = Source();
  StartAlarms(ends_[1]);
  char byte = 0;
  EXPECT_EQ(source->Read(&byte, 1), 1U);
  StopAlarms();
}

TEST_F(DescriptorSourceTest, AnErrorNamesTheFilePlaceAndReason) {
  close(ends_[0]);
  const auto source = MakeDescriptorSource(UniqueFd(open("/", O_RDONLY)),
                                           "some\x1b"
                                           "dir");
  EXPECT_EQ(ReadUntilError(source.get()).error,
            "some\\x1bdir: cannot be read at byte 0: Is a directory");
}

TEST_F(DescriptorSourceTest, APlaceIsCountedFromTheStartOfTheFile) {
  const auto source = MakeDescriptorSource(UniqueFd(open("/", O_RDONLY)), "dir.gz", {},
                                           {.first_byte = 4096, .is_compressed = true});
  EXPECT_EQ(ReadUntilError(source.get()).error,
            "dir.gz: cannot be read at byte 4096 of the compressed data: Is a directory");
  EXPECT_EQ(source->file_bytes_consumed(), 0U);
}

}  // namespace
}  // namespace tally
