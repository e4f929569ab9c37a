// Flow keys and actions as text, in the form of `ovs-appctl dpctl/dump-flows` and `ofproto/trace`:
//
//     recirc_id(0),in_port(2),packet_type(ns=0,id=0),eth(src=50:54:00:00:00:01,dst=...),eth_type(0x0800),...
//     set(ipv4(ttl=63)),push_vlan(vid=10,pcp=0),3
//
// Printing and parsing are inverse.  Port names are looked up through PortNames when one is given; otherwise
// ports are numbers.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "datapath/api/action.h"
#include "datapath/api/datapath.h"
#include "packet/flow.h"

namespace weft::datapath {

class PortNames {
  public:
    virtual ~PortNames() = default;
    virtual std::optional<std::string> name_of(PortNo port) const = 0;
    virtual std::optional<PortNo> port_of(std::string_view name) const = 0;
};

// A megaflow's match.  Terse: only what the mask selects, as dump-flows prints.  `verbose` prints wildcarded
// fields too, with their empty masks, as `-m` does.
std::string format_match(const packet::Flow& key, const packet::Flow& mask, const PortNames* names = nullptr,
                         bool verbose = false);
// All that a packet with this key has.
packet::Flow exact_mask(const packet::Flow& key);
// A packet's whole key, without masks, as in upcall logs.
std::string format_key(const packet::Flow& key, const PortNames* names = nullptr);
// "drop" for no actions.
std::string format_actions(const Actions& actions, const PortNames* names = nullptr);

// One line of dump-flows: match, statistics, actions.
std::string format_flow(const FlowDump& flow, const PortNames* names = nullptr, bool verbose = false);

// Userspace::userdata as text, which only its maker understands: "controller(reason=1,...)",
// "slow_path(action)". The switch installs its functions once at the start; without any, and for what they do
// not know, it is "userdata(0102...)".
struct UserdataText {
    std::string (*format)(ByteView userdata) = nullptr;  // "": unknown
    std::optional<Bytes> (*parse)(std::string_view name,
                                  std::string_view body) = nullptr;  // nullopt: not of this kind
};
void set_userdata_text(UserdataText functions);

struct KeyAndMask {
    packet::Flow key, mask;
};
// Fields that are not mentioned are zero in key and mask.  Errors name the field and what would be right.
Result<KeyAndMask> parse_match(std::string_view text, const PortNames* names = nullptr);
Result<packet::Flow> parse_key(std::string_view text, const PortNames* names = nullptr);
Result<Actions> parse_actions(std::string_view text, const PortNames* names = nullptr);

}  // namespace weft::datapath
