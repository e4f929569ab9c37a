// The headers of tnl_push() as text, and back.

#include <fmt/format.h>

#include "datapath/api/set_fields.h"
#include "datapath/api/text_fields.h"
#include "datapath/api/tunnel_payload.h"
#include "packet/address.h"
#include "packet/erspan.h"
#include "packet/ethernet.h"
#include "packet/geneve.h"
#include "packet/gre.h"
#include "packet/gtpu.h"
#include "packet/ipv4.h"
#include "packet/ipv6.h"
#include "packet/udp.h"
#include "packet/vxlan.h"

namespace weft::datapath::text {

namespace {

namespace geneve = packet::geneve;
namespace gre = packet::gre;

constexpr uint16_t kDontFragment = 0x4000;

// The numbers that the text calls types.
struct TypeNumber {
    PortType type;
    bool v6;
    unsigned number;
};
constexpr TypeNumber kTypes[] = {{PortType::kGre, false, 3},      {PortType::kGre, true, 109},
                                 {PortType::kVxlan, false, 4},    {PortType::kVxlan, true, 4},
                                 {PortType::kGeneve, false, 5},   {PortType::kGeneve, true, 5},
                                 {PortType::kErspan, false, 107}, {PortType::kErspan, true, 108},
                                 {PortType::kGtpu, false, 110},   {PortType::kGtpu, true, 110}};

unsigned type_number(PortType type, bool v6) {
    for (const TypeNumber& one : kTypes) {
        if (one.type == type && one.v6 == v6) return one.number;
    }
    return 0;
}

std::string hex(uint64_t value) {
    return value ? fmt::format("{:#x}", value) : "0";
}

bool has(const SetTunnel& header, uint16_t flag) {
    return header.flags & flag;
}

size_t gre_words(const SetTunnel& header) {
    return (has(header, packet::kTunnelCsum) ? 1u : 0u) + (has(header, packet::kTunnelKey) ? 1u : 0u) +
           (has(header, packet::kTunnelSequence) ? 1u : 0u);
}

size_t tunnel_size(const PushTunnel& push) {
    const SetTunnel& header = push.header;
    switch (push.type) {
        case PortType::kGeneve:
            return packet::udp::kHeader + geneve::kHeader +
                   (header.geneve ? header.geneve->options.size() : 0);
        case PortType::kVxlan:
            return packet::udp::kHeader + packet::vxlan::kHeader;
        case PortType::kGre:
            return gre::kHeader + gre::kWord * gre_words(header);
        case PortType::kErspan:
            return gre::kHeader + gre::kWord +
                   (header.erspan && header.erspan->version == 2 ? packet::erspan::kHeader2
                                                                 : packet::erspan::kHeader1);
        case PortType::kGtpu:
            return packet::udp::kHeader + packet::gtpu::kHeader;
        default:
            return 0;
    }
}

bool any_critical(ByteView options) {
    for (size_t at = 0; at + geneve::kOptionHeader <= options.size();) {
        if (options[at + geneve::kOptionType] & geneve::kOptionCritical) return true;
        at += geneve::kOptionHeader + static_cast<size_t>(options[at + 3] & geneve::kOptionLengthMask) * 4;
    }
    return false;
}

std::string ip_text(const PushTunnel& push) {
    const SetTunnel& h = push.header;
    unsigned proto = is_gre(push.type) ? packet::protocol::kGre : packet::protocol::kUdp;
    if (h.v6) {
        return fmt::format("ipv6(src={},dst={},label=0,proto={},tclass=0x{:x},hlimit={})",
                           packet::to_string(h.ipv6_src), packet::to_string(h.ipv6_dst), proto, h.tos, h.ttl);
    }
    return fmt::format("ipv4(src={},dst={},proto={},tos={},ttl={},frag=0x{:x})",
                       packet::ipv4_to_string(h.src), packet::ipv4_to_string(h.dst), proto, hex(h.tos), h.ttl,
                       has(h, packet::kTunnelDontFragment) ? kDontFragment : 0);
}

std::string tunnel_text(const PushTunnel& push) {
    const SetTunnel& h = push.header;
    switch (push.type) {
        case PortType::kGeneve: {
            std::string out = "geneve(";
            if (has(h, packet::kTunnelOam)) out += "oam,";
            ByteView options = h.geneve ? ByteView(h.geneve->options) : ByteView();
            if (any_critical(options)) out += "crit,";
            out += fmt::format("vni=0x{:x}", h.id & 0xffffff);
            if (!options.empty()) out += ",options" + geneve_options(options, {}, false).substr(6);
            return out + ")";
        }
        case PortType::kVxlan: {
            uint32_t flags = uint32_t{packet::vxlan::kVniValid} << 24;
            if (has(h, packet::kTunnelGpe)) {
                flags |= uint32_t{packet::vxlan::kNextProtocolValid} << 24 |
                         gpe_protocol(push.packet_type).value_or(packet::vxlan::kEthernet);
            }
            if (h.vxlan_gbp) {
                flags |= uint32_t{packet::vxlan::kGbpExtension} << 24 | uint32_t{h.vxlan_gbp->flags} << 16 |
                         h.vxlan_gbp->id;
            }
            return fmt::format("vxlan(flags=0x{:x},vni=0x{:x})", flags, h.id & 0xffffff);
        }
        case PortType::kGre: {
            std::string words;
            unsigned flags = 0;
            if (has(h, packet::kTunnelCsum)) flags |= gre::kChecksum, words += ",csum=0x0";
            if (has(h, packet::kTunnelKey))
                flags |= gre::kKey, words += fmt::format(",key=0x{:x}", h.id & UINT32_MAX);
            if (has(h, packet::kTunnelSequence)) flags |= gre::kSequence, words += ",seq=0x0";
            return fmt::format("gre((flags=0x{:x},proto=0x{:x}){})", flags, gre_protocol(push.packet_type),
                               words);
        }
        case PortType::kErspan: {
            SetTunnel::Erspan e = h.erspan.value_or(SetTunnel::Erspan{});
            std::string out =
                fmt::format("erspan(ver={},sid=0x{:x},", e.version, h.id & packet::erspan::kMostSession);
            if (e.version == 2) return out + fmt::format("dir={},hwid=0x{:x})", e.direction, e.hwid);
            return out + fmt::format("idx=0x{:x})", e.index);
        }
        case PortType::kGtpu:
            return fmt::format("gtpu(flags=0x{:x},msgtype={},teid=0x{:x})", packet::gtpu::kVersion1,
                               packet::gtpu::kUserData, h.id & UINT32_MAX);
        default:
            return "";
    }
}

// "NAME=VALUE", or "NAME".
struct Part {
    std::string_view name, value;
};
Part part_of(const Item& item) {
    size_t equals = item.name.find('=');
    if (equals == item.name.npos) return {item.name, ""};
    return {item.name.substr(0, equals), item.name.substr(equals + 1)};
}

Error unknown(std::string_view what, std::string_view name) {
    return Error{fmt::format("tnl_push: {} has no part \"{}\"", what, name)};
}

// Each of the items "NAME=VALUE" of a body is handed to `take`, which says whether it knows it.
template <typename Take>
Result<void> each_part(const Item& group, Take take) {
    WEFT_ASSIGN(std::vector<Item> items, split_items(group.body));
    for (const Item& item : items) {
        WEFT_ASSIGN(bool known, take(part_of(item), item));
        if (!known) return unknown(group.name, item.name);
    }
    return {};
}

template <typename T>
Result<bool> number(std::string_view text, T& out, uint64_t max = std::numeric_limits<T>::max()) {
    WEFT_ASSIGN(uint64_t value, read_number(text, max));
    out = static_cast<T>(value);
    return true;
}

template <typename T>
Result<bool> address(std::optional<T> parsed, std::string_view text, T& out) {
    if (!parsed) return Error{fmt::format("tnl_push: \"{}\" is no address", text)};
    out = *parsed;
    return true;
}

Result<void> read_ip(const Item& group, SetTunnel& h) {
    h.v6 = group.name == "ipv6";
    return each_part(group, [&](Part part, const Item&) -> Result<bool> {
        uint32_t ignored = 0;
        if (part.name == "src" && h.v6)
            return address(packet::parse_ipv6(part.value), part.value, h.ipv6_src);
        if (part.name == "dst" && h.v6)
            return address(packet::parse_ipv6(part.value), part.value, h.ipv6_dst);
        if (part.name == "src") return address(packet::parse_ipv4(part.value), part.value, h.src);
        if (part.name == "dst") return address(packet::parse_ipv4(part.value), part.value, h.dst);
        if (part.name == "tos" || part.name == "tclass") return number(part.value, h.tos);
        if (part.name == "ttl" || part.name == "hlimit") return number(part.value, h.ttl);
        if (part.name == "proto" || part.name == "label") return number(part.value, ignored);
        if (part.name != "frag") return false;
        WEFT_TRY(number(part.value, ignored));
        if (ignored & kDontFragment) h.flags |= packet::kTunnelDontFragment;
        return true;
    });
}

Result<void> read_geneve(const Item& group, SetTunnel& h) {
    h.flags |= packet::kTunnelKey;
    h.geneve = SetTunnel::Geneve{};
    return each_part(group, [&](Part part, const Item& item) -> Result<bool> {
        if (part.name == "vni") return number(part.value, h.id, 0xffffff);
        if (part.name == "oam") return h.flags |= packet::kTunnelOam, true;
        if (part.name == "crit") return true;  // as the options say
        if (item.name != "options") return false;
        packet::Flow key = packet::zero_flow(), mask = packet::zero_flow();
        std::string options = fmt::format("geneve({})", item.body);
        WEFT_ASSIGN(bool known, read_group(Item{"tunnel", options, true}, key, mask, nullptr));
        if (!known) return false;
        h.geneve->options.assign(
            key.tunnel.metadata.begin(),
            key.tunnel.metadata.begin() + static_cast<long>(key.tunnel.metadata_present.get()));
        return true;
    });
}

Result<void> read_vxlan(const Item& group, SetTunnel& h, uint32_t& packet_type) {
    h.flags |= packet::kTunnelKey;
    return each_part(group, [&](Part part, const Item&) -> Result<bool> {
        if (part.name == "vni") return number(part.value, h.id, 0xffffff);
        if (part.name != "flags") return false;
        uint32_t flags = 0;
        WEFT_TRY(number(part.value, flags));
        if (flags >> 24 & packet::vxlan::kNextProtocolValid) {
            auto type = gpe_packet_type(static_cast<uint8_t>(flags));
            if (!type) return Error{fmt::format("tnl_push: VXLAN carries no protocol {}", flags & 0xff)};
            h.flags |= packet::kTunnelGpe;
            packet_type = *type;
        } else if (flags >> 24 & packet::vxlan::kGbpExtension)
            h.vxlan_gbp =
                SetTunnel::VxlanGbp{static_cast<uint16_t>(flags), static_cast<uint8_t>(flags >> 16)};
        return true;
    });
}

Result<void> read_gre(const Item& group, SetTunnel& h, uint32_t& packet_type) {
    return each_part(group, [&](Part part, const Item& item) -> Result<bool> {
        if (item.has_body && item.name.empty()) {
            WEFT_TRY(each_part(item, [&](Part inner, const Item&) -> Result<bool> {
                if (inner.name != "proto") return inner.name == "flags";  // which the words tell
                uint16_t protocol = 0;
                WEFT_TRY(number(inner.value, protocol));
                if (protocol != gre_protocol(0)) packet_type = 1u << 16 | protocol;
                return true;
            }));
            return true;
        }
        if (part.name == "seq") return h.flags |= packet::kTunnelSequence, true;
        if (part.name == "csum") return h.flags |= packet::kTunnelCsum, true;
        if (part.name != "key") return false;
        h.flags |= packet::kTunnelKey;
        return number(part.value, h.id, UINT32_MAX);
    });
}

Result<void> read_gtpu(const Item& group, SetTunnel& h) {
    h.flags |= packet::kTunnelKey;
    return each_part(group, [&](Part part, const Item&) -> Result<bool> {
        if (part.name == "teid") return number(part.value, h.id, UINT32_MAX);
        return part.name == "flags" || part.name == "msgtype";  // those of user data
    });
}

Result<void> read_erspan(const Item& group, SetTunnel& h) {
    h.flags |= packet::kTunnelKey;
    h.erspan = SetTunnel::Erspan{};
    return each_part(group, [&](Part part, const Item&) -> Result<bool> {
        if (part.name == "ver") return number(part.value, h.erspan->version, 2);
        if (part.name == "sid") return number(part.value, h.id, packet::erspan::kMostSession);
        if (part.name == "idx") return number(part.value, h.erspan->index, packet::erspan::kMostIndex);
        if (part.name == "dir") return number(part.value, h.erspan->direction, 1);
        if (part.name == "hwid") return number(part.value, h.erspan->hwid, packet::erspan::kMostHardware);
        return false;
    });
}

Result<void> read_header(const Item& item, PushTunnel& out) {
    SetTunnel& h = out.header;
    if (item.name == "ipv4" || item.name == "ipv6") return read_ip(item, h);
    if (item.name == "geneve") return out.type = PortType::kGeneve, read_geneve(item, h);
    if (item.name == "vxlan") return out.type = PortType::kVxlan, read_vxlan(item, h, out.packet_type);
    if (item.name == "gre") return out.type = PortType::kGre, read_gre(item, h, out.packet_type);
    if (item.name == "erspan") return out.type = PortType::kErspan, read_erspan(item, h);
    if (item.name == "gtpu") return out.type = PortType::kGtpu, read_gtpu(item, h);
    if (item.name == "udp") {
        return each_part(item, [&](Part part, const Item&) -> Result<bool> {
            uint16_t sum = 0;
            if (part.name == "src") return number(part.value, h.tp_src);
            if (part.name == "dst") return number(part.value, h.tp_dst);
            if (part.name != "csum") return false;
            WEFT_TRY(number(part.value, sum));
            if (sum) h.flags |= packet::kTunnelCsum;
            return true;
        });
    }
    if (item.name == "eth") {
        return each_part(item, [&](Part part, const Item&) -> Result<bool> {
            if (part.name == "src") return address(packet::parse_eth(part.value), part.value, out.src);
            if (part.name == "dst") return address(packet::parse_eth(part.value), part.value, out.dst);
            return part.name == "dl_type";
        });
    }
    return unknown("header", item.name);
}

}  // namespace

std::string tunnel_headers(const PushTunnel& push) {
    const SetTunnel& h = push.header;
    size_t size = packet::ethernet::kHeader + (h.v6 ? packet::ipv6::kHeader : packet::ipv4::kHeader) +
                  tunnel_size(push);
    std::string out =
        fmt::format("header(size={},type={},eth(dst={},src={},dl_type=0x{:04x}),{}", size,
                    type_number(push.type, h.v6), packet::to_string(push.dst), packet::to_string(push.src),
                    h.v6 ? packet::ethernet::kIpv6 : packet::ethernet::kIpv4, ip_text(push));
    if (!is_gre(push.type)) {
        bool sum = h.v6 || has(h, packet::kTunnelCsum);
        out += fmt::format(",udp(src={},dst={},csum=0x{:x})", h.tp_src, h.tp_dst, sum ? 0xffff : 0);
    }
    return out + "," + tunnel_text(push) + ")";
}

Result<void> read_tunnel_headers(std::string_view body, PushTunnel& out) {
    out.header.ttl = 0;
    WEFT_ASSIGN(std::vector<Item> items, split_items(body));
    bool typed = false;
    for (const Item& item : items) {
        if (!item.has_body) {
            std::string_view name = part_of(item).name;
            if (name != "size" && name != "type") return unknown("header", item.name);
            continue;  // as what follows says
        }
        WEFT_TRY(read_header(item, out));
        typed |= item.name == "geneve" || item.name == "vxlan" || item.name == "gre" ||
                 item.name == "erspan" || item.name == "gtpu";
    }
    if (!typed) return Error{"tnl_push: the header is that of no tunnel: geneve, vxlan, gre, erspan or gtpu"};
    return {};
}

}  // namespace weft::datapath::text
