// The connections there are: found by either tuple, counted by zone, and forgotten when their time is over.
//
// Finding is one hash lookup.  Expiry is a wheel of lists, one for each second: a packet only writes its
// connection's new time and leaves it where it is; when the wheel comes by, what lives longer moves on.  So
// an established connection's packet neither allocates nor touches a list.  Each step of the wheel looks at a
// bounded number of connections.  find() gives none whose time is over, swept or not.
//
// Owns its connections; pointers are good until the connection is removed.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/hash_map.h"
#include "datapath/conntrack/connection.h"

namespace weft::datapath::conntrack {

struct Found {
    Connection* connection = nullptr;
    bool reply = false;
    explicit operator bool() const { return connection; }
};

class ConnectionStore {
  public:
    ConnectionStore();
    ~ConnectionStore();
    ConnectionStore(const ConnectionStore&) = delete;
    ConnectionStore& operator=(const ConnectionStore&) = delete;

    Found find(const Tuple& tuple, int64_t now_ms) const;
    // Called before a connection that is accelerated is taken to be over, to renew its time; and before it is
    // removed.
    void set_accelerated(std::function<void(Connection&)> renew, std::function<void(Connection&)> forget) {
        renew_ = std::move(renew);
        forget_ = std::move(forget);
    }
    // A tuple that no connection has, in either direction.
    bool is_free(const Tuple& tuple, int64_t now_ms) const { return !find(tuple, now_ms); }
    // Takes the connection; both its tuples must be free (what is over there goes).
    Connection* add(std::unique_ptr<Connection> connection, int64_t now_ms);
    void remove(Connection* connection);
    // A connection's time has been set to a nearer one than before.
    void hasten(Connection* connection, int64_t now_ms);

    size_t size() const { return count_; }
    uint32_t size(uint16_t zone) const;
    void each(const std::function<void(Connection&)>& callback) const;
    // The same in pieces: of one list of the wheel, from 0 up to kSlots.
    static constexpr uint32_t kSlots = 1024;  // seconds
    void each_in(uint32_t slot, const std::function<void(Connection&)>& callback) const;

    // Looks at up to `most` connections that may be over, removes those that are.  True if there is more to
    // do.
    bool sweep(int64_t now_ms, size_t most);

  private:
    struct Place {
        Connection* connection;
        bool reply;
    };
    bool over(Connection& connection, int64_t now_ms) const {
        if (connection.accelerated && connection.expired(now_ms)) renew_(connection);
        return connection.expired(now_ms);
    }
    void link(Connection* connection, int64_t now_ms);
    void unlink(Connection* connection);
    void release_tuple(const Tuple& tuple);

    std::function<void(Connection&)> renew_, forget_;
    absl::flat_hash_map<Tuple, Place, TupleHash> by_tuple_;
    HashMap<uint16_t, uint32_t> by_zone_;
    std::vector<Connection*> slots_;  // heads of the lists
    size_t count_ = 0;
    int64_t swept_second_ = -1;  // up to and including which the wheel has come; -1: never turned
};

}  // namespace weft::datapath::conntrack
