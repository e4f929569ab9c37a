// Tables 73 to 75: what a port may send, what ARP and neighbour discovery it may do, and what it may be sent
// (ovn-nb(5), Logical_Switch_Port.port_security).  The result is a flag that the logical flows'
// check_in_port_sec() and check_out_port_sec() copy: 1 means drop.

#include "controller/physical/action_builder.h"
#include "controller/physical/physical_flows.h"
#include "logical/port_security.h"

namespace weft::controller {

namespace sb = schema::sb;
using openflow::FieldId;
using openflow::Match;
using packet::EthAddr;
using packet::Ipv6Addr;

namespace {

using logical::link_local;
using logical::prefix_mask;
using Entry = logical::PortSecurity;
using Ipv4Entry = logical::PortSecurity::Ipv4;
using Ipv6Entry = logical::PortSecurity::Ipv6;

class Emitter {
  public:
    Emitter(SouthboundView& view, const sb::PortBinding& port, uint32_t datapath_key)
        : view_(view),
          cookie_(cookie_of(port.uuid)),
          datapath_key_(datapath_key),
          port_key_(static_cast<uint32_t>(port.tunnel_key)) {}

    Match from_port() const {
        Match match = datapath_match(datapath_key_);
        match.set_reg(kRegInport, port_key_);
        return match;
    }
    Match from(const EthAddr& mac, uint16_t dl_type) const {
        Match match = from_port();
        match.set_dl_src(mac);
        match.set_dl_type(dl_type);
        return match;
    }
    Match to_port() const { return outport_match(datapath_key_, port_key_); }
    Match to(const EthAddr& mac, uint16_t dl_type) const {
        Match match = to_port();
        match.set_dl_dst(mac);
        if (dl_type) match.set_dl_type(dl_type);
        return match;
    }
    void verdict(uint8_t table, uint16_t priority, const Match& match, bool drop) {
        view_.flows.emit(make_flow(table, priority, cookie_, match,
                                   ActionBuilder().load_flag(kFlagPortSecurity, drop).take()));
    }
    void on_to_nd(uint16_t priority, const Match& match) {
        view_.flows.emit(make_flow(kTableInPortSecurity, priority, cookie_, match,
                                   ActionBuilder().resubmit(kTableInPortSecurityNd).take()));
    }

