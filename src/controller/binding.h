// Port bindings: which logical ports live on this chassis (ovn-sb(5), Port_Binding).
//
// A VIF is claimed when an interface of the integration bridge carries its name, unless another chassis is
// asked for; the containers in it follow.  Where several chassis are asked for, the first has the port and
// the others have it in addition, while a virtual machine moves.  Gateway ports (l3gateway, l2gateway) are
// claimed when their options name this chassis, chassisredirect and external ports when this chassis is the
// one of their group to serve (ha_chassis.h).  A virtual port stays as long as its parent is here; pinctrl
// claims it.  A port of type mirror is where the port is that gets its copies.  What this chassis holds
// without a reason is released.
//
// A port whose interface names one of several tunnel addresses (external_ids:encap-ip) says by its `encap`
// column that it wants to be reached by that.
//
// decide() says what has to change, apply() writes it.  Two chassis that both have an interface for a port
// would take it from each other as fast as the database allows: a port that another chassis just took is
// taken back after half a second.

#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/southbound_view.h"
#include "ovsdb/client/transaction.h"

namespace weft::controller {

struct BindingChange {
    enum class Kind { kClaim, kClaimAdditional, kRelease, kReleaseAdditional };
    Uuid port;
    Kind kind;
    bool operator==(const BindingChange&) const = default;
};

// What decides beside the southbound database.
struct BindingFacts {
    const std::set<std::string>& alive;  // chassis that BFD reaches, by name
    // Chassis whose session has only just been asked for, so that it says nothing yet; until when.  A gateway
    // is not taken over from them: while sessions come up, several members would think themselves the first.
    std::set<std::string> unproven;
    int64_t unproven_until_ms = 0;
    int64_t now_ms = 0;
    // The bridge answers.  Who has no switch takes over no gateway; what BFD said of others is of its past.
    bool switch_is_there = true;
};

// options:requested-chassis asks for the chassis with this name and hostname.
enum class Requested { kMain, kAdditional, kNot };
Requested requested_chassis(const schema::sb::PortBinding& port, const schema::sb::Chassis& chassis);

class Binding {
  public:
    explicit Binding(SouthboundView& view) : view_(view) {}

    // The view must be up to date.  `port`: one of OwnPorts::candidates, or that was one.
    std::vector<BindingChange> decide(const Uuid& port, const BindingFacts& facts);
    // When decide() would say more of some port without a change of anything else.
    std::optional<int64_t> next_decision_ms() const { return next_decision_ms_; }
    // All ports are to be decided again.
    void begin_anew() { next_decision_ms_.reset(); }

    // Writes changes of a port that decide() named, or the encapsulations of one that stays.
    void apply(const Uuid& port, const std::vector<BindingChange>& changes, ovsdb::client::Transaction& txn);

  private:
    struct Right {
        bool main = false, additional = false;
        bool any() const { return main || additional; }
    };
    const schema::sb::Chassis* find_chassis();
    // What local interfaces, options and groups give this chassis a right to.
    Right right_to(const schema::sb::PortBinding& port, const BindingFacts& facts);
    Right right_of_vif(const schema::sb::PortBinding& port);
    void consider(const schema::sb::PortBinding& port, const BindingFacts& facts,
                  std::vector<BindingChange>& changes);
    bool serves(const schema::sb::PortBinding& port, const BindingFacts& facts);
    void decide_again_at(int64_t ms);
    bool must_wait(const schema::sb::PortBinding& port, const BindingFacts& facts);
    // Of this chassis the encapsulation that the port's interface asks for, if it does.
    std::optional<Uuid> wanted_encap(const schema::sb::PortBinding& port);
    void keep_encap(const schema::sb::PortBinding& port, ovsdb::client::Transaction& txn);
    void write(const BindingChange& change, const schema::sb::PortBinding& port,
               ovsdb::client::Transaction& txn);
    void claim(const schema::sb::PortBinding& port, ovsdb::client::Transaction& txn);
    void release(const schema::sb::PortBinding& port, ovsdb::client::Transaction& txn);
    void release_additional(const schema::sb::PortBinding& port, ovsdb::client::Transaction& txn);

    SouthboundView& view_;
    const schema::sb::Chassis* chassis_ = nullptr;  // during decide() and apply()
    std::map<Uuid, int64_t> claimed_ms_;            // claims of the last half second
    std::optional<int64_t> next_decision_ms_;
};

}  // namespace weft::controller
