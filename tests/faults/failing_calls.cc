// A library that makes a system call of a program fail, to be named in LD_PRELOAD. The environment
// says which:
//   FAIL_CALL     a kind of call, as in the list at the end of this file: mostly its name
//   FAIL_AT       which one, from 1 on
//   FAIL_ERRNO    ENOSPC, EIO, ... or SHORT: a read() or write() of half of what was asked for
//   FAIL_FOREVER  set: all from that one on; else it alone
//   FAIL_ALSO     another kind, all of whose calls fail with EOPNOTSUPP, so that the program has to
//                 do without
//   FAIL_PAGE     the number of a page, from 0: of the first file that is mapped, it cannot be had
//                 (SIGBUS). Without FAIL_CALL, pread() of it fails with FAIL_ERRNO, if that is set;
//                 else it works, and the page is there from then on, unless FAIL_FOREVER is set
//   FAIL_RECORD   an empty file that gets a FailingCallsRecord
// The calls of all processes and threads of a run are counted as one sequence, so a single call
// fails alone, be it the master's or a worker's, while the others go on as usual. (A count for each
// process would make all workers fail at the same time, which FAIL_FOREVER does as well.) Calls
// within libc are not seen, those of the C++ library are.
#include "tests/faults/failing_calls.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

using tally::FailingCallsRecord;

constexpr int kShort = -1;

std::string_view FromEnvironment(const char* name) {
  const char* const value = getenv(name);
  return value == nullptr ? "" : value;
}

[[noreturn]] void Refuse(const char* what) {
  fprintf(stderr, "failing_calls: %s\n", what);
  _exit(99);
}

/// What is to fail, as the environment says.
struct Plan {
  std::string_view kind = FromEnvironment("FAIL_CALL");
  std::string_view missing = FromEnvironment("FAIL_ALSO");
  uint64_t first = strtoull(FromEnvironment("FAIL_AT").data(), nullptr, 10);
  bool forever = getenv("FAIL_FOREVER") != nullptr;
  const char* page = getenv("FAIL_PAGE");
  int error = 0;
  FailingCallsRecord* record = nullptr;

  Plan() {
    const std::string_view name = FromEnvironment("FAIL_ERRNO");
    error = name == "SHORT" ? kShort : tally::ErrnoOf(name);
    if (first > 0 && error == 0) Refuse("no such errno");
    OpenRecord();
  }

  // By system calls as such, since open() and mmap() are those of this library.
  void OpenRecord() {
    const char* const path = FromEnvironment("FAIL_RECORD").data();
    const long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || syscall(SYS_ftruncate, fd, sizeof(FailingCallsRecord)) != 0) {
      Refuse("FAIL_RECORD cannot be opened");
    }
    const long address = syscall(SYS_mmap, nullptr, sizeof(FailingCallsRecord),
                                 PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (address == -1) Refuse("FAIL_RECORD cannot be mapped");
    record = reinterpret_cast<FailingCallsRecord*>(address);
    syscall(SYS_close, fd);
  }

  /// Counts a call. The errno that it is to fail with; 0: it is not to fail.
  int ErrorOfCall(std::string_view called) const {
    if (called == missing) return EOPNOTSUPP;
    if (called != kind) return 0;
    const uint64_t number = ++std::atomic_ref(record->calls);
    if (first == 0 || number < first || (number > first && !forever)) return 0;
    ++std::atomic_ref(record->failures);
    return error;
  }
};

// Before the program has more than one thread.
const Plan kPlan;

/// Whether this call is to fail; it has then set errno.
bool Fails(std::string_view kind) {
  // Others may call before the plan is made.
  const int error = kPlan.record == nullptr ? 0 : kPlan.ErrorOfCall(kind);
  if (error > 0) errno = error;
  return error > 0;
}

/// How much of `size` a call is to read or write; -1: it is to fail.
ssize_t Allowed(std::string_view kind, size_t size) {
  const int error = kPlan.record == nullptr ? 0 : kPlan.ErrorOfCall(kind);
  if (error == kShort) return static_cast<ssize_t>(std::max<size_t>(size / 2, 1));
  if (error > 0) errno = error;
  return error > 0 ? -1 : static_cast<ssize_t>(size);
}

