#include "packet/extract.h"

#include <atomic>

#include "packet/arp.h"
#include "packet/ethernet.h"
#include "packet/icmp.h"
#include "packet/icmpv6.h"
#include "packet/igmp.h"
#include "packet/ipv6.h"
#include "packet/mpls.h"
#include "packet/nsh.h"
#include "packet/sctp.h"
#include "packet/tcp.h"
#include "packet/udp.h"
#include "packet/vlan.h"

namespace weft::packet {

namespace {

std::atomic<size_t> vlan_limit_now{1};

// One walk over a packet.  `rest` is what is left of it; at() is how far the walk has come.
class Extractor {
  public:
    Extractor(ByteView packet, Flow& flow, size_t tags)
        : whole_(packet), in_(packet), flow_(flow), tags_(tags) {}

    Layout run() {
        uint16_t type;
        uint32_t packet_type = flow_.packet_type;
        if (packet_type == 0) {
            if (whole_.size() < ethernet::kHeader) return layout_;
            type = ethernet_header();
        } else {
            type = static_cast<uint16_t>(packet_type);  // namespace 1: Ethertypes
        }
        flow_.dl_type = type;
        if (ethernet::is_mpls(type)) {
            labels();
            return layout_;
        }
        layout_.l3 = at();
        switch (type) {
            case ethernet::kIpv4:
                ipv4_header();
                break;
            case ethernet::kIpv6:
                ipv6_header();
                break;
            case ethernet::kArp:
            case ethernet::kRarp:
                arp_header();
                break;
            case ethernet::kNsh:
                nsh_header();
                break;
            default:
                break;
        }
        return layout_;
    }

  private:
    uint16_t at() const { return static_cast<uint16_t>(whole_.size() - in_.size() - padding_); }

    // Ends the packet after `size` more bytes.
    void limit(size_t size) {
        padding_ += in_.size() - size;
        in_ = ByteReader(in_.rest().first(size));
        layout_.l3_end = static_cast<uint16_t>(at() + size);
    }

    uint16_t ethernet_header() {
        flow_.dl_dst = in_.array<6>();
        flow_.dl_src = in_.array<6>();
        uint16_t type = in_.u16();
        for (size_t i = 0; i < tags_ && ethernet::is_vlan(type) && in_.size() >= vlan::kHeader; i++) {
            uint16_t tci = in_.u16() | kVlanCfi;
            if (i < kMaxVlans) {
                flow_.vlans[i].tpid = type;
                flow_.vlans[i].tci = tci;
            }
            type = in_.u16();
        }
        return type >= ethernet::kMinType ? type : snap_type();
    }

    // 802.3: what follows is LLC, and the type is in SNAP if anywhere.
    uint16_t snap_type() {
        static constexpr uint8_t kSnap[] = {0xaa, 0xaa, 0x03, 0x00, 0x00, 0x00};
        if (in_.size() < ethernet::kLlcSnap || std::memcmp(in_.rest().data(), kSnap, sizeof kSnap) != 0) {
            return ethernet::kTypeNone;
        }
        uint16_t type = load_be16(in_.rest().data() + sizeof kSnap);
        if (type < ethernet::kMinType) return ethernet::kTypeNone;
        in_.skip(ethernet::kLlcSnap);
        return type;
    }

    void labels() {
        layout_.l2_5 = at();
        for (size_t i = 0; in_.size() >= mpls::kEntry; i++) {
            uint32_t lse = in_.u32();
            if (i < kMaxMplsLabels) flow_.mpls_lse[i] = lse;
            if (lse & mpls::kBottom) break;
        }
        layout_.l3 = at();
    }

    void arp_header() {
        if (in_.size() < arp::kHeader) return;
        const uint8_t* p = in_.rest().data();
        if (load_be16(p + arp::kHardware) != arp::kEthernet ||
            load_be16(p + arp::kProtocol) != ethernet::kIpv4 || p[arp::kHardwareLength] != 6 ||
            p[arp::kProtocolLength] != 4) {
            return;
        }
        uint16_t operation = load_be16(p + arp::kOperation);
        if (operation <= 0xff) flow_.nw_proto = static_cast<uint8_t>(operation);
        flow_.nw_src = load_be32(p + arp::kSpa);
        flow_.nw_dst = load_be32(p + arp::kTpa);
        std::memcpy(flow_.arp_sha.data(), p + arp::kSha, 6);
        std::memcpy(flow_.arp_tha.data(), p + arp::kTha, 6);
    }

