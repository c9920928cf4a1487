// JSON that a program builds piece by piece, where master/json.h is for one string in a large
// stream.
#ifndef TALLY_MASTER_JSON_VALUE_H_
#define TALLY_MASTER_JSON_VALUE_H_

#include <nlohmann/json.hpp>
#include <string>

namespace tally {

/// An object keeps the order in which its members were added.
using JsonValue = nlohmann::ordered_json;

/// With a line for each member and element, and a newline at the end. Bytes that are not UTF-8
/// become U+FFFD.
std::string DumpJson(const JsonValue& value);

}  // namespace tally

#endif  // TALLY_MASTER_JSON_VALUE_H_
