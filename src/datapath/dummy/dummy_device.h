// Dummy devices: ports without hardware, for tests (ovs-appctl netdev-dummy/...).
//
// A dummy device is made by Datapath::add_port with PortType::kDummy (or kInternal in a dummy datapath) and
// goes with the port.  Devices are found by name in the whole process.  What is received by hand
// (`netdev-dummy/receive`) goes through the datapath as if it came from a wire; what the datapath sends is
// counted, written to `options:tx_pcap`, and goes to the device's stream connections.
//
// Options: tx_pcap, rxq_pcap, pcap (both): files, classic pcap (draft-gharris-opsawg-pcap), flushed with
// every packet; stream=unix:PATH|tcp:IP:PORT and pstream=punix:PATH|ptcp:PORT[:IP]: a wire to another
// process's dummy device, each packet preceded by its length as a 16-bit big-endian number.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "packet/flow.h"
#include "packet/packet.h"

namespace weft::datapath {

class DummyDevice {
  public:
    virtual ~DummyDevice() = default;
    virtual const std::string& name() const = 0;
    virtual packet::EthAddr mac() const = 0;
    virtual void set_mac(const packet::EthAddr& mac) = 0;
    virtual int mtu() const = 0;
    virtual void set_mtu(int mtu) = 0;
    virtual bool admin_up() const = 0;
    virtual void set_admin_up(bool up) = 0;  // netdev-dummy/set-admin-state
    virtual bool carrier() const = 0;        // of a stream: connected
    virtual std::string connection_state()
        const = 0;  // netdev-dummy/conn-state: "connected", "disconnected", "unknown"
    // A packet arrives, of any size: nothing is padded.
    virtual void receive(packet::Packet packet) = 0;
    // What was sent since the last call, for tests in this process; kept only after the first call.
    virtual std::vector<packet::Packet> take_sent() = 0;

    // netdev-dummy/ip4addr, ip6addr: addresses and prefixes, IPv4's in mapped form with prefixes from 96 on.
    // Who asks for an IPv4 address is answered (ARP).
    using Addresses = std::vector<std::pair<packet::Ipv6Addr, uint8_t>>;
    virtual const Addresses& addresses() const = 0;
    virtual void add_address(const packet::Ipv6Addr& address, uint8_t bits) = 0;
};

DummyDevice* find_dummy_device(std::string_view name);
std::vector<DummyDevice*> all_dummy_devices();  // by name
// Grows whenever a device comes, or its admin state or carrier changes: nothing else tells of these.
uint64_t dummy_link_changes();

}  // namespace weft::datapath
