// Load balancer hairpins: a back end that connects to a virtual address and gets itself.  Tables 68 to 70 are
// asked by chk_lb_hairpin, chk_lb_hairpin_reply and ct_snat_to_vip of the logical flows.
//
// 68: the packet goes from a back end to itself and was balanced to it (ct_label.natted; its original
// destination is in reg1 or xxreg1 and reg2).  A flow for the answer is learnt into 69.
// 70: the source becomes the virtual address (or options:hairpin_snat_ip), so that the answer comes back.

#include <algorithm>
#include <charconv>

#include "controller/configuration.h"
#include "controller/physical/action_builder.h"
#include "controller/physical/physical_flows.h"
#include "controller/template_vars.h"
#include "packet/address.h"

namespace weft::controller {

namespace sb = schema::sb;
using openflow::FieldId;

namespace {

constexpr uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd;
constexpr unsigned kNattedBit = 1;    // of ct_label
constexpr unsigned kHairpinFlag = 7;  // of reg10: the answer
constexpr unsigned kRegVip4 = 1, kRegVip6 = 4, kRegVipPort = 2;

struct Endpoint {
    bool v6 = false;
    packet::Ipv6Addr address{};  // IPv4: the first four bytes
    uint16_t port = 0;           // 0: all of the address

    uint32_t ipv4() const { return load_be32(address.data()); }
};

std::optional<Endpoint> parse_address(std::string_view text) {
    Endpoint endpoint;
    if (auto v4 = packet::parse_ipv4(text)) {
        store_be32(endpoint.address.data(), *v4);
        return endpoint;
    }
    auto v6 = packet::parse_ipv6(text);
    if (!v6) return std::nullopt;
    endpoint.v6 = true;
    endpoint.address = *v6;
    return endpoint;
}

// "10.0.0.1", "10.0.0.1:80", "fd00::1", "[fd00::1]:80".
std::optional<Endpoint> parse_endpoint(std::string_view text) {
    std::string_view address = text, port;
    if (!text.empty() && text.front() == '[') {
        size_t end = text.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        address = text.substr(1, end - 1);
        if (end + 1 < text.size()) {
            if (text[end + 1] != ':') return std::nullopt;
            port = text.substr(end + 2);
        }
    } else if (std::count(text.begin(), text.end(), ':') == 1) {
        address = text.substr(0, text.find(':'));
        port = text.substr(text.find(':') + 1);
    }
    auto endpoint = parse_address(address);
    if (!endpoint || port.empty()) return endpoint;
    auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint->port);
    if (error != std::errc() || end != port.data() + port.size()) return std::nullopt;
    return endpoint;
}

struct Transport {
    uint8_t number;
    FieldId src, dst;
};
Transport transport_of(const sb::LoadBalancer& row) {
    std::string_view name = row.protocol ? std::string_view(*row.protocol) : "tcp";
    if (name == "udp") return {17, FieldId::kUdpSrc, FieldId::kUdpDst};
    if (name == "sctp") return {132, FieldId::kSctpSrc, FieldId::kSctpDst};
    return {6, FieldId::kTcpSrc, FieldId::kTcpDst};
}

// What the load balancer's packets have in registers.
void match_vip(openflow::Match& match, const Endpoint& vip, const Transport& transport) {
    match.set_dl_type(vip.v6 ? kIpv6 : kIpv4);
    if (vip.v6) {
        for (unsigned n = 0; n < 4; ++n) match.set_reg(kRegVip6 + n, load_be32(&vip.address[n * 4]));
    } else {
        match.set_reg(kRegVip4, vip.ipv4());
    }
    if (!vip.port) return;
    match.set(FieldId::kIpProto, transport.number);
    match.set_reg(kRegVipPort, vip.port, 0xffff);
}

openflow::LearnSpec learn_value(FieldId field, ByteView value) {
    openflow::LearnSpec spec;
    spec.immediate = true;
    spec.bits = openflow::field(field).bits;
    spec.value.assign(value.begin(), value.end());
    spec.dst = {field, 0, spec.bits};
    return spec;
}
openflow::LearnSpec learn_number(FieldId field, uint16_t value) {
    uint8_t bytes[2];
    store_be16(bytes, value);
    return learn_value(field, bytes);
}
openflow::LearnSpec learn_field(FieldId to, FieldId from) {
    openflow::LearnSpec spec;
    spec.bits = openflow::field(to).bits;
    spec.src = {from, 0, spec.bits};
    spec.dst = {to, 0, spec.bits};
    return spec;
}

// The answer: from the back end to the address that its connection came from, ports exchanged.
openflow::Learn learn_reply(uint32_t cookie, const Endpoint& vip, const Endpoint& snat,
                            const Transport& transport) {
    openflow::Learn learn;
    learn.table = kTableHairpinReply;
    learn.flags = openflow::Learn::kDeleteLearned;
    learn.cookie = cookie;
    auto& specs = learn.specs;
    specs.push_back(learn_field(kFieldDatapath, kFieldDatapath));
    specs.push_back(learn_number(FieldId::kEthType, vip.v6 ? kIpv6 : kIpv4));
    FieldId src = vip.v6 ? FieldId::kIpv6Src : FieldId::kIpSrc;
    specs.push_back(learn_field(src, src));
    specs.push_back(learn_value(vip.v6 ? FieldId::kIpv6Dst : FieldId::kIpDst,
                                ByteView(snat.address).first(vip.v6 ? 16 : 4)));
    if (vip.port) {
        specs.push_back(learn_number(FieldId::kIpProto, transport.number));
        specs.push_back(learn_field(transport.src, transport.dst));
    } else {
        specs.push_back(learn_field(FieldId::kIpProto, FieldId::kIpProto));
    }
    openflow::LearnSpec flag;
    flag.destination = openflow::LearnSpec::Destination::kLoad;
    flag.immediate = true;
    flag.bits = 1;
    flag.value = {0, 1};
    flag.dst = {openflow::reg_field(kRegFlags), kHairpinFlag, 1};
    specs.push_back(flag);
    return learn;
}

struct Vip {
    uint32_t cookie;
    Endpoint vip;
    Transport transport;
    std::optional<Endpoint> snat;  // options:hairpin_snat_ip
    bool natted_in_label;          // else in ct_mark
    bool in_registers;  // the original destination (options:hairpin_orig_tuple); else conntrack has it
};

// Packets that were balanced from the virtual address.
void match_original(openflow::Match& match, const Vip& of) {
    if (of.in_registers) return match_vip(match, of.vip, of.transport);
    match.set_dl_type(of.vip.v6 ? kIpv6 : kIpv4);
    if (of.vip.v6) {
        packet::Ipv6Addr ones;
        ones.fill(0xff);
        match.set_ipv6(FieldId::kCtIpv6Dst, of.vip.address, ones);
    } else {
        match.set(FieldId::kCtNwDst, of.vip.ipv4());
    }
    if (!of.vip.port) return;
    match.set(FieldId::kIpProto, of.transport.number);
    match.set(FieldId::kCtNwProto, of.transport.number);
    match.set(FieldId::kCtTpDst, of.vip.port);
}

void emit_backend(SouthboundView& view, const Vip& of, const Endpoint& backend) {
    openflow::Match match;
    match_original(match, of);
    if (backend.v6) {
        for (FieldId id : {FieldId::kIpv6Src, FieldId::kIpv6Dst}) {
            packet::Ipv6Addr ones;
            ones.fill(0xff);
            match.set_ipv6(id, backend.address, ones);
        }
    } else {
        match.set_nw_src(backend.ipv4());
        match.set_nw_dst(backend.ipv4());
    }
    if (of.vip.port) match.set(of.transport.dst, backend.port);
    FieldId mark = of.natted_in_label ? FieldId::kCtLabel : FieldId::kCtMark;
    match.set(mark, 1u << kNattedBit, 1u << kNattedBit);
    ActionBuilder actions;
    actions.load_flag(kHairpinFlag, true);
    actions.add(openflow::Boxed<openflow::Learn>(
        learn_reply(of.cookie, of.vip, of.snat.value_or(of.vip), of.transport)));
    view.flows.emit(make_flow(kTableHairpin, 100, of.cookie, match, actions.take()));
}

void emit_snat(SouthboundView& view, const Vip& of, uint16_t priority, std::optional<uint32_t> datapath_key,
               const Endpoint& source) {
    openflow::Match match;
    match_original(match, of);
    if (datapath_key) match.set_metadata(*datapath_key);
    openflow::Nat nat;
    nat.flags = openflow::Nat::kSrc;
    nat.family = source.v6 ? openflow::Nat::Family::kIpv6 : openflow::Nat::Family::kIpv4;
    nat.min = source.address;
    openflow::Ct ct;
    ct.commit = true;
    ct.zone_src = {openflow::reg_field(kRegSnatZone), 0, 16};
    ct.actions.emplace_back(nat);
    view.flows.emit(make_flow(kTableHairpinSnat, priority, of.cookie, match,
                              ActionBuilder().add(openflow::Boxed<openflow::Ct>(std::move(ct))).take()));
}

// The switches of the load balancer that are local, and what is on its list of datapaths in whatever form.
std::vector<uint32_t> local_switches(SouthboundView& view, const sb::LoadBalancer& row) {
    std::set<Uuid> uuids(row.datapaths.begin(), row.datapaths.end());
    for (const auto& group : {row.datapath_group, row.ls_datapath_group}) {
        const sb::LogicalDPGroup* members = group ? view.value(view.datapath_groups, *group) : nullptr;
        if (members) uuids.insert(members->datapaths.begin(), members->datapaths.end());
    }
    std::vector<uint32_t> keys;
    for (const Uuid& uuid : uuids) {
        if (const LocalDatapath* local = view.local_datapath(uuid); local && local->is_switch)
            keys.push_back(local->key);
    }
    return keys;
}

std::optional<Endpoint> hairpin_source(const sb::LoadBalancer& row, bool v6) {
    for (const std::string& word : split_words(ovsdb::get_string(row.options, "hairpin_snat_ip"), ' ')) {
        auto endpoint = parse_address(word);
        if (endpoint && endpoint->v6 == v6) return endpoint;
    }
    return std::nullopt;
}

}  // namespace

void emit_hairpin_flows(SouthboundView& view, const Uuid& uuid) {
    const sb::LoadBalancer* row = view.value(view.load_balancers, uuid);
    if (!row) return;
    std::vector<uint32_t> switches = local_switches(view, *row);
    if (switches.empty()) return;
    const bool* in_label = view.natted_in_label.find({});
    for (const auto& [vip_text, backends] : row->vips) {
        auto vip = parse_endpoint(expand_template_vars(view, vip_text));
        if (!vip) continue;
        Vip of{cookie_of(uuid),       *vip,
               transport_of(*row),    hairpin_source(*row, vip->v6),
               in_label && *in_label, ovsdb::get_bool(row->options, "hairpin_orig_tuple")};
        for (const std::string& word : split_words(expand_template_vars(view, backends))) {
            auto backend = parse_endpoint(word);
            if (backend && backend->v6 == vip->v6) emit_backend(view, of, *backend);
        }
        if (of.snat) {
            for (uint32_t key : switches) emit_snat(view, of, 200, key, *of.snat);
        } else {
            emit_snat(view, of, vip->port ? 100 : 90, std::nullopt, *vip);
        }
    }
}

}  // namespace weft::controller
