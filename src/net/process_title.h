// What ps(1) shows for this process instead of its command line.

#pragma once

#include <string_view>

namespace weft::net {

// Cut to the room that the command line had.  The argv of main() is overwritten.
void set_process_title(std::string_view title);

}  // namespace weft::net
