#include "tests/cli/run_tally.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

namespace tally {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// What a test cannot go on without.
int Must(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

void CloseFd(int* fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

int BytesWaitingIn(int fd) {
  int count = 0;
  Must(ioctl(fd, FIONREAD, &count), "FIONREAD");
  return count;
}

/// A program may end without having read its input.
class IgnoredSigpipe {
 public:
  IgnoredSigpipe() : before_(signal(SIGPIPE, SIG_IGN)) {}
  ~IgnoredSigpipe() { signal(SIGPIPE, before_); }
  IgnoredSigpipe(const IgnoredSigpipe&) = delete;
  IgnoredSigpipe& operator=(const IgnoredSigpipe&) = delete;

 private:
  sighandler_t before_;
};

std::vector<std::string> Environment(
    const std::map<std::string, std::optional<std::string>>& changes) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!changes.contains(text.substr(0, text.find('=')))) all.push_back(text);
  }
  for (const auto& [name, value] : changes) {
    if (value) all.push_back(name + '=' + *value);
  }
  return all;
}

std::vector<char*> Pointers(std::vector<std::string>* strings) {
  std::vector<char*> pointers;
  for (std::string& string : *strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::string Shown(const std::string& text) {
  constexpr size_t kMost = 2000;
  return testing::PrintToString(text.substr(0, kMost)) + (text.size() > kMost ? "..." : "");
}

}  // namespace

TempDir::TempDir() {
  path_ = testing::TempDir() + "tally_cli.XXXXXX";
  if (mkdtemp(path_.data()) == nullptr) Must(-1, "mkdtemp");
  path_ = fs::canonical(path_);
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void WriteFile(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path);
}

std::string ReadFile(const std::string& path) {
  // Not by a stream: it throws where a process goes away while its file in /proc is read.
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  std::string bytes;
  char buffer[65536];
  for (ssize_t count; (count = read(fd, buffer, sizeof buffer)) > 0;) {
    bytes.append(buffer, static_cast<size_t>(count));
  }
  CloseFd(&fd);
  return bytes;
}

std::string Gzip(std::string_view bytes, size_t members) {
  std::string out;
  for (size_t member = 0; member < members; ++member) {
    const size_t begin = bytes.size() * member / members;
    const size_t size = bytes.size() * (member + 1) / members - begin;
    z_stream stream{};
    constexpr int kGzip = 16;
    deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + kGzip, 8,
                 Z_DEFAULT_STRATEGY);
    std::string compressed(deflateBound(&stream, size) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + begin));
    stream.avail_in = static_cast<uInt>(size);
    stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
    stream.avail_out = static_cast<uInt>(compressed.size());
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("deflate");
    out += compressed.substr(0, stream.total_out);
    deflateEnd(&stream);
  }
  return out;
}

std::ostream& operator<<(std::ostream& os, const Outcome& outcome) {
  if (outcome.signal_number != 0) {
    os << "died by signal " << outcome.signal_number;
  } else {
    os << "exit status " << outcome.exit_status;
  }
  os << "\n  stdout: " << Shown(outcome.out) << "\n  stderr: " << Shown(outcome.err);
  if (!outcome.terminal.empty()) os << "\n  terminal: " << Shown(outcome.terminal);
  return os;
}

Process::Process(const Command& command) {
  int in = -1;
  int out = -1;
  int err = -1;
  if (command.in.kind == Stdin::Kind::kTerminal || command.out == Output::kTerminal ||
      command.err == Output::kTerminal) {
    OpenTerminal();
  }
  OpenStdin(command.in, &in);
  OpenOutput(command.out, &outcome_.out, &out);
  OpenOutput(command.err, &outcome_.err, &err);
  Spawn(command, in, out, err);
  for (int& fd : child_ends_) CloseFd(&fd);
}

