// The text of `ovs-appctl ofproto/trace`, read line by line and given back with what its cookies stand for.
//
// An entry of the trace is a line with the flow that matched ("65. reg15=0x1, priority 100, cookie
// 0x8a07b5cc") and the lines of its actions.  What belongs to an entry is said behind it.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/detrace/expand.h"

namespace weft::cli::detrace {

class Text {
  public:
    explicit Text(const Databases& databases) : databases_(databases) {}

    // What to print once this line was read; the line has no newline.
    std::string line(std::string_view text);
    std::string end();

  private:
    std::string finish_entry();

    const Databases& databases_;
    std::string bridge_;
    std::vector<uint32_t> cookies_;
    std::vector<int64_t> ports_;
    bool in_entry_ = false;
};

}  // namespace weft::cli::detrace
