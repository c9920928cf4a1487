#include "common/fault_point.h"

#ifdef TALLY_FAULT_POINTS

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>

#include "common/error.h"
#include "common/shared_region.h"

namespace tally {
namespace {

constexpr uint32_t kMaster = ~uint32_t{0};
constexpr uint32_t kAny = kMaster - 1;
constexpr size_t kMostFaults = 64;

struct Fault {
  std::string_view point = {};
  uint32_t who = kAny;
  uint64_t hit = 1;
  bool from_then_on = false;
  std::string_view action = {};
};

// In shared memory: a successor's hits count on from its predecessor's.
using Hits = std::array<std::atomic<uint64_t>, kMostFaults>;

std::array<Fault, kMostFaults> faults;
size_t fault_count = 0;
Hits* hits = nullptr;
int log_fd = -1;
thread_local uint32_t who_i_am = kMaster;

std::string_view TakeField(std::string_view* text, char end) {
  const std::string_view field = text->substr(0, text->find(end));
  text->remove_prefix(std::min(field.size() + 1, text->size()));
  return field;
}

template <class Number>
bool ParseTo(std::string_view text, Number* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size() && *number > 0;
}

Fault ParseFault(std::string_view text) {
  const std::string_view whole = text;
  Fault fault{.point = TakeField(&text, ':')};
  const std::string_view who = TakeField(&text, ':');
  std::string_view hit = TakeField(&text, ':');
  fault.action = text;
  if (hit.ends_with('+')) {
    fault.from_then_on = true;
    hit.remove_suffix(1);
  }
  if (who == "master") fault.who = kMaster;
  const bool is_number = who != "master" && who != "any";
  if ((is_number && !ParseTo(who, &fault.who)) || !ParseTo(hit, &fault.hit)) {
    throw UsageError(fmt::format("TALLY_FAULTS: {}: not POINT:WHO:HIT:ACTION", whole));
  }
  if (is_number) --fault.who;
  return fault;
}

// One write to the end of a file: neither processes that write at the same time nor a kill can tear
// a line apart.
void Log(const char* point, std::string_view action) {
  std::string line = point;
  line += who_i_am == kMaster ? " master" : fmt::format(" {}", who_i_am + 1);
  if (!action.empty()) line.append(" ").append(action);
  line += '\n';
  if (write(log_fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) abort();
}

void OpenLog() {
  const char* const path = std::getenv("TALLY_FAULT_LOG");
  if (path == nullptr) return;
  log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log_fd < 0) throw UsageError(fmt::format("TALLY_FAULT_LOG: {}: cannot be opened", path));
}

void Act(const Fault& fault) {
  if (fault.action == "kill") raise(SIGKILL);
  if (fault.action == "stop") raise(SIGSTOP);
  if (fault.action == "exit") _exit(0);
  if (fault.action == "error") throw Error(fmt::format("a fault at {}", fault.point));
  if (fault.action == "hang") {
    for (;;) pause();
  }
  raise(fault.action == "segv" ? SIGSEGV : SIGABRT);
}

}  // namespace

void SetUpFaults() {
  OpenLog();
  const char* const value = std::getenv("TALLY_FAULTS");
  if (value == nullptr) return;
  for (std::string_view text = value; !text.empty() && fault_count < kMostFaults;) {
    faults[fault_count++] = ParseFault(TakeField(&text, ','));
  }
  static const SharedRegion region = SharedRegion::Reserve(sizeof(Hits));
  hits = new (region.data()) Hits{};
}

void FaultsOfWorker(uint32_t worker) { who_i_am = worker; }

void FaultPoint(const char* name) { (void)FaultFails(name); }

bool FaultFails(const char* name) {
  const Fault* due = nullptr;
  for (size_t i = 0; i < fault_count; ++i) {
    const Fault& fault = faults[i];
    const bool is_me = fault.who == who_i_am || (fault.who == kAny && who_i_am != kMaster);
    if (fault.point != name || !is_me) continue;
    const uint64_t hit = (*hits)[i].fetch_add(1) + 1;
    const bool is_due = hit == fault.hit || (fault.from_then_on && hit > fault.hit);
    if (is_due && due == nullptr) due = &fault;
  }
  if (log_fd >= 0) Log(name, due == nullptr ? "" : due->action);
  if (due == nullptr) return false;
  if (due->action != "fail") Act(*due);
  errno = EAGAIN;
  return true;
}

}  // namespace tally

#endif