    void ipv4_header() {
        if (in_.size() < ipv4::kHeader) return;
        const uint8_t* p = in_.rest().data();
        size_t header = static_cast<size_t>(p[ipv4::kVersionLength] & 0x0f) * 4;
        size_t total = load_be16(p + ipv4::kTotalLength);
        if (header < ipv4::kHeader || header > in_.size() || total < header || total > in_.size()) return;
        flow_.nw_src = load_be32(p + ipv4::kSrc);
        flow_.nw_dst = load_be32(p + ipv4::kDst);
        flow_.nw_proto = p[ipv4::kProtocol];
        flow_.nw_tos = p[ipv4::kTos];
        flow_.nw_ttl = p[ipv4::kTtl];
        uint16_t fragment = load_be16(p + ipv4::kFragment);
        if (fragment & (ipv4::kMoreFragments | ipv4::kOffset)) {
            flow_.nw_frag = kFragAny | (fragment & ipv4::kOffset ? kFragLater : 0);
        }
        limit(total);
        in_.skip(header);
        layout_.l4 = at();
        if (!(flow_.nw_frag & kFragLater)) transport(false);
    }

    void ipv6_header() {
        if (in_.size() < ipv6::kHeader) return;
        const uint8_t* p = in_.rest().data();
        size_t payload = load_be16(p + ipv6::kPayloadLength);
        if (payload > in_.size() - ipv6::kHeader) return;
        std::memcpy(flow_.ipv6_src.data(), p + ipv6::kSrc, 16);
        std::memcpy(flow_.ipv6_dst.data(), p + ipv6::kDst, 16);
        uint8_t next = p[ipv6::kNextHeader];
        limit(ipv6::kHeader + payload);
        in_.skip(ipv6::kHeader);
        uint8_t fragment = 0;
        if (!extensions(next, fragment)) return;
        flow_.nw_frag = fragment;
        uint32_t word = load_be32(p);
        flow_.ipv6_label = word & ipv6::kLabel;
        flow_.nw_tos = static_cast<uint8_t>(word >> 20);
        flow_.nw_ttl = p[ipv6::kHopLimit];
        flow_.nw_proto = next;
        layout_.l4 = at();
        if (!(flow_.nw_frag & kFragLater)) transport(true);
    }

    // Leaves `next` at the first header that is not an extension; false if one is damaged.
    bool extensions(uint8_t& next, uint8_t& fragment) {
        while (ipv6::is_extension(next)) {
            if (in_.size() < ipv6::kExtMin) return false;
            const uint8_t* p = in_.rest().data();
            if (next == protocol::kFragment) {
                uint16_t offset = load_be16(p + ipv6::kFragmentOffset);
                next = p[ipv6::kExtNextHeader];
                in_.skip(ipv6::kFragmentHeader);
                if (offset & (ipv6::kFragmentOffsetMask | ipv6::kFragmentMore)) fragment = kFragAny;
                if (offset & ipv6::kFragmentOffsetMask) {
                    fragment |= kFragLater;
                    next = protocol::kFragment;  // as OVS: what a later fragment carries cannot be told
                    return true;
                }
                continue;
            }
            size_t length = next == protocol::kAh ? (p[ipv6::kExtLength] + size_t{2}) * 4
                                                  : (p[ipv6::kExtLength] + size_t{1}) * 8;
            next = p[ipv6::kExtNextHeader];
            if (!in_.skip(length)) return false;
        }
        return true;
    }

    void ports(size_t header) {
        const uint8_t* p = in_.rest().data();
        flow_.tp_src = load_be16(p);
        flow_.tp_dst = load_be16(p + 2);
        payload(header);
    }
    void payload(size_t header) { layout_.payload = static_cast<uint16_t>(layout_.l4 + header); }

