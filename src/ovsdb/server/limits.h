// What the clients of a server may take of it together: how many there may be, and what they may make it keep
// of requests that are not whole yet (docs/decisions/0055).
//
// Who is one too many is told so in answer to its first request, and is disconnected.  Who sends too much is
// told by an error whose id is "limit", since its request has none yet.

#pragma once

#include <cstddef>

namespace weft::ovsdb {

struct ServerLimits {
    size_t sessions = 16384;
    size_t refused_sessions = 16;               // more than those, until they have heard why
    size_t request_bytes = size_t{256} << 20;   // of one request, as text
    size_t unfinished_bytes = size_t{1} << 30;  // of all that wait to be whole or to be carried out
};

// Raises the process's limit of open files to what it may have, and gives the sessions that leaves room for,
// at most `wanted`.
size_t sessions_that_fit(size_t wanted);

}  // namespace weft::ovsdb
