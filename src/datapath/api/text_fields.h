// Inside of the text form: header groups like `ipv4(src=1.2.3.4/255.255.255.0,ttl=3)`, which flow keys and
// set actions share.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "datapath/api/text.h"

namespace weft::datapath::text {

// Writing.  Each appends "name(...)" for the fields of `key` that `mask` selects; with `verbose` also those
// it does not, as VALUE/0.  Nothing but "name()" is left when no field is selected: callers decide whether to
// call.
struct Context {
    const packet::Flow& key;
    const packet::Flow& mask;
    bool verbose = false;
};
void write_tunnel(std::string& out, const Context& c);
void write_eth(std::string& out, const Context& c);
void write_vlan(std::string& out, const Context& c, size_t tag);
void write_mpls(std::string& out, const Context& c, size_t labels);
void write_ipv4(std::string& out, const Context& c);
void write_ipv6(std::string& out, const Context& c);
void write_ports(std::string& out, const Context& c, std::string_view name);  // "tcp", "udp", "sctp"
void write_icmp(std::string& out, const Context& c, bool v6);
void write_arp(std::string& out, const Context& c);
void write_nd(std::string& out, const Context& c);
void write_nd_extensions(std::string& out, const Context& c);
void write_nsh(std::string& out, const Context& c);
// "header(size=…,…)" of tnl_push, and its body read back.
std::string tunnel_headers(const PushTunnel& push);
Result<void> read_tunnel_headers(std::string_view body, PushTunnel& out);
std::string geneve_options(ByteView options, ByteView mask, bool masked);

// Reading: "a(b,c=d),e" into its items, and "c=d/m" into fields.
struct Item {
    std::string_view name, body;
    bool has_body = false;
};
Result<std::vector<Item>> split_items(std::string_view text);

// Reads one group into key and mask (fields that are given).  False: the name is none of a group.
Result<bool> read_group(const Item& item, packet::Flow& key, packet::Flow& mask, const PortNames* names);

Result<uint64_t> read_number(std::string_view text, uint64_t max);

}  // namespace weft::datapath::text
