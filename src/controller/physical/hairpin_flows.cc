// Load balancer hairpins: a back end that connects to a virtual address and gets itself.  Tables 68 to 70 are
// asked by chk_lb_hairpin, chk_lb_hairpin_reply and ct_snat_to_vip of the logical flows.
//
// 68: the packet goes from a back end to itself and was balanced to it (ct_label.natted; its original
// destination is in reg1 or xxreg1 and reg2).  A flow for the answer is learnt into 69.
// 70: the source becomes the virtual address (or options:hairpin_snat_ip), so that the answer comes back.

#include "controller/configuration.h"

#include "controller/load_balancers.h"
#include "controller/physical/action_builder.h"
#include "controller/physical/learn_specs.h"
#include "controller/physical/physical_flows.h"

namespace weft::controller {

namespace sb = schema::sb;
using openflow::FieldId;

namespace {

constexpr uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd;
constexpr unsigned kNattedBit = 1;    // of ct_label
constexpr unsigned kHairpinFlag = 7;  // of reg10: the answer
constexpr unsigned kRegVip4 = 1, kRegVip6 = 4, kRegVipPort = 2;

struct Transport {
    uint8_t number;
    FieldId src, dst;
};
Transport transport_of(const sb::LoadBalancer& row) {
    uint8_t number = protocol_of(row);
    if (number == 17) return {number, FieldId::kUdpSrc, FieldId::kUdpDst};
    if (number == 132) return {number, FieldId::kSctpSrc, FieldId::kSctpDst};
    return {number, FieldId::kTcpSrc, FieldId::kTcpDst};
}

// What the load balancer's packets have in registers.
void match_vip(openflow::Match& match, const LbEndpoint& vip, const Transport& transport) {
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

// The answer: from the back end to the address that its connection came from, ports exchanged.
openflow::Learn learn_reply(uint32_t cookie, const LbEndpoint& vip, const LbEndpoint& snat,
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
    specs.push_back(learn_bit(openflow::reg_field(kRegFlags), kHairpinFlag));
    return learn;
}

struct Vip {
    uint32_t cookie;
    LbEndpoint vip;
    Transport transport;
    std::optional<LbEndpoint> snat;  // options:hairpin_snat_ip
    bool natted_in_label;            // else in ct_mark
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

void emit_backend(SouthboundView& view, const Vip& of, const LbEndpoint& backend) {
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
    actions.add(
        Boxed<openflow::Learn>(learn_reply(of.cookie, of.vip, of.snat.value_or(of.vip), of.transport)));
    view.flows.emit(make_flow(kTableHairpin, 100, of.cookie, match, actions.take()));
}

void emit_snat(SouthboundView& view, const Vip& of, uint16_t priority, std::optional<uint32_t> datapath_key,
               const LbEndpoint& source) {
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
                              ActionBuilder().add(Boxed<openflow::Ct>(std::move(ct))).take()));
}

// The keys of those of its switches that are local.
std::set<uint32_t> local_switches(SouthboundView& view, const sb::LoadBalancer& row) {
    std::set<uint32_t> keys;
    for (const Uuid& uuid : row.datapaths) {
        if (const LocalDatapath* local = view.local_datapath(uuid); local && local->is_switch)
            keys.insert(local->key);
    }
    for (const auto& group : {row.datapath_group, row.ls_datapath_group, row.lr_datapath_group}) {
        if (!group) continue;
        for (const auto& [uuid, local] : view.local_members(*group)) {
            if (local.is_switch) keys.insert(local.key);
        }
    }
    return keys;
}

std::optional<LbEndpoint> hairpin_source(const sb::LoadBalancer& row, bool v6) {
    for (const std::string& word : split_words(ovsdb::get_string(row.options, "hairpin_snat_ip"), ' ')) {
        auto endpoint = parse_lb_address(word);
        if (endpoint && endpoint->v6 == v6) return endpoint;
    }
    return std::nullopt;
}

}  // namespace

void emit_hairpin_flows(SouthboundView& view, const Uuid& uuid) {
    const sb::LoadBalancer* row = view.value(view.load_balancers, uuid);
    if (!row) return;
    std::set<uint32_t> switches = local_switches(view, *row);
    if (switches.empty()) return;
    const bool* in_label = view.natted_in_label.find({});
    for (const LbVip& each : vips_of(view, *row)) {
        const LbEndpoint& vip = each.vip;
        Vip of{cookie_of(uuid),       vip,
               transport_of(*row),    hairpin_source(*row, vip.v6),
               in_label && *in_label, ovsdb::get_bool(row->options, "hairpin_orig_tuple")};
        for (const LbEndpoint& backend : each.backends) emit_backend(view, of, backend);
        if (of.snat) {
            for (uint32_t key : switches) emit_snat(view, of, 200, key, *of.snat);
        } else {
            emit_snat(view, of, vip.port ? 100 : 90, std::nullopt, vip);
        }
    }
}

}  // namespace weft::controller
