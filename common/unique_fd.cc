#include "common/unique_fd.h"

#include <unistd.h>

namespace tally {

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace tally