/// What stands for a page of a mapped file: another file, which is empty until somebody reads the
/// page. A mapping of it gets a true SIGBUS.
class FailingPage {
 public:
  void PutInto(void* mapping, size_t size, int flags, int fd) {
    if (kPlan.page == nullptr || file_ >= 0 || fd < 0 || (flags & MAP_SHARED) == 0) return;
    offset_ = static_cast<off_t>(strtoull(kPlan.page, nullptr, 10) * kPageBytes);
    if (size < static_cast<size_t>(offset_ + kPageBytes)) return;
    file_ = memfd_create("page", MFD_CLOEXEC);
    char* const page = static_cast<char*>(mapping) + offset_;
    const long address =
        syscall(SYS_mmap, page, kPageBytes, PROT_READ, MAP_SHARED | MAP_FIXED, file_, 0);
    if (address == -1) Refuse("FAIL_PAGE cannot be mapped");
  }
  /// How much of `size` a pread() gets; -1: it is to fail, with errno set.
  ssize_t Allowed(size_t size, off_t offset) const {
    const off_t before = offset_ - offset;
    const auto wanted = static_cast<ssize_t>(size);
    const bool fails = file_ >= 0 && kPlan.kind.empty() && kPlan.error > 0;
    if (!fails || wanted <= before || before <= -kPageBytes) return wanted;
    if (before > 0) return before;
    errno = kPlan.error;
    return -1;
  }
  void NoteRead(const char* bytes, ssize_t size, off_t offset) const {
    const off_t before = offset_ - offset;
    if (file_ < 0 || kPlan.forever || before < 0 || size < before + kPageBytes) return;
    if (pwrite(file_, bytes + before, kPageBytes, 0) != kPageBytes) {
      Refuse("FAIL_PAGE cannot be filled");
    }
  }

 private:
  static constexpr ssize_t kPageBytes = 4096;

  int file_ = -1;
  off_t offset_ = 0;
};

FailingPage failing_page;

/// The function of that name which this library hides.
template <class Function>
Function* Hidden(Function* /*its twin*/, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

bool IsUnnamed(int flags) { return (flags & O_TMPFILE) == O_TMPFILE; }
// What the kernel tells of itself is apart: the master looks there while workers open files.
const char* KindOfOpen(std::string_view path, int flags) {
  if (path.starts_with("/proc/") || path.starts_with("/sys/")) return "open_system";
  return IsUnnamed(flags) ? "open_unnamed" : "open";
}

mode_t ModeAmong(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 || IsUnnamed(flags) ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

#define HIDDEN(function) Hidden(&(function), #function)

// Parameters have names of their own: libc's are reserved for it.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeAmong(flags, arguments);
  va_end(arguments);
  return Fails(KindOfOpen(path, flags)) ? -1 : HIDDEN(open)(path, flags, mode);
}

int openat(int directory, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeAmong(flags, arguments);
  va_end(arguments);
  return Fails(KindOfOpen(path, flags)) ? -1 : HIDDEN(openat)(directory, path, flags, mode);
}

int mkostemp(char* name, int flags) { return Fails("open") ? -1 : HIDDEN(mkostemp)(name, flags); }

FILE* fopen(const char* path, const char* mode) {
  return Fails(KindOfOpen(path, 0)) ? nullptr : HIDDEN(fopen)(path, mode);
}

int fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* const argument = va_arg(arguments, void*);  // at least as wide as any other
  va_end(arguments);
  return Fails("fcntl") ? -1 : HIDDEN(fcntl)(fd, command, argument);
}

int stat(const char* path, struct stat* state) {
  return Fails("stat") ? -1 : HIDDEN(stat)(path, state);
}
int lstat(const char* path, struct stat* state) {
  return Fails("stat") ? -1 : HIDDEN(lstat)(path, state);
}
int fstat(int fd, struct stat* state) { return Fails("stat") ? -1 : HIDDEN(fstat)(fd, state); }

int access(const char* path, int mode) { return Fails("access") ? -1 : HIDDEN(access)(path, mode); }
int faccessat(int directory, const char* path, int mode, int flags) {
  return Fails("access") ? -1 : HIDDEN(faccessat)(directory, path, mode, flags);
}

