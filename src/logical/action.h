// Actions of logical flows (ovn-sb(5), Logical_Flow, "actions"): text to a list of actions, back to text, and
// to OpenFlow actions.
//
//     parse_actions(text, context)  → ActionProgram: the actions, and the prerequisites that their fields add
//     to
//                                     the flow's match
//     to_string(program)            → canonical text, which parses to the same program
//     encode(program, context)      → OpenFlow actions (ovs-actions(7))
//
// Each action is a struct (actions/*.h) derived from Action.  Programs are immutable and may be shared.
//
// Where things lie in OpenFlow (tables, registers) is in openflow_map.h.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/uuid.h"
#include "logical/dhcp_options.h"
#include "logical/expr.h"
#include "logical/openflow_map.h"
#include "openflow/action.h"

namespace weft::logical {

enum class Pipeline : uint8_t { kIngress, kEgress };

// A group of select type, as an action asks for it.
struct GroupRequest {
    struct Bucket {
        uint16_t weight = 100;
        uint32_t watch_port = openflow::kPortNone;  // used only while that port is up
        openflow::ActionList actions;
        bool operator==(const Bucket&) const = default;
    };
    std::string selection_method = "dp_hash";  // or "hash"
    uint64_t selection_parameter = 0;
    std::vector<openflow::FieldId> hash_fields;  // of "hash"
    std::vector<Bucket> buckets;

    bool operator==(const GroupRequest&) const = default;
    // As `ovn-appctl -t ovn-controller group-table-list` shows it; equal text is an equal group.
    std::string to_string() const;
};

// What encoding needs to know about the world.  The implementer records what was asked for.
class EncodeEnvironment {
  public:
    virtual ~EncodeEnvironment() = default;
    // The key of a port or multicast group of the flow's datapath.
    virtual std::optional<uint32_t> port(std::string_view name) const = 0;
    // The OpenFlow port of the tunnel to the chassis where a port is, nothing if it is here or nowhere.
    virtual std::optional<uint32_t> tunnel_port(std::string_view name) const = 0;
    // Whether a port is on this chassis.
    virtual bool is_chassis_resident(std::string_view name) const = 0;
    // The number of a group / of a rate limit in kbps / of a meter of the southbound Meter table (nothing:
    // there is none of that name).
    virtual uint32_t group(const GroupRequest& request) const = 0;
    virtual uint32_t rate_meter(uint64_t rate_kbps, uint64_t burst_kbits) const = 0;
    virtual std::optional<uint32_t> named_meter(std::string_view name) const = 0;
    // Whether Flow_Sample_Collector_Set has the id.
    virtual bool has_collector_set(uint32_t id) const = 0;
};

struct EncodeContext {
    const EncodeEnvironment* environment = nullptr;
    Pipeline pipeline = Pipeline::kIngress;
    uint8_t table = 0;  // logical
    bool is_switch = true;
    uint32_t datapath_key = 0;
    Uuid flow;                                 // for sample(obs_point=$cookie)
    std::optional<uint32_t> controller_meter;  // of packets sent to the controller

    uint8_t openflow_table(Pipeline p, uint8_t t) const {
        return static_cast<uint8_t>((p == Pipeline::kIngress ? kIngressTable : kEgressTable) + t);
    }
};

class Action {
  public:
    virtual ~Action() = default;
    // With the final semicolon.
    virtual void print(std::string& out) const = 0;
    virtual void encode(const EncodeContext& context, openflow::ActionList& out) const = 0;
};
using ActionPtr = std::unique_ptr<const Action>;
using Actions = std::vector<ActionPtr>;

struct ActionProgram {
    Actions actions;
    Expr prerequisites;
};

struct ActionParseContext {
    const SymbolTable* symbols = &SymbolTable::standard();
    Pipeline pipeline = Pipeline::kIngress;
    uint8_t table = 0;
    uint8_t tables = kLogicalTables;  // of each pipeline
    // Options by name; null: those that Weft knows (dhcp_options.h).
    const DhcpOptionTable* dhcp = nullptr;
    const DhcpOptionTable* dhcpv6 = nullptr;
};

Result<ActionProgram> parse_actions(std::string_view text, const ActionParseContext& context);
void print_actions(const Actions& actions, std::string& out);
std::string to_string(const ActionProgram& program);
void encode_actions(const Actions& actions, const EncodeContext& context, openflow::ActionList& out);

}  // namespace weft::logical
