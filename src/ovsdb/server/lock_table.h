// Named locks of a server's clients (RFC 7047, 4.1.8): one owner each, the others wait in order.

#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

namespace weft::ovsdb {

using SessionId = uint64_t;

class LockTable {
  public:
    // `notify(session, "locked" or "stolen", lock)` for others than who asks.
    struct Change {
        SessionId session = 0;  // 0: nobody
        const char* method = nullptr;
    };

    bool waits_or_owns(SessionId session, std::string_view lock) const;
    bool owns(SessionId session, std::string_view lock) const;
    // True if the lock is the session's now.
    bool lock(SessionId session, const std::string& lock);
    Change steal(SessionId session, const std::string& lock);
    Change unlock(SessionId session, const std::string& lock);

  private:
    std::map<std::string, std::deque<SessionId>, std::less<>> locks_;  // the owner is in front
};

}  // namespace weft::ovsdb
