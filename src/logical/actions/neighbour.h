// MAC bindings (ARP and ND) and the forwarding database of switches: get, put, lookup.

#pragma once

#include "logical/action.h"

namespace weft::logical {

class ActionParser;

// get_arp(P, A), get_nd(P, A).
struct GetNeighbour : Action {
    bool ipv6 = false;
    FieldRef port, ip;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
// put_arp(P, A, E), put_nd(P, A, E).
struct PutNeighbour : Action {
    bool ipv6 = false;
    FieldRef port, ip, mac;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
// R = lookup_arp(P, A, M), R = lookup_nd(P, A, M); without M: lookup_arp_ip, lookup_nd_ip.
struct LookupNeighbour : Action {
    FieldRef result;
    bool ipv6 = false;
    bool with_mac = true;
    FieldRef port, ip, mac;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
// outport = get_fdb(A).
struct GetFdb : Action {
    FieldRef result, mac;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
// put_fdb(P, A).
struct PutFdb : Action {
    FieldRef port, mac;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
// R = lookup_fdb(P, A).
struct LookupFdb : Action {
    FieldRef result, port, mac;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};

Result<ActionPtr> parse_get_arp(ActionParser& parser);
Result<ActionPtr> parse_get_nd(ActionParser& parser);
Result<ActionPtr> parse_put_arp(ActionParser& parser);
Result<ActionPtr> parse_put_nd(ActionParser& parser);
Result<ActionPtr> parse_put_fdb(ActionParser& parser);
Result<ActionPtr> parse_lookup_arp(ActionParser& parser, const FieldRef& result);
Result<ActionPtr> parse_lookup_arp_ip(ActionParser& parser, const FieldRef& result);
Result<ActionPtr> parse_lookup_nd(ActionParser& parser, const FieldRef& result);
Result<ActionPtr> parse_lookup_nd_ip(ActionParser& parser, const FieldRef& result);
Result<ActionPtr> parse_get_fdb(ActionParser& parser, const FieldRef& result);
Result<ActionPtr> parse_lookup_fdb(ActionParser& parser, const FieldRef& result);

}  // namespace weft::logical
