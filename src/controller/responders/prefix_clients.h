// IPv6 prefix delegation of this host's gateway ports: a router port with options:prefix_delegation asks for
// a prefix for every port of its router with options:prefix (ovn-nb(5)).  What it gets becomes
// Port_Binding.options:ipv6_ra_pd_list of that port ("ASSOCIATION:PREFIX"), from where ovn-northd takes it to
// Logical_Router_Port.ipv6_prefix.

#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "controller/responders/prefix_delegation.h"
#include "controller/southbound_view.h"
#include "ovsdb/client/replica.h"
#include "packet/packet.h"

namespace weft::controller {

class PrefixClients {
  public:
    // A packet for the logical port with these keys.
    using Send = std::function<void(uint32_t datapath_key, uint32_t port_key, const packet::Packet&)>;

    // Which ports take part; before the replica's clear_changes().
    void note_changes(const ovsdb::client::Replica& southbound);
    // Takes over their settings.
    void update(const ovsdb::client::Replica& southbound, SouthboundView& view, const Uuid& chassis);
    void run(int64_t now_ms, const Send& send);
    std::optional<int64_t> due_ms() const;
    // A server's message (a UDP payload) to the gateway port with these keys.  True if there is something to
    // write.
    bool received(uint32_t datapath_key, uint32_t port_key, ByteView message, int64_t now_ms);
    void write(const ovsdb::client::Replica& southbound, ovsdb::client::Transaction& txn);

  private:
    struct Client {
        PrefixDelegation protocol;
        packet::EthAddr mac{};
        uint32_t identity = 0;
        uint32_t datapath_key = 0, port_key = 0;  // of the gateway port
    };
    using Name = std::pair<Uuid, Uuid>;  // gateway port, and the port that the prefix is for
    std::set<Uuid> gateways_, receivers_;
    std::map<Name, Client> clients_;
    bool changed_ = false;
};

}  // namespace weft::controller
