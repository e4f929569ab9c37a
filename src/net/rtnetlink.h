// A request to rtnetlink and its acknowledgement, over libmnl.

#pragma once

#include <functional>
#include <string>

#include "base/result.h"

struct nlmsghdr;

namespace weft::net {

// Sends one request (built by `build` into a message header of `type` and `flags`) and waits for the kernel's
// acknowledgement or, with NLM_F_DUMP, for all answers, each of which goes to `each`.  Errors are errno's
// text; the number itself is in `error_number` when given.
Result<void> rtnetlink(uint16_t type, uint16_t flags, const std::function<void(nlmsghdr*)>& build,
                       const std::function<void(const nlmsghdr*)>& each = nullptr,
                       int* error_number = nullptr);

}  // namespace weft::net
