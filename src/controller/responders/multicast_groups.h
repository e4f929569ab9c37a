// The multicast groups of one logical switch, as learnt from the ports of this host, and where its multicast
// routers are.  Pure: times come in.
//
// A membership lasts for the idle timeout after the last report.  The number of groups is limited
// (table_size); of what is beyond nothing is learnt.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "controller/responders/multicast_messages.h"

namespace weft::controller {

class MulticastGroups {
  public:
    // The name of the row that tells where routers are.
    static constexpr const char* kRouters = "mrouters";

    void set_limits(size_t table_size, int64_t idle_timeout_ms) {
        table_size_ = table_size;
        idle_timeout_ms_ = idle_timeout_ms;
    }
    // True if something changed that is to be told (a membership's renewal is not).
    bool note(const MulticastMessage& message, uint32_t port_key, int64_t now_ms);
    bool expire(int64_t now_ms);
    void flush() { groups_.clear(); }
    std::optional<int64_t> due_ms() const;

    // Ports by their keys, by group; routers among them.
    std::map<std::string, std::set<uint32_t>> members() const;

  private:
    using Ports = std::map<uint32_t, int64_t>;  // until when
    bool join(const std::string& group, uint32_t port_key, int64_t now_ms);
    bool leave(const std::string& group, uint32_t port_key);

    std::map<std::string, Ports> groups_;
    size_t table_size_ = 2048;
    int64_t idle_timeout_ms_ = 300'000;
};

}  // namespace weft::controller
