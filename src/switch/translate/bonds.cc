// Bonds (protocols/bond.h): which packets are taken from a member, and by which member they leave.

#include "base/clock.h"
#include "packet/address.h"
#include "packet/ethernet.h"
#include "switch/translate/walk.h"

namespace weft::vswitch {

namespace {

constexpr uint16_t kArpRequest = 1, kArpReply = 2;

}  // namespace

// A station that says where it is: a broadcast reply, or a request for its own address.
bool Walk::gratuitous_arp() {
    if (flow_.dl_type != packet::ethernet::kArp || flow_.dl_dst != packet::kEthBroadcast) return false;
    mask_.nw_proto = 0xff;
    if (flow_.nw_proto == kArpReply) return true;
    if (flow_.nw_proto != kArpRequest) return false;
    mask_.nw_src = mask_.nw_dst = ~0u;
    return flow_.nw_src == flow_.nw_dst;
}

bool Walk::admitted(const Bundle& bundle, uint16_t vlan) {
    switch (bundle.bond->admit(flow_.in_port, packet::is_multicast(flow_.dl_dst))) {
        case Bond::Admission::kAccept:
            return true;
        case Bond::Admission::kDrop:
            detail("bonding refused admissibility, dropping");
            return false;
        case Bond::Admission::kDropIfMoved:
            break;
    }
    const MacTable::Entry* entry = bridge_->mac_table.lookup(flow_.dl_src, vlan);
    if (!entry || entry->bundle == &bundle) return true;
    // One of our own that a neighbour sent back, unless the station moved and says so.
    if (gratuitous_arp() && entry->gratuitous_lock_until_ms <= clock::monotonic_ms()) return true;
    detail("SLB bond thinks this packet looped back, dropping");
    return false;
}

// The packet, which has its tag, leaves by the bond.
void Walk::output_bond(Bundle& bundle, uint16_t vlan, bool check_in_port) {
    Bond& bond = *bundle.bond;
    if (bond.by_packet_hash()) {
        commit();
        if (bundle.lb_output) {
            append(datapath::LbOutput{*bundle.lb_output});
            if (!bridge_->mirrors().empty() && !bridge_->mirrors_to(bundle.name)) mirror_output(bundle);
            return;
        }
        // The datapath hashes it, and it comes back to thaw_bond().
        datapath::Hash hash;
        hash.algorithm = datapath::HashAlgorithm::kL4;
        hash.basis = bond.options().hash_basis;
        append(hash);
        append(datapath::Recirculate{freeze(bond_state(*bridge_, bundle))});
        if (!bridge_->mirrors().empty() && !bridge_->mirrors_to(bundle.name)) mirror_output(bundle);
        return;
    }
    OfPort* port = nullptr;
    if (bond.by_source()) {
        if (in_.flow.vlans[0].tci) mask_.vlans[0].tci |= packet::kVlanVidMask | packet::kVlanCfi;
        mask_.dl_src.fill(0xff);
        uint8_t bucket = bond.source_bucket(flow_.dl_src, vlan);
        port = bundle.member(bond.member_of(bucket));
        if (port) note(EffectCache::CountBond{bridge_, bundle.name, bucket});
    } else {
        port = bundle.active();
    }
    if (port) output_port(port->number, check_in_port);
}

FrozenState bond_state(const Bridge& bridge, const Bundle& bundle) {
    FrozenState state;
    state.bridge = bridge.name();
    state.bond = bundle.name;
    state.metadata = packet::zero_flow();
    return state;
}

void Walk::thaw_bond(const FrozenState& state) {
    Bundle* bundle = bridge_->find_bundle(state.bond);
    mask_.dp_hash |= Bond::kBuckets - 1;
    if (!bundle || !bundle->bond) return;
    auto bucket = static_cast<uint8_t>(flow_.dp_hash & (Bond::kBuckets - 1));
    OfPort* port = bundle->member(bundle->bond->member_of(bucket));
    if (!port || !port->may_forward()) return;
    note(EffectCache::CountBond{bridge_, bundle->name, bucket});
    send_to(*port);
}

}  // namespace weft::vswitch
