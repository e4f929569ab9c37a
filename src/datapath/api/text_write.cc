#include <fmt/format.h>

#include "datapath/api/text_fields.h"
#include "packet/address.h"
#include "packet/ethernet.h"
#include "packet/geneve.h"
#include "packet/ipv4.h"
#include "packet/mpls.h"

namespace weft::datapath::text {

namespace {

using packet::Flow;

std::string hex(uint64_t value) {  // as C's %#x
    return value ? fmt::format("{:#x}", value) : "0";
}

std::string ipv6_or_plain(const packet::Ipv6Addr& a) {
    return packet::to_string(a);
}

// "name(" ... ")" with commas between what is added.
class Group {
  public:
    Group(std::string& out, std::string_view name, bool verbose) : out_(out), verbose_(verbose) {
        out_ += name;
        out_ += '(';
    }
    ~Group() { out_ += ')'; }

    void text(std::string_view text) {
        if (count_++) out_ += ',';
        out_ += text;
    }
    // A field as texts of value and mask; `any` and `all`: bits of the mask.
    void field(std::string_view name, const std::string& value, const std::string& mask, bool any, bool all) {
        if (!any && !verbose_) return;
        text(all ? fmt::format("{}={}", name, value) : fmt::format("{}={}/{}", name, value, mask));
    }
    template <typename T>
    void decimal(std::string_view name, T value, T mask) {
        field(name, std::to_string(value), hex(mask), mask, mask == static_cast<T>(~T{0}));
    }
    template <typename T>
    void hexadecimal(std::string_view name, T value, T mask, T full = static_cast<T>(~T{0})) {
        field(name, hex(value), hex(mask), mask, mask == full);
    }
    void mac(std::string_view name, const packet::EthAddr& value, const packet::EthAddr& mask) {
        field(name, packet::to_string(value), packet::to_string(mask), !packet::is_zero(mask),
              mask == packet::kEthBroadcast);
    }
    void ipv4(std::string_view name, uint32_t value, uint32_t mask) {
        field(name, packet::ipv4_to_string(value), packet::ipv4_to_string(mask), mask, mask == UINT32_MAX);
    }
    void ipv6(std::string_view name, const packet::Ipv6Addr& value, const packet::Ipv6Addr& mask) {
        bool all = true, any = false;
        for (uint8_t byte : mask) {
            all &= byte == 0xff;
            any |= byte != 0;
        }
        field(name, ipv6_or_plain(value), ipv6_or_plain(mask), any, all);
    }