    void transport(bool v6) {
        const uint8_t* p = in_.rest().data();
        size_t size = in_.size();
        switch (flow_.nw_proto) {
            case protocol::kTcp: {
                if (size < tcp::kHeader) return;
                size_t header = static_cast<size_t>(p[tcp::kOffsetFlags] >> 4) * 4;
                if (header < tcp::kHeader || header > size) return;
                flow_.tcp_flags = load_be16(p + tcp::kOffsetFlags) & tcp::kFlags;
                ports(header);
                return;
            }
            case protocol::kUdp:
                if (size >= udp::kHeader) ports(udp::kHeader);
                return;
            case protocol::kSctp:
                if (size >= sctp::kHeader) ports(sctp::kHeader);
                return;
            case protocol::kIcmp:
                if (v6 || size < icmp::kHeader) return;
                flow_.tp_src = p[icmp::kType];
                flow_.tp_dst = p[icmp::kCode];
                payload(icmp::kHeader);
                return;
            case protocol::kIgmp:
                if (v6 || size < igmp::kHeader) return;
                flow_.tp_src = p[igmp::kType];
                flow_.tp_dst = p[igmp::kCode];
                flow_.igmp_group = load_be32(p + igmp::kGroup);
                payload(igmp::kHeader);
                return;
            case protocol::kIcmpv6:
                if (!v6 || size < icmpv6::kHeader) return;
                flow_.tp_src = p[icmpv6::kType];
                flow_.tp_dst = p[icmpv6::kCode];
                payload(icmpv6::kHeader);
                neighbour_discovery(in_.rest());
                return;
            default:
                return;
        }
    }

    void neighbour_discovery(ByteView message) {
        const uint8_t* p = message.data();
        uint8_t type = p[icmpv6::kType];
        bool advertisement = type == icmpv6::kNeighbourAdvertisement;
        if (p[icmpv6::kCode] != 0 || (!advertisement && type != icmpv6::kNeighbourSolicitation)) return;
        flow_.nd_reserved = load_be32(p + icmpv6::kNdReserved);
        if (message.size() < icmpv6::kNdOptions) return;
        std::memcpy(flow_.nd_target.data(), p + icmpv6::kNdTarget, 16);
        ByteReader options(message.subspan(icmpv6::kNdOptions));
        bool bad = false;
        while (options.size() >= 8 && !bad) {
            uint8_t option = options.rest()[0];
            size_t length = options.rest()[1] * size_t{8};
            if (!length || length > options.size()) {
                bad = true;
                break;
            }
            if (length == 8) bad = !link_layer_option(option, options.rest().data() + 2);
            options.skip(length);
        }
        if (bad) {  // nothing of a damaged message is believed
            flow_.nd_target = {};
            flow_.arp_sha = {};
            flow_.arp_tha = {};
            flow_.nd_options_type = 0;
        }
    }

    // False if this option was there before.
    bool link_layer_option(uint8_t option, const uint8_t* address) {
        bool solicitation = flow_.tp_src == icmpv6::kNeighbourSolicitation;
        bool source = solicitation && option == icmpv6::kNdSourceLinkLayer;
        bool target = !solicitation && option == icmpv6::kNdTargetLinkLayer;
        if (!source && !target) return true;
        EthAddr& field = source ? flow_.arp_sha : flow_.arp_tha;
        if (field != EthAddr{}) return false;
        std::memcpy(field.data(), address, 6);
        flow_.nd_options_type = option;
        return true;
    }

