// Ports and features as text.

#include <algorithm>

#include "openflow/flag_text.h"
#include "openflow/messages/print.h"
#include "openflow/names.h"
#include "openflow/text.h"

namespace weft::openflow::messages {
namespace {

constexpr FlagName kConfig[] = {{kPortDown, "PORT_DOWN"},         {kPortNoStp, "NO_STP"},
                                {kPortNoRecv, "NO_RECV"},         {kPortNoRecvStp, "NO_RECV_STP"},
                                {kPortNoFlood, "NO_FLOOD"},       {kPortNoFwd, "NO_FWD"},
                                {kPortNoPacketIn, "NO_PACKET_IN"}};
constexpr FlagName kState[] = {{kPortLinkDown, "LINK_DOWN"}, {kPortBlocked, "BLOCKED"}, {kPortLive, "LIVE"}};
constexpr FlagName kFeatures[] = {{kPort10MbHd, "10MB-HD"},   {kPort10MbFd, "10MB-FD"},
                                  {kPort100MbHd, "100MB-HD"}, {kPort100MbFd, "100MB-FD"},
                                  {kPort1GbHd, "1GB-HD"},     {kPort1GbFd, "1GB-FD"},
                                  {kPort10GbFd, "10GB-FD"},   {kPort40GbFd, "40GB-FD"},
                                  {kPort100GbFd, "100GB-FD"}, {kPort1TbFd, "1TB-FD"},
                                  {kPortOtherSpeed, "OTHER"}, {kPortCopper, "COPPER"},
                                  {kPortFiber, "FIBER"},      {kPortAutoneg, "AUTO_NEG"},
                                  {kPortPause, "AUTO_PAUSE"}, {kPortPauseAsym, "AUTO_PAUSE_ASYM"}};

// kbps of the fastest speed in a set of features.
uint32_t speed_of(uint32_t features, uint32_t fallback) {
    struct Speed {
        uint32_t bits, kbps;
    };
    static constexpr Speed kSpeeds[] = {{kPort1TbFd, 1000000000},
                                        {kPort100GbFd, 100000000},
                                        {kPort40GbFd, 40000000},
                                        {kPort10GbFd, 10000000},
                                        {kPort1GbHd | kPort1GbFd, 1000000},
                                        {kPort100MbHd | kPort100MbFd, 100000},
                                        {kPort10MbHd | kPort10MbFd, 10000}};
    for (const Speed& speed : kSpeeds) {
        if (features & speed.bits) return speed.kbps;
    }
    return fallback;
}

void counter(const char* name, uint64_t value, bool more, std::string& out) {
    out += name;
    if (value == ~0ull) {
        out += '?';
    } else {
        text::append_decimal(out, value);
    }
    out += more ? ", " : "\n";
}

}  // namespace

void print_duration(uint32_t sec, uint32_t nsec, std::string& out) {
    text::append(out, "{}", sec);
    if (nsec >= 1000000) {
        text::append(out, ".{:03}", nsec / 1000000);
        while (out.back() == '0') out.pop_back();
    }
    out += 's';
}

void print_port(const Port& p, Version version, std::string& out) {
    out += ' ';
    format_port(p.number, nullptr, out);
    out += '(';
    out += p.name;
    out += "): addr:";
    text::format_mac(p.address, out);
    out += "\n     config:     ";
    format_flags(kConfig, p.config, " ", "0", out);
    out += "\n     state:      ";
    uint32_t stp = p.state & kPortStpMask;
    static constexpr const char* kStp[] = {"STP_LISTEN", "STP_LEARN", "STP_FORWARD", "STP_BLOCK"};
    if (version == Version::k10 && stp) {
        if (p.state & kPortLinkDown) out += "LINK_DOWN ";
        out += kStp[stp >> 8];
    } else {
        format_flags(kState, p.state & 7, " ", "0", out);
    }
    out += '\n';
    auto features = [&](const char* name, uint32_t bits) {
        if (!bits) return;
        out += name;
        format_flags(kFeatures, bits, " ", "0", out);
        out += '\n';
    };
    features("     current:    ", p.current);
    features("     advertised: ", p.advertised);
    features("     supported:  ", p.supported);
    features("     peer:       ", p.peer);
    uint32_t now = version == Version::k10 ? speed_of(p.current, 0) : p.current_speed;
    uint32_t max = version == Version::k10 ? speed_of(p.supported, 0) : p.max_speed;
    text::append(out, "     speed: {} Mbps now, {} Mbps max\n", now / 1000, max / 1000);
}

void print_ports(std::vector<Port> ports, Version version, std::string& out) {
    std::sort(ports.begin(), ports.end(), [](const Port& a, const Port& b) { return a.number < b.number; });
    for (const Port& port : ports) print_port(port, version, out);
}

void print_features(const FeaturesReply& f, Version version, std::string& out) {
    text::append(out, " dpid:{:016x}\nn_tables:{}, n_buffers:{}", f.datapath_id, f.tables, f.buffers);
    if (f.auxiliary_id) text::append(out, ", auxiliary_id:{}", f.auxiliary_id);
    out += "\ncapabilities: ";
    static constexpr FlagName kCaps10[] = {
        {1, "FLOW_STATS"},  {2, "TABLE_STATS"},    {4, "PORT_STATS"},     {8, "STP"},
        {0x20, "IP_REASM"}, {0x40, "QUEUE_STATS"}, {0x80, "ARP_MATCH_IP"}};
    static constexpr FlagName kCaps[] = {
        {1, "FLOW_STATS"},  {2, "TABLE_STATS"},        {4, "PORT_STATS"},      {8, "GROUP_STATS"},
        {0x20, "IP_REASM"}, {0x40, "QUEUE_STATS"},     {0x80, "ARP_MATCH_IP"}, {0x100, "PORT_BLOCKED"},
        {0x200, "BUNDLES"}, {0x400, "FLOW_MONITORING"}};
    if (version == Version::k10) {
        format_flags(kCaps10, f.capabilities, " ", "0", out);
    } else {
        format_flags(kCaps, f.capabilities, " ", "0", out);
    }
    out += '\n';
    if (version == Version::k10) {
        out += "actions: ";
        out += action_names(f.actions, version);
        out += '\n';
    }
    print_ports(f.ports, version, out);
}

void print_port_stats(const PortStatsReply& reply, const Names* names, std::string& out) {
    text::append(out, " {} ports\n", reply.ports.size());
    for (const PortStats& s : reply.ports) {
        std::string port;
        format_port(s.port, names, port);
        text::append(out, "  port {}{}: ", s.port < 10 ? " " : "", port);
        counter("rx pkts=", s.rx_packets, true, out);
        counter("bytes=", s.rx_bytes, true, out);
        counter("drop=", s.rx_dropped, true, out);
        counter("errs=", s.rx_errors, true, out);
        counter("frame=", s.rx_frame_err, true, out);
        counter("over=", s.rx_over_err, true, out);
        counter("crc=", s.rx_crc_err, false, out);
        counter("           tx pkts=", s.tx_packets, true, out);
        counter("bytes=", s.tx_bytes, true, out);
        counter("drop=", s.tx_dropped, true, out);
        counter("errs=", s.tx_errors, true, out);
        counter("coll=", s.collisions, false, out);
        if (s.duration_sec != ~0u) {
            out += "           duration=";
            print_duration(s.duration_sec, s.duration_nsec, out);
            out += '\n';
        }
    }
}

void print_group_features(const GroupFeaturesReply& f, Version version, std::string& out) {
    static constexpr const char* kNames[] = {"all", "select", "indirect", "fast failover"};
    text::append(out, "\n Group table:\n    Types:  0x{:x}\n    Capabilities:  0x{:x}\n", f.types,
                 f.capabilities);
    for (unsigned i = 0; i < 4; i++) {
        if (!(f.types >> i & 1)) continue;
        text::append(out, "    {} group:\n       max_groups={:#x}\n       actions: {}\n", kNames[i],
                     f.max_groups[i], action_names(f.actions[i], version));
    }
}

}  // namespace weft::openflow::messages