  private:
    SouthboundView& view_;
    uint32_t cookie_, datapath_key_, port_key_;
};

void icmp6(Match& match, uint8_t type) {
    match.set_dl_type(0x86dd);
    match.set(FieldId::kIpProto, 58);
    match.set(FieldId::kIcmpv6Type, type);
}

// Table 73: the source addresses.
void emit_source(Emitter& out, const Entry& entry) {
    if (entry.v4.empty() && entry.v6.empty()) {
        Match match = out.from_port();
        match.set_dl_src(entry.mac);
        return out.on_to_nd(90, match);
    }
    for (const Ipv4Entry& ip : entry.v4) {
        Match match = out.from(entry.mac, 0x0800);
        match.set_nw_src(ip.address, ip.is_network() ? ip.mask : 0xffffffff);
        out.verdict(kTableInPortSecurity, 90, match, false);
    }
    if (!entry.v4.empty()) {  // a DHCP client that has no address yet
        Match match = out.from(entry.mac, 0x0800);
        match.set_nw_src(0);
        match.set_nw_dst(0xffffffff);
        match.set(FieldId::kIpProto, 17);
        match.set(FieldId::kUdpSrc, 68);
        match.set(FieldId::kUdpDst, 67);
        out.verdict(kTableInPortSecurity, 90, match, false);
    }
    if (entry.v6.empty()) return;
    for (const Ipv6Entry& ip : entry.v6) {
        Match match = out.from(entry.mac, 0x86dd);
        match.set_ipv6(FieldId::kIpv6Src, ip.address, ip.mask);
        out.on_to_nd(90, match);
    }
    Match own = out.from(entry.mac, 0x86dd);
    own.set_ipv6(FieldId::kIpv6Src, link_local(entry.mac), prefix_mask(128));
    out.on_to_nd(90, own);
    // Before an address is taken: multicast listener reports and duplicate address detection, from ::.
    for (uint8_t type : {131, 143, 135}) {
        Match match = out.from(entry.mac, 0x86dd);
        icmp6(match, type);
        match.set(FieldId::kIcmpv6Code, 0);
        match.set_ipv6(FieldId::kIpv6Src, Ipv6Addr{}, prefix_mask(128));
        match.set_ipv6(FieldId::kIpv6Dst, Ipv6Addr{0xff, 0x02}, prefix_mask(16));
        if (type == 135) {
            out.on_to_nd(90, match);
        } else {
            out.verdict(kTableInPortSecurity, 90, match, false);
        }
    }
}

// Table 74: ARP and neighbour discovery must speak of the port's own addresses.
void emit_arp(Emitter& out, const Entry& entry) {
    auto arp = [&] {
        Match match = out.from(entry.mac, 0x0806);
        match.set(
            openflow::field(FieldId::kArpSha),
            [&] {
                openflow::FieldValue value;
                std::copy(entry.mac.begin(), entry.mac.end(), value.bytes.begin());
                return value;
            }(),
            openflow::FieldValue::all_ones(openflow::field(FieldId::kArpSha)));
        return match;
    };
    if (entry.v4.empty() && entry.v6.empty()) return out.verdict(kTableInPortSecurityNd, 90, arp(), false);
    for (const Ipv4Entry& ip : entry.v4) {
        Match match = arp();
        match.set(FieldId::kArpSpa, ip.address, ip.is_network() ? ip.mask : 0xffffffff);
        out.verdict(kTableInPortSecurityNd, 90, match, false);
    }
}

void set_link_layer(Match& match, FieldId id, const EthAddr& mac) {
    openflow::FieldValue value;
    std::copy(mac.begin(), mac.end(), value.bytes.begin());
    match.set(openflow::field(id), value, openflow::FieldValue::all_ones(openflow::field(id)));
}

Match neighbour_discovery(const Emitter& out, uint8_t type) {
    Match match = out.from_port();
    icmp6(match, type);
    match.set(FieldId::kIcmpv6Code, 0);
    match.set(FieldId::kIpTtl, 255);
    return match;
}

void emit_nd(Emitter& out, const Entry& entry) {
    // The link-layer address option may be missing (it reads as zero), or must be the port's own.
    for (const EthAddr& mac : {EthAddr{}, entry.mac}) {
        Match solicit = neighbour_discovery(out, 135);
        set_link_layer(solicit, FieldId::kNdSll, mac);
        out.verdict(kTableInPortSecurityNd, 90, solicit, false);

        if (entry.v6.empty()) {
            Match advert = neighbour_discovery(out, 136);
            set_link_layer(advert, FieldId::kNdTll, mac);
            out.verdict(kTableInPortSecurityNd, 90, advert, false);
            continue;
        }
        std::vector<Ipv6Entry> targets = entry.v6;
        targets.push_back({link_local(entry.mac), prefix_mask(128)});
        for (const Ipv6Entry& ip : targets) {
            Match advert = neighbour_discovery(out, 136);
            set_link_layer(advert, FieldId::kNdTll, mac);
            advert.set_ipv6(FieldId::kNdTarget, ip.address, ip.mask);
            out.verdict(kTableInPortSecurityNd, 90, advert, false);
        }
    }
}

// Table 75: the destination addresses.
void emit_destination(Emitter& out, const Entry& entry) {
    if (entry.v4.empty() && entry.v6.empty())
        return out.verdict(kTableOutPortSecurity, 85, out.to(entry.mac, 0), false);
    out.verdict(kTableOutPortSecurity, 85, out.to(entry.mac, 0), false);
    for (uint16_t dl_type : {0x0800, 0x86dd})
        out.verdict(kTableOutPortSecurity, 90, out.to(entry.mac, dl_type), true);

    auto allow_v4 = [&](uint32_t address, uint32_t mask) {
        Match match = out.to(entry.mac, 0x0800);
        match.set_nw_dst(address, mask);
        out.verdict(kTableOutPortSecurity, 95, match, false);
    };
    for (const Ipv4Entry& ip : entry.v4) {
        allow_v4(ip.address, ip.is_network() ? ip.mask : 0xffffffff);
        if (!ip.is_network() && ip.mask != 0xffffffff)
            allow_v4(ip.address | ~ip.mask, 0xffffffff);  // the subnet's broadcast
    }
    if (!entry.v4.empty()) {
        allow_v4(0xffffffff, 0xffffffff);
        allow_v4(0xe0000000, 0xf0000000);
    }
    if (entry.v6.empty()) return;
    auto allow_v6 = [&](const Ipv6Addr& address, const Ipv6Addr& mask) {
        Match match = out.to(entry.mac, 0x86dd);
        match.set_ipv6(FieldId::kIpv6Dst, address, mask);
        out.verdict(kTableOutPortSecurity, 95, match, false);
    };
    for (const Ipv6Entry& ip : entry.v6) allow_v6(ip.address, ip.mask);
    allow_v6(link_local(entry.mac), prefix_mask(128));
    allow_v6(Ipv6Addr{0xff}, prefix_mask(8));
}

void emit_defaults(Emitter& out) {
    out.verdict(kTableInPortSecurity, 80, out.from_port(), true);
    Match arp = out.from_port();
    arp.set_dl_type(0x0806);
    out.on_to_nd(95, arp);
    out.verdict(kTableInPortSecurityNd, 80, arp, true);
    for (uint8_t type : {135, 136}) {
        Match nd = out.from_port();
        icmp6(nd, type);
        nd.set(FieldId::kIpTtl, 255);
        out.verdict(kTableInPortSecurityNd, 80, nd, true);
    }
    out.verdict(kTableOutPortSecurity, 80, out.to_port(), true);
}

}  // namespace

void emit_port_security_flows(SouthboundView& view, const Uuid& uuid) {
    const sb::PortBinding* port = view.port(uuid);
    if (port->port_security.empty() || !local_ofport(view, *port)) return;
    const LocalDatapath* datapath = view.local_datapath(port->datapath);
    if (!datapath) return;
    Emitter out(view, *port, datapath->key);
    bool any = false;
    for (const std::string& text : port->port_security) {
        auto entry = logical::parse_port_security(text);
        if (!entry) continue;
        any = true;
        emit_source(out, *entry);
        emit_arp(out, *entry);
        emit_nd(out, *entry);
        emit_destination(out, *entry);
    }
    if (any) emit_defaults(out);
}

}  // namespace weft::controller
