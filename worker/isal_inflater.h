// Inflates with ISA-L, three times as fast as zlib. Not in every build: see CMakeLists.txt.
#ifndef TALLY_WORKER_ISAL_INFLATER_H_
#define TALLY_WORKER_ISAL_INFLATER_H_

#include <memory>
#include <string>

#include "worker/inflater.h"

namespace tally {

/// The same verdicts and the same text as with zlib, and the same words of headers and checksums.
/// But there are fewer words for what is wrong in a block, and
///   where a member is cut off, its last one or two bytes of text may be missing;
///   a set of codes that is incomplete is no damage by itself: a code that is not in it is, or the
///   checksum.
/// REQUIRES: IsIsalThere().
std::unique_ptr<Inflater> MakeIsalInflater();

/// Whether this machine has the library. By any thread.
bool IsIsalThere();

std::string IsalName();

}  // namespace tally

#endif  // TALLY_WORKER_ISAL_INFLATER_H_
