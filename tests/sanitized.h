// Whether this is a build with sanitizers, which take longer and have handlers of their own.
#ifndef TALLY_TESTS_SANITIZED_H_
#define TALLY_TESTS_SANITIZED_H_

namespace tally {

#ifdef __SANITIZE_THREAD__
constexpr bool kThreadSanitized = true;
#else
constexpr bool kThreadSanitized = false;
#endif
#ifdef __SANITIZE_ADDRESS__
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = kThreadSanitized;
#endif

}  // namespace tally

#endif  // TALLY_TESTS_SANITIZED_H_
