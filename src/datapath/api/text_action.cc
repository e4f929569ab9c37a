// Actions to text.

#include <fmt/format.h>

#include "datapath/api/set_fields.h"
#include "datapath/api/text.h"
#include "datapath/api/text_fields.h"
#include "packet/address.h"

namespace weft::datapath {

namespace {

using packet::Flow;

UserdataText userdata_text;

std::string hex(uint64_t value) {
    return value ? fmt::format("{:#x}", value) : "0";
}

std::string hex_bytes(ByteView bytes) {
    std::string out;
    for (uint8_t byte : bytes) out += fmt::format("{:02x}", byte);
    return out;
}

std::string wide_hex(const packet::Be128& label) {
    std::string text;
    for (uint8_t byte : label) {
        if (text.empty() && !byte) continue;
        text += text.empty() ? fmt::format("0x{:x}", byte) : fmt::format("{:02x}", byte);
    }
    return text.empty() ? "0" : text;
}

class ActionWriter {
  public:
    explicit ActionWriter(const PortNames* names) : names_(names) {}

    std::string list(const Actions& actions) {
        if (actions.empty()) return "drop";
        std::string out;
        for (const Action& action : actions) {
            if (!out.empty()) out += ',';
            out += one(action);
        }
        return out;
    }

  private:
    std::string one(const Action& action) {
        std::string_view group = set_group(action);
        if (!group.empty()) return set(action, group);
        return action.visit([this](const auto& kind) { return text(kind); });
    }

    std::string port(PortNo number) {
        if (names_) {
            if (auto name = names_->name_of(number)) return *name;
        }
        return std::to_string(number);
    }

    std::string set(const Action& action, std::string_view group) {
        Flow value = packet::zero_flow(), mask = packet::zero_flow();
        set_to_flow(action, value, mask);
        value.nsh.mdtype = 1;  // contexts are set of what has some
        text::Context c{value, mask};
        std::string out = "set(";
        if (group == "eth") text::write_eth(out, c);
        if (group == "ipv4") text::write_ipv4(out, c);
        if (group == "ipv6") text::write_ipv6(out, c);
        if (group == "arp") text::write_arp(out, c);
        if (group == "nd") text::write_nd(out, c);
        if (group == "nd_ext") text::write_nd_extensions(out, c);
        if (group == "mpls") text::write_mpls(out, c, 1);
        if (group == "tcp" || group == "udp" || group == "sctp") text::write_ports(out, c, group);
        if (group == "icmp" || group == "icmpv6") text::write_icmp(out, c, group == "icmpv6");
        if (group == "nsh") text::write_nsh(out, c);
        if (group == "skb_priority") number(out, group, value.skb_priority, mask.skb_priority);
        if (group == "skb_mark") number(out, group, value.pkt_mark, mask.pkt_mark);
        return out + ")";
    }

    void number(std::string& out, std::string_view name, uint32_t value, uint32_t mask) {
        out += mask == UINT32_MAX ? fmt::format("{}({})", name, hex(value))
                                  : fmt::format("{}({}/{})", name, hex(value), hex(mask));
    }

