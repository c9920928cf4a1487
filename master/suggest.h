// Finds the name that a mistyped one was meant to be.
#ifndef TALLY_MASTER_SUGGEST_H_
#define TALLY_MASTER_SUGGEST_H_

#include <cstddef>
#include <span>
#include <string_view>

namespace tally {

/// Damerau-Levenshtein distance, restricted form (no stretch is edited twice): how many bytes to
/// insert, delete or replace, or neighbours to swap, to turn `a` into `b`.
size_t EditDistance(std::string_view a, std::string_view b);

/// The candidate that `word` abbreviates (two letters or more), else the one at the least distance,
/// the first of equals; empty if none is within a third of the word's length. Upper case in `word`
/// counts as lower case.
std::string_view NearestName(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace tally

#endif  // TALLY_MASTER_SUGGEST_H_
