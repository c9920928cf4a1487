#include "master/helper_threads.h"

#include <pthread.h>

#include <csignal>
#include <new>
#include <system_error>

namespace tally {

std::vector<std::jthread> StartHelpers(uint32_t count, const std::function<void(uint32_t)>& body) {
  std::vector<std::jthread> threads;
  threads.reserve(count);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    for (uint32_t i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
  } catch (const std::system_error&) {
    // As many as there are will do.
  } catch (const std::bad_alloc&) {
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return threads;
}

}  // namespace tally
