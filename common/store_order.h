// The order of stores, as whoever looks after a death sees it.
#ifndef TALLY_COMMON_STORE_ORDER_H_
#define TALLY_COMMON_STORE_ORDER_H_

#include <atomic>

namespace tally {

/// What a process had stored when it was killed is what its program had stored up to there, as long
/// as the compiler does not swap two stores. It does not around this; it costs no instruction.
inline void InThisOrder() { std::atomic_signal_fence(std::memory_order_seq_cst); }

}  // namespace tally

#endif  // TALLY_COMMON_STORE_ORDER_H_
