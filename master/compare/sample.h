// A text to count where none was given.
#ifndef TALLY_MASTER_COMPARE_SAMPLE_H_
#define TALLY_MASTER_COMPARE_SAMPLE_H_

#include <cstddef>
#include <string>

#include "common/unique_fd.h"

namespace tally::compare {

/// A file in memory, without a name: it is gone with the last process that has it open.
UniqueFd MakeMemoryFile();

/// The path that opens it, in this process and those it forks.
std::string PathOf(const UniqueFd& file);

/// Writes words to the file, always the same ones: about `size_bytes` of lines of ten, the more
/// frequent a word, the shorter, by Zipf's law.
void WriteSample(const UniqueFd& file, size_t size_bytes);

}  // namespace tally::compare

#endif  // TALLY_MASTER_COMPARE_SAMPLE_H_
