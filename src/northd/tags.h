// Tags of nested ports: VLANs by which the port of a host of containers (`parent_name`) tells its containers
// apart (ovn-nb(5), Logical_Switch_Port:tag_request).
//
// Pure bookkeeping.  A request of 1 to 4095 is the tag; a request of 0 from a port with a parent gets the
// lowest tag that none of the parent's ports has, and keeps it.  Without a request the tag is nobody's
// business.

#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/hash_map.h"
#include "base/uuid.h"

namespace weft::northd {

struct TagClaim {
    Uuid port;
    std::string name, parent;        // parent: "" if it has none
    std::optional<int64_t> request;  // 0: any
    bool operator==(const TagClaim&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const TagClaim& c) {
        return H::combine(std::move(h), c.port);
    }
};

class Tags {
  public:
    static constexpr int64_t kMaxTag = 4095;
    explicit Tags(int64_t max = kMaxTag) : max_(max) {}

    void set_claim(const TagClaim& claim);
    void erase_claim(const Uuid& port);
    // The tag that a port had: kept if no other of its parent has it.  For ports without one.
    void suggest(const Uuid& port, int64_t tag);
    // Gives tags to those that wait.  Yields the ports whose tag is another one now.
    std::vector<Uuid> settle();
    std::optional<int64_t> find(const Uuid& port) const;
    // Ports for which none was left, and ports that share a requested tag, for the operator.
    const std::map<Uuid, std::string>& shortages() const { return shortages_; }

  private:
    struct Port {
        TagClaim claim;
        std::optional<int64_t> tag, suggested;
        bool wants_any() const { return claim.request == 0 && !claim.parent.empty(); }
    };
    void take(Port& port, int64_t tag);
    void release(Port& port);
    void assign(Port& port);

    int64_t max_;
    HashMap<Uuid, Port> ports_;
    HashMap<std::string, std::map<int64_t, std::set<Uuid>>> used_;  // by parent
    HashMap<std::string, std::set<Uuid>> waiting_;                  // for whom none was left
    std::set<Uuid> due_;
    HashMap<Uuid, std::optional<int64_t>> before_;
    std::map<Uuid, std::string> shortages_;
};

}  // namespace weft::northd