void* mmap(void* address, size_t size, int protection, int flags, int fd, off_t offset) {
  if (Fails("mmap")) return MAP_FAILED;
  void* const mapping = HIDDEN(mmap)(address, size, protection, flags, fd, offset);
  if (mapping != MAP_FAILED) failing_page.PutInto(mapping, size, flags, fd);
  return mapping;
}
int munmap(void* address, size_t size) {
  return Fails("munmap") ? -1 : HIDDEN(munmap)(address, size);
}
int madvise(void* address, size_t size, int advice) {
  return Fails("madvise") ? -1 : HIDDEN(madvise)(address, size, advice);
}

pid_t fork() { return Fails("fork") ? -1 : HIDDEN(fork)(); }
pid_t wait4(pid_t pid, int* status, int options, struct rusage* usage) {
  return Fails("wait4") ? -1 : HIDDEN(wait4)(pid, status, options, usage);
}
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*),
                   void* argument) {
  return Fails("pthread_create") ? errno
                                 : HIDDEN(pthread_create)(thread, attributes, body, argument);
}

ssize_t read(int fd, void* buffer, size_t size) {
  const ssize_t allowed = Allowed("read", size);
  return allowed < 0 ? -1 : HIDDEN(read)(fd, buffer, static_cast<size_t>(allowed));
}
ssize_t pread(int fd, void* buffer, size_t size, off_t offset) {
  const ssize_t allowed = Fails("pread") ? -1 : failing_page.Allowed(size, offset);
  if (allowed < 0) return -1;
  const ssize_t count = HIDDEN(pread)(fd, buffer, static_cast<size_t>(allowed), offset);
  failing_page.NoteRead(static_cast<const char*>(buffer), count, offset);
  return count;
}
// Not to standard error: a program that cannot say why it failed has failed all the same.
ssize_t write(int fd, const void* bytes, size_t size) {
  const ssize_t allowed = fd == STDERR_FILENO ? static_cast<ssize_t>(size) : Allowed("write", size);
  return allowed < 0 ? -1 : HIDDEN(write)(fd, bytes, static_cast<size_t>(allowed));
}
ssize_t sendfile(int to, int from, off_t* offset, size_t size) {
  const ssize_t allowed = Allowed("sendfile", size);
  return allowed < 0 ? -1 : HIDDEN(sendfile)(to, from, offset, static_cast<size_t>(allowed));
}
off_t lseek(int fd, off_t offset, int whence) {
  return Fails("lseek") ? -1 : HIDDEN(lseek)(fd, offset, whence);
}

// Where it does not fail, it does nothing: no test can see more than that it takes long.
int fsync(int /*fd*/) { return Fails("fsync") ? -1 : 0; }
// Linux closes the descriptor whatever it says.
int close(int fd) {
  const int result = HIDDEN(close)(fd);
  return Fails("close") ? -1 : result;
}
int fchmod(int fd, mode_t mode) { return Fails("fchmod") ? -1 : HIDDEN(fchmod)(fd, mode); }
int fchown(int fd, uid_t user, gid_t group) {
  return Fails("fchown") ? -1 : HIDDEN(fchown)(fd, user, group);
}
int linkat(int from_directory, const char* from, int to_directory, const char* to, int flags) {
  return Fails("linkat") ? -1 : HIDDEN(linkat)(from_directory, from, to_directory, to, flags);
}
int rename(const char* from, const char* to) {
  return Fails("rename") ? -1 : HIDDEN(rename)(from, to);
}
int unlink(const char* path) { return Fails("unlink") ? -1 : HIDDEN(unlink)(path); }

int poll(pollfd* fds, nfds_t count, int timeout_ms) {
  return Fails("poll") ? -1 : HIDDEN(poll)(fds, count, timeout_ms);
}
int ppoll(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  return Fails("poll") ? -1 : HIDDEN(ppoll)(fds, count, timeout, mask);
}
int eventfd(unsigned int count, int flags) {
  return Fails("eventfd") ? -1 : HIDDEN(eventfd)(count, flags);
}
int eventfd_read(int fd, eventfd_t* value) {
  return Fails("eventfd_read") ? -1 : HIDDEN(eventfd_read)(fd, value);
}
int eventfd_write(int fd, eventfd_t value) {
  return Fails("eventfd_write") ? -1 : HIDDEN(eventfd_write)(fd, value);
}

}  // extern "C"
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
