#include "master/bus_error.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "common/error.h"
#include "common/escape.h"

namespace tally {
namespace {

// All that the handler needs, made beforehand: it may neither allocate nor lock.
struct Mapping {
  std::string_view text;
  uint64_t input = 0;
  std::string path;
  std::optional<FileId> id;
  std::string message_start;  // up to the file's name
};

std::vector<Mapping> mappings;
PageFailure* left_to_master = nullptr;  // null: this process says it itself

// A place that can be read, but is not there however often it is touched, would be so for ever.
constexpr int kMostTouches = 3;
thread_local const char* last_place = nullptr;
thread_local int touches = 0;

// The kernel may keep so much of a file as one folio, no page of which can be mapped where a single
// one is unreadable.
constexpr uint64_t kMostFolioBytes = uint64_t{2} << 20;

// Reads [at, end): where that fails, and why. An end of the file is no failure.
PageFailure FirstFailure(int fd, uint64_t at, uint64_t end) {
  char buffer[16384];
  while (at < end) {
    const size_t size = std::min(sizeof buffer, end - at);
    const ssize_t count = pread(fd, buffer, size, static_cast<off_t>(at));
    if (count == 0) break;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return {.file_offset = at, .error = errno};
    at += static_cast<uint64_t>(count);
  }
  return {};
}

PageFailure FindFailure(const Mapping& mapping, uint64_t touched) {
  // What has that name by now may be a FIFO, whose opener would wait.
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  const bool is_stdin = mapping.path == "-";
  const int fd = is_stdin ? STDIN_FILENO : open(mapping.path.c_str(), kFlags);
  PageFailure failure{.file_offset = touched, .error = errno};
  if (fd >= 0) {
    const uint64_t begin = touched - touched % kMostFolioBytes;
    const uint64_t end = std::min<uint64_t>(begin + kMostFolioBytes, mapping.text.size());
    failure = FirstFailure(fd, begin, end);
    if (!is_stdin) close(fd);
  }
  failure.input = mapping.input;
  return failure;
}

void Print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(STDERR_FILENO, text.data(), text.size());
    if (count <= 0) return;
    text.remove_prefix(static_cast<size_t>(count));
  }
}

void Print(uint64_t number) {
  char digits[20];
  const char* const end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  Print(std::string_view(digits, end));
}

// One thread alone: on a disk that fails, several may come here.
[[noreturn]] void Report(const Mapping& mapping, uint64_t touched, const PageFailure& failure) {
  static std::atomic_flag is_reported = ATOMIC_FLAG_INIT;
  while (is_reported.test_and_set()) pause();
  Print(mapping.message_start);
  struct stat status;
  const bool is_there = mapping.path == "-" ? fstat(STDIN_FILENO, &status) == 0
                                            : stat(mapping.path.c_str(), &status) == 0;
  // Another file that took its place tells nothing of this one.
  const bool is_same =
      is_there && mapping.id == FileId{.device = status.st_dev, .inode = status.st_ino};
  if (is_same && static_cast<uint64_t>(status.st_size) < mapping.text.size()) {
    Print(" shrank from ");
    Print(mapping.text.size());
    Print(" to ");
    Print(static_cast<uint64_t>(status.st_size));
    Print(" bytes while being read");
  } else {
    const char* const reason = failure.error == 0 ? nullptr : strerrordesc_np(failure.error);
    Print(": cannot be read at byte ");
    Print(failure.error == 0 ? touched : failure.file_offset);
    Print(": ");
    Print(reason == nullptr ? "it changed, or its disk fails" : reason);
  }
  Print("; nothing was written\n");
  _exit(kExitFailed);
}

// Returns whether to touch it again.
bool OnUnreadablePage(const Mapping& mapping, const char* address) {
  const auto touched = static_cast<uint64_t>(address - mapping.text.data());
  const PageFailure failure = FindFailure(mapping, touched);
  if (std::exchange(last_place, address) != address) touches = 0;
  if (failure.error == 0 && ++touches < kMostTouches) return true;
  if (left_to_master == nullptr) Report(mapping, touched, failure);
  *left_to_master = failure;
  return false;
}

const Mapping* FindMapping(const char* address) {
  for (const Mapping& mapping : mappings) {
    const char* const begin = mapping.text.data();
    if (address >= begin && address < begin + mapping.text.size()) return &mapping;
  }
  return nullptr;
}

struct sigaction before;

void OnBusError(int signal_number, siginfo_t* info, void*) {
  const int saved_errno = errno;
  const auto* const address = static_cast<const char*>(info->si_addr);
  const Mapping* const mapping = info->si_code > 0 ? FindMapping(address) : nullptr;
  if (mapping == nullptr || !OnUnreadablePage(*mapping, address)) {
    // As without this handler, as soon as it returns.
    sigaction(signal_number, &before, nullptr);
    raise(signal_number);
  }
  errno = saved_errno;
}

void Handle(struct sigaction* replaced) {
  struct sigaction action {};
  action.sa_sigaction = OnBusError;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, replaced);
}

}  // namespace

BusErrorReport::BusErrorReport(std::span<const Input> inputs,
                               const std::vector<std::string>& paths) {
  // A status line may be there.
  const std::string_view erase = isatty(STDERR_FILENO) == 1 ? "\r\x1b[K" : "";
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string_view text = inputs[i].mapping.text();
    if (text.empty()) continue;
    mappings.push_back(
        {.text = text,
         .input = i,
         .path = paths[i],
         .id = inputs[i].state ? std::optional(inputs[i].state->id) : std::nullopt,
         .message_start = fmt::format("{}tally: {}", erase, EscapeForMessage(inputs[i].name))});
  }
  Handle(&before);
}

BusErrorReport::~BusErrorReport() {
  sigaction(SIGBUS, &before, nullptr);
  mappings.clear();
  left_to_master = nullptr;
}

void BusErrorReport::LeaveToMaster(PageFailure* failure) {
  left_to_master = failure;
  Handle(nullptr);
}

}  // namespace tally