  private:
    std::string& out_;
    bool verbose_;
    int count_ = 0;
};

std::string_view frag_name(uint8_t frag) {
    if (frag & packet::kFragLater) return "later";
    return frag & packet::kFragAny ? "first" : "no";
}

void fragment(Group& group, const Context& c) {
    if (c.mask.nw_frag) group.text(fmt::format("frag={}", frag_name(c.key.nw_frag)));
}

}  // namespace

std::string geneve_options(ByteView options, ByteView mask, bool masked) {
    std::string out = "geneve(";
    size_t at = 0;
    while (at + packet::geneve::kOptionHeader <= options.size()) {
        const uint8_t* p = options.data() + at;
        size_t length =
            static_cast<size_t>(p[packet::geneve::kOptionLength] & packet::geneve::kOptionLengthMask) * 4;
        if (at + packet::geneve::kOptionHeader + length > options.size()) break;
        auto part = [&](std::string value, uint64_t bits, uint64_t full) {
            return !masked || bits == full ? value : value + "/" + hex(bits);
        };
        const uint8_t* m = masked ? mask.data() + at : nullptr;
        out += fmt::format("{{class={},type={},len={}", part(hex(load_be16(p)), m ? load_be16(m) : 0, 0xffff),
                           part(hex(p[2]), m ? m[2] : 0, 0xff), length);
        if (length) {
            auto bytes = [&](const uint8_t* from) {
                std::string text;
                for (size_t i = 0; i < length; i++) {
                    if (text.empty() && !from[4 + i] && i + 1 < length) continue;
                    text += text.empty() ? fmt::format("0x{:x}", from[4 + i])
                                         : fmt::format("{:02x}", from[4 + i]);
                }
                return text == "0x0" ? std::string("0") : text;
            };
            bool full = true;
            for (size_t i = 0; m && i < length; i++) full &= m[4 + i] == 0xff;
            out += "," + bytes(p);
            if (masked && !full) out += "/" + bytes(m);
        }
        out += "}";
        at += packet::geneve::kOptionHeader + length;
    }
    return out + ")";
}

void write_tunnel(std::string& out, const Context& c) {
    const packet::Tunnel &k = c.key.tunnel, &m = c.mask.tunnel;
    Group group(out, "tunnel", c.verbose);
    if (k.flags & packet::kTunnelKey) {
        group.field("tun_id", fmt::format("0x{:x}", k.id.get()), fmt::format("0x{:x}", m.id.get()), m.id != 0,
                    m.id == UINT64_MAX);
    }
    bool v6 = !packet::is_zero(k.ipv6_dst);
    if (v6) {
        group.ipv6("ipv6_src", k.ipv6_src, m.ipv6_src);
        group.ipv6("ipv6_dst", k.ipv6_dst, m.ipv6_dst);
    } else {
        group.ipv4("src", k.src, m.src);
        group.ipv4("dst", k.dst, m.dst);
    }
    if (k.tos || m.tos) group.hexadecimal<uint8_t>("tos", k.tos, m.tos);
    group.decimal<uint8_t>("ttl", k.ttl, m.ttl);
    if (k.tp_src || m.tp_src) group.decimal<uint16_t>("tp_src", k.tp_src, m.tp_src);
    if (k.tp_dst || m.tp_dst) group.decimal<uint16_t>("tp_dst", k.tp_dst, m.tp_dst);
    if (m.gbp_id || m.gbp_flags) {
        std::string gbp;
        {
            Group inner(gbp, "vxlan(gbp", c.verbose);
            inner.decimal<uint16_t>("id", k.gbp_id, m.gbp_id);
            inner.hexadecimal<uint8_t>("flags", k.gbp_flags, m.gbp_flags);
        }
        group.text(gbp + ")");
    }
    if (k.erspan_ver && (m.erspan_ver || m.erspan_idx || m.erspan_dir || m.erspan_hwid)) {
        std::string erspan;
        {
            Group inner(erspan, "erspan", c.verbose);
            inner.decimal<uint8_t>("ver", k.erspan_ver, m.erspan_ver);
            if (k.erspan_ver == 1) {
                inner.hexadecimal<uint32_t>("idx", k.erspan_idx, m.erspan_idx);
            } else {
                inner.decimal<uint8_t>("dir", k.erspan_dir, m.erspan_dir);
                inner.hexadecimal<uint8_t>("hwid", k.erspan_hwid, m.erspan_hwid);
            }
        }
        group.text(erspan);
    }
    if (k.gtpu_flags || k.gtpu_msgtype) {
        std::string gtpu;
        {
            Group inner(gtpu, "gtpu", c.verbose);
            inner.hexadecimal<uint8_t>("flags", k.gtpu_flags, m.gtpu_flags);
            inner.decimal<uint8_t>("msgtype", k.gtpu_msgtype, m.gtpu_msgtype);
        }
        group.text(gtpu.empty() ? "gtpu()" : gtpu);
    }
    size_t options =
        static_cast<size_t>(std::min<uint64_t>(k.metadata_present, packet::kTunnelMetadataBytes));
    if (options && m.metadata_present) {
        group.text(
            geneve_options(ByteView(k.metadata.data(), options), ByteView(m.metadata.data(), options), true));
    }
    if (m.flags) {
        static constexpr std::pair<uint16_t, std::string_view> kNames[] = {
            {packet::kTunnelOam, "oam"},
            {packet::kTunnelDontFragment, "df"},
            {packet::kTunnelCsum, "csum"},
            {packet::kTunnelKey, "key"}};
        constexpr uint16_t kAll =
            packet::kTunnelOam | packet::kTunnelDontFragment | packet::kTunnelCsum | packet::kTunnelKey;
        std::string text;
        bool exact = (m.flags & kAll) == kAll;
        for (auto [bit, name] : kNames) {
            if (exact ? k.flags & bit : m.flags & bit) {
                if (exact) {
                    text += text.empty() ? "" : "|";
                } else {
                    text += k.flags & bit ? '+' : '-';
                }
                text += name;
            }
        }
        group.text(fmt::format("flags({})", text));
    }
}

void write_eth(std::string& out, const Context& c) {
    Group group(out, "eth", c.verbose);
    group.mac("src", c.key.dl_src, c.mask.dl_src);
    group.mac("dst", c.key.dl_dst, c.mask.dl_dst);
}

void write_vlan(std::string& out, const Context& c, size_t tag) {
    uint16_t tci = c.key.vlans[tag].tci, mask = c.mask.vlans[tag].tci;
    unsigned vid_mask = mask & packet::kVlanVidMask, pcp_mask = mask >> 13;
    Group group(out, "vlan", true);
    // What is 0 and not looked at says nothing.
    auto part = [&](const char* name, unsigned value, unsigned bits, unsigned all) {
        if (!value && !bits && !c.verbose) return;
        std::string text = fmt::format("{}={}", name, value);
        group.text(bits == all ? text : fmt::format("{}/0x{:x}", text, bits));
    };
    part("vid", tci & packet::kVlanVidMask, vid_mask, packet::kVlanVidMask);
    part("pcp", tci >> 13u, pcp_mask, 7);
    if (!(tci & packet::kVlanCfi)) group.text("cfi=0");
}

void write_mpls(std::string& out, const Context& c, size_t labels) {
    Group group(out, "mpls", true);
    for (size_t i = 0; i < labels; i++) {
        uint32_t k = c.key.mpls_lse[i], m = c.mask.mpls_lse[i];
        auto label = [](uint32_t lse) { return lse >> 12; };
        auto tc = [](uint32_t lse) { return lse >> 9 & 7; };
        auto bos = [](uint32_t lse) { return lse >> 8 & 1; };
        auto ttl = [](uint32_t lse) { return lse & 255; };
        if (m == UINT32_MAX) {
            group.text(fmt::format("label={},tc={},ttl={},bos={}", label(k), tc(k), ttl(k), bos(k)));
        } else {
            group.text(fmt::format("label={}/0x{:x},tc={}/{:x},ttl={}/0x{:x},bos={}/{:x}", label(k), label(m),
                                   tc(k), tc(m), ttl(k), ttl(m), bos(k), bos(m)));
        }
    }
}

void write_ipv4(std::string& out, const Context& c) {
    Group group(out, "ipv4", c.verbose);
    group.ipv4("src", c.key.nw_src, c.mask.nw_src);
    group.ipv4("dst", c.key.nw_dst, c.mask.nw_dst);
    group.decimal<uint8_t>("proto", c.key.nw_proto, c.mask.nw_proto);
    group.hexadecimal<uint8_t>("tos", c.key.nw_tos, c.mask.nw_tos);
    group.decimal<uint8_t>("ttl", c.key.nw_ttl, c.mask.nw_ttl);
    fragment(group, c);
}

void write_ipv6(std::string& out, const Context& c) {
    Group group(out, "ipv6", c.verbose);
    group.ipv6("src", c.key.ipv6_src, c.mask.ipv6_src);
    group.ipv6("dst", c.key.ipv6_dst, c.mask.ipv6_dst);
    uint32_t label_mask = c.mask.ipv6_label;
    group.hexadecimal<uint32_t>("label", c.key.ipv6_label, label_mask == UINT32_MAX ? 0xfffff : label_mask,
                                0xfffff);
    group.decimal<uint8_t>("proto", c.key.nw_proto, c.mask.nw_proto);
    group.hexadecimal<uint8_t>("tclass", c.key.nw_tos, c.mask.nw_tos);
    group.decimal<uint8_t>("hlimit", c.key.nw_ttl, c.mask.nw_ttl);
    fragment(group, c);
}

void write_ports(std::string& out, const Context& c, std::string_view name) {
    Group group(out, name, c.verbose);
    group.decimal<uint16_t>("src", c.key.tp_src, c.mask.tp_src);
    group.decimal<uint16_t>("dst", c.key.tp_dst, c.mask.tp_dst);
}

void write_icmp(std::string& out, const Context& c, bool v6) {
    Group group(out, v6 ? "icmpv6" : "icmp", c.verbose);
    // Eight-bit fields in sixteen bits: a mask of all ones is one of eight.
    auto octet = [](const Be16& field) { return static_cast<uint8_t>(field.get()); };
    group.decimal<uint8_t>("type", octet(c.key.tp_src), octet(c.mask.tp_src));
    group.decimal<uint8_t>("code", octet(c.key.tp_dst), octet(c.mask.tp_dst));
}

void write_arp(std::string& out, const Context& c) {
    Group group(out, "arp", c.verbose);
    group.ipv4("sip", c.key.nw_src, c.mask.nw_src);
    group.ipv4("tip", c.key.nw_dst, c.mask.nw_dst);
    uint16_t mask = c.mask.nw_proto == 0xff ? 0xffff : c.mask.nw_proto;
    group.decimal<uint16_t>("op", c.key.nw_proto, mask);
    group.mac("sha", c.key.arp_sha, c.mask.arp_sha);
    group.mac("tha", c.key.arp_tha, c.mask.arp_tha);
}

void write_nd(std::string& out, const Context& c) {
    Group group(out, "nd", c.verbose);
    group.ipv6("target", c.key.nd_target, c.mask.nd_target);
    group.mac("sll", c.key.arp_sha, c.mask.arp_sha);
    group.mac("tll", c.key.arp_tha, c.mask.arp_tha);
}

void write_nd_extensions(std::string& out, const Context& c) {
    Group group(out, "nd_ext", c.verbose);
    group.field("nd_reserved", fmt::format("0x{:x}", c.key.nd_reserved.get()), hex(c.mask.nd_reserved),
                c.mask.nd_reserved != 0, c.mask.nd_reserved == UINT32_MAX);
    group.decimal<uint8_t>("nd_options_type", c.key.nd_options_type, c.mask.nd_options_type);
}

void write_nsh(std::string& out, const Context& c) {
    const packet::Nsh &k = c.key.nsh, &m = c.mask.nsh;
    Group group(out, "nsh", c.verbose);
    group.decimal<uint8_t>("flags", k.flags, m.flags);
    group.decimal<uint8_t>("ttl", k.ttl, m.ttl);
    group.decimal<uint8_t>("mdtype", k.mdtype, m.mdtype);
    group.decimal<uint8_t>("np", k.np, m.np);
    uint32_t spi_mask = m.path_hdr >> 8;
    group.field("spi", fmt::format("0x{:x}", k.path_hdr >> 8), hex(spi_mask), spi_mask, spi_mask == 0xffffff);
    group.decimal<uint8_t>("si", static_cast<uint8_t>(k.path_hdr), static_cast<uint8_t>(m.path_hdr));
    if (k.mdtype != 1) return;
    for (size_t i = 0; i < 4; i++) {
        uint32_t mask = m.context[i];
        group.field(fmt::format("c{}", i + 1), fmt::format("0x{:x}", k.context[i].get()),
                    fmt::format("0x{:08x}", mask), mask, mask == UINT32_MAX);
    }
}

}  // namespace weft::datapath::text