    std::string text(const Output& a) { return port(a.port); }
    std::string text(const Userspace& a) {
        std::string out = fmt::format("userspace(pid={}", a.pid);
        if (!a.userdata.empty()) {
            std::string known = userdata_text.format ? userdata_text.format(a.userdata) : "";
            out += "," + (known.empty() ? "userdata(" + hex_bytes(a.userdata) + ")" : known);
        }
        if (a.actions) out += ",actions";
        if (a.tunnel_egress != kNoPort) out += ",tunnel_out_port=" + port(a.tunnel_egress);
        return out + ")";
    }
    std::string text(const PushVlan& a) {
        std::string out = "push_vlan(";
        if (a.tpid != 0x8100) out += fmt::format("tpid=0x{:04x},", a.tpid);
        out += fmt::format("vid={},pcp={}", a.tci & packet::kVlanVidMask, a.tci >> 13);
        if (!(a.tci & packet::kVlanCfi)) out += ",cfi=0";
        return out + ")";
    }
    std::string text(const PopVlan&) { return "pop_vlan"; }
    std::string text(const PushMpls& a) {
        return fmt::format("push_mpls(label={},tc={},ttl={},bos={},eth_type=0x{:x})", a.lse >> 12,
                           a.lse >> 9 & 7, a.lse & 255, a.lse >> 8 & 1, a.ethertype);
    }
    std::string text(const PopMpls& a) { return fmt::format("pop_mpls(eth_type=0x{:x})", a.ethertype); }
    std::string text(const PushEth& a) {
        return fmt::format("push_eth(src={},dst={})", packet::to_string(a.src), packet::to_string(a.dst));
    }
    std::string text(const PopEth&) { return "pop_eth"; }
    std::string text(const PushNsh& a) {
        std::string out = fmt::format("push_nsh(flags={},ttl={},mdtype={},np={},spi=0x{:x},si={}", a.flags,
                                      a.ttl, a.mdtype, a.np, a.path_hdr >> 8, a.path_hdr & 0xff);
        if (a.mdtype == 1) {
            for (size_t i = 0; i < 4 && a.metadata.size() >= 4 * (i + 1); i++)
                out += fmt::format(",c{}=0x{:x}", i + 1, load_be32(a.metadata.data() + 4 * i));
        } else {
            out += a.metadata.empty() ? ",md2=0" : ",md2=0x" + hex_bytes(a.metadata);
        }
        return out + ")";
    }
    std::string text(const AddMpls& a) { return "add" + text(PushMpls{a.lse, a.ethertype}).substr(4); }
    std::string text(const PopNsh&) { return "pop_nsh()"; }
    std::string text(const SetTunnel& a) {
        std::string out = "set(tunnel(";
        if (a.flags & packet::kTunnelKey) out += fmt::format("tun_id=0x{:x},", a.id);
        if (a.v6) {
            if (!packet::is_zero(a.ipv6_src))
                out += fmt::format("ipv6_src={},", packet::to_string(a.ipv6_src));
            out += fmt::format("ipv6_dst={},", packet::to_string(a.ipv6_dst));
        } else {
            if (a.src) out += fmt::format("src={},", packet::ipv4_to_string(a.src));
            out += fmt::format("dst={},", packet::ipv4_to_string(a.dst));
        }
        if (a.tos) out += fmt::format("tos={},", hex(a.tos));
        if (a.ttl) out += fmt::format("ttl={},", a.ttl);
        if (a.tp_src) out += fmt::format("tp_src={},", a.tp_src);
        if (a.tp_dst) out += fmt::format("tp_dst={},", a.tp_dst);
        if (a.vxlan_gbp) {
            out += fmt::format("vxlan(gbp(id={},flags={})),", a.vxlan_gbp->id, hex(a.vxlan_gbp->flags));
        }
        if (a.erspan && a.erspan->version == 1)
            out += fmt::format("erspan(ver=1,idx={}),", hex(a.erspan->index));
        else if (a.erspan)
            out += fmt::format("erspan(ver={},dir={},hwid={}),", a.erspan->version, a.erspan->direction,
                               hex(a.erspan->hwid));
        if (a.gtpu) out += fmt::format("gtpu(flags={},msgtype={}),", hex(a.gtpu->flags), a.gtpu->msgtype);
        if (a.geneve) out += text::geneve_options(a.geneve->options, {}, false) + ",";
        std::string flags;
        static constexpr std::pair<uint16_t, std::string_view> kNames[] = {
            {packet::kTunnelOam, "oam"},   {packet::kTunnelDontFragment, "df"},
            {packet::kTunnelCsum, "csum"}, {packet::kTunnelKey, "key"},
            {packet::kTunnelGpe, "gpe"},   {packet::kTunnelSequence, "seq"}};
        for (auto [bit, name] : kNames) {
            if (a.flags & bit) flags += (flags.empty() ? "" : "|") + std::string(name);
        }
        if (!flags.empty()) {
            out += "flags(" + flags + ")";
        } else {
            out.pop_back();  // the comma
        }
        return out + "))";
    }
    std::string text(const PushTunnel& a) {
        return fmt::format("tnl_push(tnl_port({}),{},out_port({}))", port(a.port), text::tunnel_headers(a),
                           port(a.out_port));
    }
    std::string text(const PopTunnel& a) { return fmt::format("tnl_pop({})", port(a.port)); }
    std::string text(const Recirculate& a) { return fmt::format("recirc({})", hex(a.id)); }
    std::string text(const Hash& a) {
        return fmt::format("hash({}({}))", a.algorithm == HashAlgorithm::kL4 ? "l4" : "sym_l4", a.basis);
    }
    std::string text(const Truncate& a) { return fmt::format("trunc({})", a.max_length); }
    std::string text(const Clone& a) { return "clone(" + list(a.actions) + ")"; }
    std::string text(const Sample& a) {
        return fmt::format("sample(sample={:.1f}%,actions({}))", 100.0 * a.probability / UINT32_MAX,
                           list(a.actions));
    }
    std::string text(const CheckPacketLength& a) {
        return fmt::format("check_pkt_len(size={},gt({}),le({}))", a.length, list(a.if_greater),
                           list(a.if_not_greater));
    }
    std::string text(const Meter& a) { return fmt::format("meter({})", a.id); }
    std::string text(const LbOutput& a) { return fmt::format("lb_output({})", a.bond); }
    std::string text(const Drop&) { return "drop"; }
    std::string text(const ConntrackClear&) { return "ct_clear"; }
    std::string text(const Conntrack& a) {
        std::string body;
        auto add = [&](std::string_view part) {
            if (!body.empty()) body += ',';
            body += part;
        };
        if (a.force) {
            add("force_commit");
        } else if (a.commit) {
            add("commit");
        }
        if (a.zone) add(fmt::format("zone={}", a.zone));
        if (a.mark) add(fmt::format("mark={}/{}", hex(a.mark->first), hex(a.mark->second)));
        if (a.label) {
            const auto& [label, mask] = *a.label;
            bool exact = std::all_of(mask.begin(), mask.end(), [](uint8_t byte) { return byte == 0xff; });
            add("label=" + wide_hex(label) + (exact ? "" : "/" + wide_hex(mask)));
        }
        if (!a.helper.empty()) add("helper=" + a.helper);
        if (!a.timeout_policy.empty()) add("timeout=" + a.timeout_policy);
        if (a.nat) add(nat(*a.nat));
        return body.empty() ? "ct" : "ct(" + body + ")";
    }
    std::string nat(const NatRange& n) {
        if (!n.source && !n.destination) return "nat";
        std::string out = n.source ? "nat(src" : "nat(dst";
        static constexpr packet::Ipv6Addr kZero{};
        bool range = n.max_address != kZero && n.max_address != n.min_address;
        if (n.min_address != kZero) {
            auto address = [&](const packet::Ipv6Addr& a) {
                return n.v6 ? packet::to_string(a) : packet::ipv4_to_string(load_be32(a.data()));
            };
            auto bracketed = [&](const packet::Ipv6Addr& a) {
                return n.v6 && n.min_port ? "[" + address(a) + "]" : address(a);
            };
            out += "=" + bracketed(n.min_address);
            if (range) out += "-" + bracketed(n.max_address);
        } else if (n.min_port) {
            out += "=";
        }
        if (n.min_port) {
            out += fmt::format(":{}", n.min_port);
            if (n.max_port && n.max_port != n.min_port) out += fmt::format("-{}", n.max_port);
        }
        if (n.persistent) out += ",persistent";
        if (n.hash) out += ",hash";
        if (n.random) out += ",random";
        return out + ")";
    }
    template <typename S>
    std::string text(const S&) {  // the sets, which one() has handled
        return "";
    }

    const PortNames* names_;
};

}  // namespace

void set_userdata_text(UserdataText functions) {
    userdata_text = functions;
}

UserdataText installed_userdata_text() {
    return userdata_text;
}

std::string format_actions(const Actions& actions, const PortNames* names) {
    return ActionWriter(names).list(actions);
}

}  // namespace weft::datapath
