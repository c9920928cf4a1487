#include "master/suggest.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace tally {

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::string_view NearestName(std::string_view word, std::span<const std::string_view> candidates) {
  std::string lower(word);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (lower.size() >= 2) {
    const auto longer =
        std::ranges::find_if(candidates, [&](auto name) { return name.starts_with(lower); });
    if (longer != candidates.end()) return *longer;
  }

  // A third lets "tpo" find "top" and keeps "foo" from finding it.
  const size_t limit = std::max<size_t>(lower.size(), 3) / 3;
  std::string_view nearest;
  size_t least = limit + 1;
  for (const std::string_view name : candidates) {
    // Not for speed alone: the word may be as long as an argument can be.
    if (std::max(lower.size(), name.size()) - std::min(lower.size(), name.size()) > limit) continue;
    const size_t distance = EditDistance(lower, name);
    if (distance < least && distance < name.size()) {
      least = distance;
      nearest = name;
    }
  }
  return nearest;
}

}  // namespace tally
