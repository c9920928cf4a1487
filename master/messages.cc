#include "master/messages.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "master/signals.h"

namespace tally {

void Say(std::string_view text) {
  // One write, so that lines of several programs do not mix.
  const std::string line = "tally: " + std::string(text) + "\n";
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t written = write(STDERR_FILENO, rest.data(), rest.size());
    if (written > 0) {
      rest.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR || StopSignal() != 0) {
      return;
    }
  }
}

void ShowIfReady(std::string_view text) {
  pollfd ready{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return;
  (void)!write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace tally
