// The part-of-speech tags of Google Books n-grams.
#ifndef TALLY_WORKER_NGRAM_TAGS_H_
#define TALLY_WORKER_NGRAM_TAGS_H_

#include <string_view>

namespace tally {

/// Whether any word of the n-gram carries a tag ("dog_NOUN", "._."), stands for a tag ("_NOUN_"),
/// or marks a place ("_START_", "_END_", "_ROOT_"). Such rows repeat what the plain rows count.
/// Only the published tags are tags: "A_" and "_" are plain words.
bool IsTagged(std::string_view ngram);

}  // namespace tally

#endif  // TALLY_WORKER_NGRAM_TAGS_H_
