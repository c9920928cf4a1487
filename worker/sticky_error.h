// An error that comes again.
#ifndef TALLY_WORKER_STICKY_ERROR_H_
#define TALLY_WORKER_STICKY_ERROR_H_

#include <optional>
#include <utility>

#include "common/error.h"

namespace tally {

/// A source's first error, thrown again by every later read: what follows an error must not look
/// like more data, nor like the end.
class StickyError {
 public:
  [[noreturn]] void Throw(Error error) {
    error_ = std::move(error);
    throw Error(*error_);
  }
  void ThrowAgain() const {
    if (error_) throw Error(*error_);
  }

 private:
  std::optional<Error> error_;
};

}  // namespace tally

#endif  // TALLY_WORKER_STICKY_ERROR_H_
