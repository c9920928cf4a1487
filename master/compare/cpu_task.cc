// Tasks `cpu` and `fibonacci`: nothing but computing, no memory, no waiting. They can be as many
// times as fast as there are CPUs, and no faster.
#include <cstdint>

#include "master/compare/items.h"
#include "master/compare/tasks.h"

namespace tally::compare {
namespace {

constexpr uint64_t kTerms = 3'000'000;
constexpr uint32_t kFibonacciNumber = 32;

// What is in a register may have changed, for all the compiler knows: it has to do what the source
// says, step by step, where it would rather find a formula.
uint64_t KeepStep(uint64_t value) {
  __asm__ volatile("" : "+r"(value));
  return value;
}

// The sum of i*i over all i below `limit`.
uint64_t SumOfSquares(uint64_t limit) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < limit; ++i) {
    sum = KeepStep(sum + i * i);
  }
  return sum;
}

// By its definition, and so in exponential time.
uint64_t Fibonacci(uint64_t n) { return KeepStep(n) < 2 ? n : Fibonacci(n - 1) + Fibonacci(n - 2); }

}  // namespace

// The listing find_sums() of courses on Python's multiprocessing: number = limit + item, twenty
// times.
Task CpuTask() {
  return TaskOfItems("cpu", "20 sums of i*i, each over 3 million i",
                     [](uint32_t item) { return SumOfSquares(kTerms + item); });
}

Task FibonacciTask() {
  return TaskOfItems("fibonacci", "20 times fib(32), by recursion",
                     [](uint32_t /*item*/) { return Fibonacci(kFibonacciNumber); });
}

}  // namespace tally::compare
