#include "master/options.h"

#include <fmt/format.h>

#include <string_view>

#include "common/error.h"

namespace tally {

FormatOptions ResolveFormat(const CountOptions& options, Format format) {
  const auto only_for = [&](Format needed, bool given, std::string_view option) {
    if (!given || format == needed) return;
    throw UsageError(
        fmt::format("{} goes with '-f {}' only, but {} {}; leave {} out, or say '-f {}'", option,
                    FormatName(needed), options.format ? "the format is" : "the input looks like",
                    FormatName(format), option, FormatName(needed)));
  };
  only_for(Format::kColumns, options.delimiter.has_value(), "--delimiter");
  only_for(Format::kColumns, options.key_column.has_value(), "--key-column");
  only_for(Format::kColumns, options.value_column.has_value(), "--value-column");
  only_for(Format::kNgram, options.years.has_value(), "--years");
  only_for(Format::kNgram, options.tags.has_value(), "--tags");

  FormatOptions resolved;
  resolved.format = format;
  resolved.delimiter = options.delimiter.value_or(resolved.delimiter);
  resolved.key_column = options.key_column.value_or(resolved.key_column);
  resolved.value_column = options.value_column.value_or(resolved.value_column);
  resolved.years = options.years.value_or(resolved.years);
  resolved.tags = options.tags.value_or(resolved.tags);
  return resolved;
}

}  // namespace tally
