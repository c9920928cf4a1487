// Tells files that are not the text they are counted as: compressed otherwise than by gzip, once,
// or in UTF-16.
#ifndef TALLY_MASTER_FOREIGN_FORMAT_H_
#define TALLY_MASTER_FOREIGN_FORMAT_H_

#include <cstddef>
#include <string_view>

namespace tally {

struct ForeignFormat {
  std::string_view name;       // empty: the file may well be text
  std::string_view converter;  // a command that makes text of such a file, whose name follows it
  std::string_view filter = converter;  // the same for standard input
};

/// What a file is, by its first bytes: kForeignFormatBytes of them, or all that there are.
constexpr size_t kForeignFormatBytes = 10;
ForeignFormat RecognizeForeignFormat(std::string_view first_bytes);

}  // namespace tally

#endif  // TALLY_MASTER_FOREIGN_FORMAT_H_
