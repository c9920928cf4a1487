// An object in memory that stays shared across fork().
#ifndef TALLY_COMMON_SHARED_VALUE_H_
#define TALLY_COMMON_SHARED_VALUE_H_

#include <new>
#include <utility>

#include "common/shared_region.h"

namespace tally {

/// A T in a SharedRegion of its own. Made before the processes that share it are forked, destroyed
/// once they have ended: each of them has the same object, at the same address.
template <class T>
class SharedValue {
 public:
  template <class... Arguments>
  explicit SharedValue(Arguments&&... arguments)
      : region_(SharedRegion::Reserve(sizeof(T))),
        value_(new (region_.data()) T(std::forward<Arguments>(arguments)...)) {}
  ~SharedValue() { value_->~T(); }
  SharedValue(const SharedValue&) = delete;
  SharedValue& operator=(const SharedValue&) = delete;

  T& operator*() const { return *value_; }
  T* operator->() const { return value_; }

 private:
  SharedRegion region_;
  T* value_;
};

}  // namespace tally

#endif  // TALLY_COMMON_SHARED_VALUE_H_
