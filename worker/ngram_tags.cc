#include "worker/ngram_tags.h"

#include <algorithm>
#include <array>

namespace tally {
namespace {

constexpr std::array<std::string_view, 12> kTags = {"NOUN", "VERB", "ADJ",  "ADV", "PRON", "DET",
                                                    "ADP",  "NUM",  "CONJ", "PRT", "X",    "."};
constexpr std::array<std::string_view, 3> kPlaces = {"START", "END", "ROOT"};

bool IsTag(std::string_view name) {
  return std::find(kTags.begin(), kTags.end(), name) != kTags.end();
}

bool IsPlace(std::string_view name) {
  return std::find(kPlaces.begin(), kPlaces.end(), name) != kPlaces.end();
}

bool IsTaggedWord(std::string_view word) {
  if (word.size() > 2 && word.front() == '_' && word.back() == '_') {
    const std::string_view name = word.substr(1, word.size() - 2);
    if (IsTag(name) || IsPlace(name)) return true;
  }
  const size_t underscore = word.rfind('_');
  return underscore != std::string_view::npos && underscore > 0 &&
         IsTag(word.substr(underscore + 1));
}

}  // namespace

bool IsTagged(std::string_view ngram) {
  while (!ngram.empty()) {
    const size_t space = std::min(ngram.find(' '), ngram.size());
    if (IsTaggedWord(ngram.substr(0, space))) return true;
    ngram.remove_prefix(std::min(space + 1, ngram.size()));
  }
  return false;
}

}  // namespace tally
