#include "master/messages.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string>

#include "master/signals.h"

namespace tally {

void OccupyStandardStreams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

void Say(std::string_view text) {
  // In one piece, so that the lines of several programs do not mix.
  SayAsIs("tally: " + std::string(text) + "\n");
}

void SayAsIs(std::string_view text) {
  while (!text.empty() && WaitUntilWritable(STDERR_FILENO)) {
    // A pipe that can be written to takes so much at once.
    const ssize_t written =
        write(STDERR_FILENO, text.data(), std::min<size_t>(text.size(), PIPE_BUF));
    if (written > 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      return;
    }
  }
}

void ShowIfReady(std::string_view text) {
  // A terminal may be busy for a moment with what it got before.
  constexpr int kPatienceMs = 100;
  pollfd ready{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (poll(&ready, 1, kPatienceMs) != 1 || (ready.revents & POLLOUT) == 0) return;
  (void)!write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace tally
