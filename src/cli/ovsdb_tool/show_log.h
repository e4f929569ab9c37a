// `ovsdb-tool show-log`: the records of a database file for people.

#pragma once

#include <string>

#include "base/result.h"

namespace weft::cli {

// `more`: 0 the records, 1 the rows, 2 the values too.
Result<std::string> show_log(const std::string& file, int more);

}  // namespace weft::cli
