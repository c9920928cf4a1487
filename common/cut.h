// Where a text may be cut into chunks without cutting a record in two.
#ifndef TALLY_COMMON_CUT_H_
#define TALLY_COMMON_CUT_H_

#include <cstddef>
#include <string_view>

#include "common/format.h"

namespace tally {

/// Records end at a newline; words behind any white space character, so that a file of words
/// without a single newline is still cut.
enum class CutRule { kAtNewline, kAtSpace };

CutRule CutRuleFor(Format format);

/// The offset just behind the first record end that begins at or after `from`; text.size() where
/// none follows.
size_t FirstCut(std::string_view text, size_t from, CutRule rule);

/// The offset just behind the last record end of `text`; 0 where it has none. `from`: no record
/// end begins before.
size_t LastCut(std::string_view text, CutRule rule, size_t from = 0);

}  // namespace tally

#endif  // TALLY_COMMON_CUT_H_