    void nsh_header() {
        if (in_.size() < nsh::kBase) return;
        const uint8_t* p = in_.rest().data();
        uint16_t word = load_be16(p);
        size_t length = static_cast<size_t>(word & nsh::kLength) * 4;
        if (word & nsh::kVersion || length < nsh::kBase || length > in_.size()) return;
        flow_.nsh.flags = static_cast<uint8_t>((word & nsh::kFlags) >> nsh::kFlagsShift);
        flow_.nsh.ttl = static_cast<uint8_t>((word & nsh::kTtl) >> nsh::kTtlShift);
        flow_.nsh.mdtype = p[nsh::kMdType];
        flow_.nsh.np = p[nsh::kNextProtocol];
        flow_.nsh.path_hdr = load_be32(p + nsh::kPath);
        if (flow_.nsh.mdtype == 1 && length >= nsh::kMdType1) {
            for (size_t i = 0; i < 4; i++) flow_.nsh.context[i] = load_be32(p + nsh::kContext + 4 * i);
        }
    }

    ByteView whole_;
    ByteReader in_;
    size_t padding_ = 0;  // behind the IP packet
    Flow& flow_;
    size_t tags_;  // to look behind
    Layout layout_;
};

// The packet's fields of `flow`, which extract() fills, are everything behind packet_type's metadata.
void clear_packet_fields(Flow& flow) {
    auto* begin = reinterpret_cast<uint8_t*>(&flow.dl_dst);
    auto* end = reinterpret_cast<uint8_t*>(&flow) + sizeof flow;
    std::memset(begin, 0, static_cast<size_t>(end - begin));
}

}  // namespace

void clear_switch_fields(Flow& flow) {
    auto* begin = reinterpret_cast<uint8_t*>(&flow);
    std::memset(begin, 0, static_cast<size_t>(reinterpret_cast<uint8_t*>(&flow.dl_dst) - begin));
}

void set_vlan_limit(size_t tags) {
    vlan_limit_now.store(std::min(tags, kMaxVlans), std::memory_order_relaxed);
}

size_t vlan_limit() {
    return vlan_limit_now.load(std::memory_order_relaxed);
}

Layout extract(ByteView packet, Flow& flow, size_t tags) {
    clear_packet_fields(flow);
    return Extractor(packet, flow, tags).run();
}

Layout extract(ByteView packet, Flow& flow) {
    return extract(packet, flow, vlan_limit());
}

namespace {

uint32_t mix(uint32_t hash, uint32_t value) {
    uint64_t product = (uint64_t{hash} ^ value ^ 0x9e3779b9u) * 0x9ddfea08eb382d69ull;
    return static_cast<uint32_t>(product ^ product >> 32);
}

uint32_t mix(uint32_t hash, const Ipv6Addr& address) {
    for (size_t i = 0; i < 16; i += 4) hash = mix(hash, load_be32(&address[i]));
    return hash;
}

uint32_t mix(uint32_t hash, const EthAddr& address) {
    return mix(mix(hash, load_be32(address.data())), load_be16(&address[4]));
}

}  // namespace

uint32_t flow_hash(const Flow& flow, uint32_t basis) {
    uint32_t hash = mix(basis, flow.dl_type);
    if (flow.dl_type == ethernet::kIpv4) {
        hash = mix(mix(hash, flow.nw_src), flow.nw_dst);
    } else if (flow.dl_type == ethernet::kIpv6) {
        hash = mix(mix(hash, flow.ipv6_src), flow.ipv6_dst);
    } else {
        hash = mix(mix(hash, flow.dl_src), flow.dl_dst);
    }
    hash = mix(mix(hash, flow.nw_proto), static_cast<uint32_t>(flow.tp_src) << 16 | flow.tp_dst);
    return hash ? hash : 1;
}

uint32_t flow_hash_symmetric(const Flow& flow, uint32_t basis) {
    uint32_t hash = mix(basis, flow.dl_type);
    if (flow.dl_type == ethernet::kIpv4) {
        hash = mix(hash, flow.nw_src ^ flow.nw_dst);
    } else if (flow.dl_type == ethernet::kIpv6) {
        hash = mix(hash, mix(0, flow.ipv6_src) ^ mix(0, flow.ipv6_dst));
    } else {
        hash = mix(hash, mix(0, flow.dl_src) ^ mix(0, flow.dl_dst));
    }
    hash = mix(mix(hash, flow.nw_proto), static_cast<uint32_t>(flow.tp_src ^ flow.tp_dst));
    return hash ? hash : 1;
}

}  // namespace weft::packet
