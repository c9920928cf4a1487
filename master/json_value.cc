#include "master/json_value.h"

namespace tally {

std::string DumpJson(const JsonValue& value) {
  return value.dump(/*indent=*/2, /*indent_char=*/' ', /*ensure_ascii=*/false,
                    JsonValue::error_handler_t::replace) +
         "\n";
}

}  // namespace tally
