#include "ovsdb/server/lock_table.h"

#include <algorithm>

namespace weft::ovsdb {

bool LockTable::waits_or_owns(SessionId session, std::string_view lock) const {
    auto it = locks_.find(lock);
    return it != locks_.end() && std::find(it->second.begin(), it->second.end(), session) != it->second.end();
}

bool LockTable::owns(SessionId session, std::string_view lock) const {
    auto it = locks_.find(lock);
    return it != locks_.end() && it->second.front() == session;
}

bool LockTable::lock(SessionId session, const std::string& lock) {
    std::deque<SessionId>& queue = locks_[lock];
    queue.push_back(session);
    return queue.front() == session;
}

LockTable::Change LockTable::steal(SessionId session, const std::string& lock) {
    std::deque<SessionId>& queue = locks_[lock];
    Change change;
    if (!queue.empty()) change = {queue.front(), "stolen"};
    // Who was robbed waits behind the thief.
    queue.push_front(session);
    return change;
}

LockTable::Change LockTable::unlock(SessionId session, const std::string& lock) {
    auto it = locks_.find(lock);
    if (it == locks_.end()) return {};
    std::deque<SessionId>& queue = it->second;
    bool owned = queue.front() == session;
    std::erase(queue, session);
    if (queue.empty()) {
        locks_.erase(it);
        return {};
    }
    return owned ? Change{queue.front(), "locked"} : Change{};
}

}  // namespace weft::ovsdb