Process::~Process() {
  if (pid_ > 0 && !reaped_) {
    kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  CloseFd(&stdin_fd_);
  for (Stream& stream : streams_) CloseFd(&stream.fd);
}

void Process::OpenStdin(const Stdin& in, int* child_end) {
  if (in.kind == Stdin::Kind::kClosed || in.kind == Stdin::Kind::kTerminal) return;
  if (in.kind == Stdin::Kind::kNothing || in.kind == Stdin::Kind::kFile) {
    const char* const path = in.kind == Stdin::Kind::kFile ? in.text.c_str() : "/dev/null";
    *child_end = Must(open(path, O_RDONLY | O_CLOEXEC), path);
  } else {
    int ends[2];
    Must(pipe2(ends, O_CLOEXEC), "pipe2");
    *child_end = ends[0];
    stdin_fd_ = ends[1];
    fcntl(stdin_fd_, F_SETFL, O_NONBLOCK);
    stdin_text_ = in.text;
    keep_stdin_ = in.kind == Stdin::Kind::kOpenPipe;
    if (in.kind == Stdin::Kind::kText && stdin_text_.empty()) CloseFd(&stdin_fd_);
  }
  child_ends_.push_back(*child_end);
}

void Process::OpenOutput(Output output, std::string* to, int* child_end) {
  if (output == Output::kClosed || output == Output::kTerminal) return;
  int ends[2];
  Must(pipe2(ends, O_CLOEXEC), "pipe2");
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  streams_.push_back({.fd = ends[0], .to = to, .paused = output == Output::kUnreadPipe});
  *child_end = ends[1];
  child_ends_.push_back(ends[1]);
}

void Process::OpenTerminal() {
  termios mode{};
  cfmakeraw(&mode);
  mode.c_lflag |= ISIG;
  mode.c_cc[VINTR] = 3;
  winsize size{};
  size.ws_row = 24;
  size.ws_col = 80;
  int child_end = -1;
  Must(openpty(&terminal_fd_, &child_end, nullptr, &mode, &size), "openpty");
  for (const int fd : {terminal_fd_, child_end}) fcntl(fd, F_SETFD, FD_CLOEXEC);
  fcntl(terminal_fd_, F_SETFL, O_NONBLOCK);
  terminal_name_ = ttyname(child_end);
  child_ends_.push_back(child_end);  // open until the child has it, so that it does not hang up
  streams_.push_back({.fd = terminal_fd_, .to = &outcome_.terminal});
}

void Process::Spawn(const Command& command, int in, int out, int err) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (!command.directory.empty()) {
    posix_spawn_file_actions_addchdir_np(&actions, command.directory.c_str());
  }
  const auto connect = [&](int fd, int target, bool to_terminal) {
    if (to_terminal) {
      // By its name: the first terminal that the leader of a session opens becomes its own.
      posix_spawn_file_actions_addopen(&actions, target, terminal_name_.c_str(), O_RDWR, 0);
    } else if (fd >= 0) {
      posix_spawn_file_actions_adddup2(&actions, fd, target);
    } else {
      posix_spawn_file_actions_addclose(&actions, target);
    }
  };
  connect(in, STDIN_FILENO, command.in.kind == Stdin::Kind::kTerminal);
  connect(out, STDOUT_FILENO, command.out == Output::kTerminal);
  connect(err, STDERR_FILENO, command.err == Output::kTerminal);

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // Nothing that this process ignores or blocks is to be ignored or blocked there.
  sigset_t all;
  sigfillset(&all);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);
  const int group = terminal_fd_ >= 0 ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
  posix_spawnattr_setflags(
      &attributes, static_cast<short>(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | group));

  std::vector<std::string> arguments = command.arguments;
  arguments.insert(arguments.begin(), command.program);
  std::vector<std::string> environment = Environment(command.environment);
  start_ = Clock::now();
  const int error = posix_spawnp(&pid_, command.program.c_str(), &actions, &attributes,
                                 Pointers(&arguments).data(), Pointers(&environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    throw std::system_error(error, std::generic_category(), "cannot run " + command.program);
  }
}

void Process::Signal(int signal_number) const { Must(kill(pid_, signal_number), "kill"); }

void Process::WriteStdin(std::string_view bytes) {
  stdin_text_ += bytes;
  WaitUntil([this] { return stdin_text_.empty(); }, "its standard input to be taken");
}

void Process::CloseStdin() { CloseFd(&stdin_fd_); }

int Process::UnreadStdinBytes() const { return BytesWaitingIn(stdin_fd_); }

int Process::UnreadOutputBytes() const { return BytesWaitingIn(streams_.front().fd); }

void Process::CloseUnreadOutput() { CloseFd(&streams_.front().fd); }

