// Connection tracking: every action that would ask the tracker continues with what the settings say, or with
// an established connection.

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "cli/trace/actions/cases.h"
#include "openflow/field.h"

namespace weft::cli::trace {

namespace {

using logical::Constant;
using logical::Format;
using openflow::FieldId;

constexpr uint16_t kTypeIpv6 = 0x86dd;

void set_address(packet::Flow& packet, bool source, const Constant& address) {
    bool ipv4 = address.format == Format::kIpv4;
    FieldId field = ipv4 ? (source ? FieldId::kIpSrc : FieldId::kIpDst)
                         : (source ? FieldId::kIpv6Src : FieldId::kIpv6Dst);
    set_bits(packet, openflow::whole_field(field), address.value);
}

// The state of a packet that was tracked already in this walk stays.
void track(packet::Flow& packet, Walk& walk, std::string& note) {
    if (!(packet.ct_state & packet::kCtTracked)) packet.ct_state = packet.ct_state | walk.next_ct_state(note);
}

}  // namespace

void execute(const logical::CtSimple& ct, Run& run) {
    using Kind = logical::CtSimple::Kind;
    std::string note;
    packet::Flow changed = run.packet;
    switch (ct.kind) {
        case Kind::kNext:
            changed.ct_state = run.walk.next_ct_state(note);
            run.fork(fmt::format("ct_next(ct_state={}{})", ct_state_text(changed.ct_state), note), changed);
            return;
        case Kind::kClear:
            run.packet.ct_state = 0;
            run.packet.ct_mark = 0;
            run.packet.ct_label = {};
            return;
        case Kind::kCommitNat:
            track(changed, run.walk, note);
            run.fork("ct_commit_nat /* assuming no un-nat entry, so no change */" + note, changed);
            return;
        case Kind::kSnatToVip:
            return;
    }
}

void execute(const logical::CtNat& nat, Run& run) {
    // On a gateway router nothing was translated that could be translated back here.
    if (!nat.address && nat.source && run.datapath().is_gateway_router) return;
    std::string note, heading = nat.source ? "ct_snat" : "ct_dnat";
    if (nat.common_zone) heading += "in_czone";  // sic
    packet::Flow changed = run.packet;
    track(changed, run.walk, note);
    if (nat.address) {
        std::string address;
        logical::print_constant(*nat.address, address);
        heading += fmt::format("({}.{}={})", nat.address->format == Format::kIpv4 ? "ip4" : "ip6",
                               nat.source ? "src" : "dst", address);
        set_address(changed, nat.source, *nat.address);
        changed.ct_state = changed.ct_state | (nat.source ? packet::kCtSnat : packet::kCtDnat);
    } else {
        heading += fmt::format(" /* assuming no un-{} entry, so no change */", nat.source ? "snat" : "dnat");
    }
    run.fork(heading + note, changed);
}

namespace {

std::optional<logical::CtLb::Backend> choose_backend(const logical::CtLb& lb, bool ipv6,
                                                     const Settings& settings) {
    const auto& wanted = settings.lb_destination;
    if (!lb.has_backends) {
        if (!wanted || wanted->ipv6 != ipv6) return std::nullopt;
        return logical::CtLb::Backend{
            logical::make_integer(wanted->value, ipv6 ? Format::kIpv6 : Format::kIpv4), wanted->port, ""};
    }
    std::vector<const logical::CtLb::Backend*> candidates;
    for (const auto& backend : lb.backends) {
        if ((backend.address.format == Format::kIpv6) != ipv6) continue;
        if (wanted && wanted->ipv6 == ipv6 && wanted->value == backend.address.value &&
            (!wanted->port || !backend.port || wanted->port == backend.port)) {
            return backend;
        }
        candidates.push_back(&backend);
    }
    if (candidates.empty()) return std::nullopt;
    std::random_device random;
    return *candidates[random() % candidates.size()];
}

}  // namespace

void execute(const logical::CtLb& lb, Run& run) {
    std::string note;
    packet::Flow changed = run.packet;
    changed.ct_state = changed.ct_state | run.walk.next_ct_state(note);
    if (auto backend = choose_backend(lb, run.packet.dl_type == kTypeIpv6, run.walk.settings())) {
        set_address(changed, false, backend->address);
        if (backend->port) changed.tp_dst = backend->port;
        changed.ct_state = changed.ct_state | packet::kCtDnat;
    } else if (lb.has_backends) {
        run.error("no load balancing destination (use --lb-dst)");
    }
    run.fork(lb.name() + note, changed);
}

}  // namespace weft::cli::trace
