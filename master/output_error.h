// Why an output could not be written, and what a person can do about it.
#ifndef TALLY_MASTER_OUTPUT_ERROR_H_
#define TALLY_MASTER_OUTPUT_ERROR_H_

#include <string>
#include <string_view>

#include "common/error.h"

namespace tally {

/// "path: what went wrong: strerror(errno_value)", with a remedy where there is one.
Error OutputError(const std::string& path, std::string_view what, int errno_value);

}  // namespace tally

#endif  // TALLY_MASTER_OUTPUT_ERROR_H_