void Process::TypeOnTerminal(std::string_view bytes) const {
  Must(static_cast<int>(write(terminal_fd_, bytes.data(), bytes.size())), "write to the terminal");
}

bool Process::WaitUntil(const std::function<bool()>& condition, const char* what) {
  const auto deadline = Clock::now() + kDeadline;
  while (!condition()) {
    if (Clock::now() > deadline) {
      ADD_FAILURE() << "waited in vain for " << what << "\n" << outcome_;
      return false;
    }
    Pump(milliseconds(1));
  }
  return true;
}

Outcome Process::Wait() {
  const bool ended = WaitUntil(
      [this] {
        Reap();
        return Ended();
      },
      "the program and all its workers to end");
  if (!ended) kill(-pid_, SIGKILL);
  return outcome_;
}

bool Process::AnyProcessLeft() const { return kill(-pid_, 0) == 0; }

bool Process::Ended() const {
  return reaped_ && std::all_of(streams_.begin(), streams_.end(), [](const Stream& stream) {
           return stream.fd < 0 || stream.paused;
         });
}

void Process::Reap() {
  int status = 0;
  if (reaped_ || waitpid(pid_, &status, WNOHANG) != pid_) return;
  reaped_ = true;
  if (WIFEXITED(status)) outcome_.exit_status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) outcome_.signal_number = WTERMSIG(status);
}

// Moves what can be moved, and waits for at most so long where there is nothing.
void Process::Pump(milliseconds limit) {
  std::vector<pollfd> fds;
  if (stdin_fd_ >= 0 && !stdin_text_.empty()) fds.push_back({stdin_fd_, POLLOUT, 0});
  for (const Stream& stream : streams_) {
    if (stream.fd >= 0 && !stream.paused) fds.push_back({stream.fd, POLLIN, 0});
  }
  poll(fds.data(), fds.size(), static_cast<int>(limit.count()));
  PumpStdin();
  for (Stream& stream : streams_) {
    if (stream.fd >= 0 && !stream.paused) ReadFrom(&stream);
  }
}

void Process::PumpStdin() {
  if (stdin_fd_ < 0 || stdin_text_.empty()) return;
  const IgnoredSigpipe ignored;
  const ssize_t count = write(stdin_fd_, stdin_text_.data(), stdin_text_.size());
  if (count < 0 && errno == EAGAIN) return;
  // Where the reader has gone, the rest is not wanted.
  stdin_text_.erase(0, count < 0 ? stdin_text_.size() : static_cast<size_t>(count));
  if (stdin_text_.empty() && !keep_stdin_) CloseFd(&stdin_fd_);
}

void Process::ReadFrom(Stream* stream) {
  char buffer[65536];
  for (;;) {
    const ssize_t count = read(stream->fd, buffer, sizeof buffer);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) return CloseFd(&stream->fd);  // a terminal says EIO
    if (stream->fd == terminal_fd_ && !outcome_.terminal_after) {
      outcome_.terminal_after = std::chrono::duration_cast<milliseconds>(Clock::now() - start_);
    }
    stream->to->append(buffer, static_cast<size_t>(count));
  }
}

Outcome RunCommand(const Command& command) { return Process(command).Wait(); }

std::vector<std::string> CliTest::Files() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(dir_.path())) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string TestMode() {
  const char* const mode = std::getenv("TALLY_TEST_MODE");
  return mode != nullptr ? mode : "process";
}

Command CliTest::TallyCommand(std::vector<std::string> arguments, Stdin in) const {
  const bool counts = !arguments.empty() && arguments[0] == "count";
  if (counts && std::find(arguments.begin(), arguments.end(), "--mode") == arguments.end()) {
    const std::vector<std::string> mode = {"--mode", TestMode()};
    arguments.insert(arguments.begin() + 1, mode.begin(), mode.end());
  }
  return {.arguments = std::move(arguments), .in = std::move(in), .directory = dir_.path()};
}

Command CliTest::ShellCommand(std::string script) const {
  const std::string path =
      fs::path(TALLY_BINARY).parent_path().string() + ":" + std::getenv("PATH");
  return {.arguments = {"-c", std::move(script)},
          .environment = {{"PATH", path}},
          .directory = dir_.path(),
          .program = "bash"};
}

}  // namespace tally
