#include "openflow/action_check.h"

#include <algorithm>

#include "openflow/actions/action_set.h"

namespace weft::openflow {
namespace {

// Walks a list as the packet would, keeping what is known of its headers.
class Checker {
  public:
    explicit Checker(const ActionCheck& check) : check_(check) {
        if (check.match) {
            value_ = check.match->value;
            mask_ = check.match->mask;
        }
    }

    OfError list(const ActionList& actions, bool top) {
        for (const Action& action : actions) {
            if (OfError error = one(action, top); error != OfError::kNone) return error;
        }
        return OfError::kNone;
    }

  private:
    // In a set, which is carried out later, only what names fields must agree with the match.
    OfError set(const ActionList& actions) const {
        if (!std::ranges::all_of(actions, fits_action_set)) return OfError::OFPBAC_BAD_TYPE;
        Checker inner = *this;
        inner.later_ = true;
        return inner.list(actions, false);
    }
    bool met(Prerequisite p) const { return !check_.match || prerequisite_met(p, value_, mask_); }

    OfError unless(bool consistent) const {
        return consistent || later_ || check_.may_be_inconsistent ? OfError::kNone
                                                                  : OfError::OFPBAC_MATCH_INCONSISTENT;
    }
    OfError need(Prerequisite p) const { return unless(met(p)); }
    OfError strictly(Prerequisite p) const {
        return met(p) || later_ ? OfError::kNone : OfError::OFPBAC_MATCH_INCONSISTENT;
    }

    // `set`: by set_field, which needs a tag to write a VLAN into; others may take it from none.
    OfError field_ok(FieldId id, bool set = false) const {
        if (!check_.strict_set_field) return OfError::kNone;
        const Field& f = field(id);
        bool vid = id == FieldId::kVlanVid, tag = vid || f.prerequisite == Prerequisite::kVlanVid;
        bool good = (!tag || met(Prerequisite::kEthernet)) &&
                    met(vid && set ? Prerequisite::kVlanVid : f.prerequisite);
        return good ? OfError::kNone : OfError::OFPBAC_MATCH_INCONSISTENT;
    }
    OfError subfield_ok(const Subfield& s) const { return s.valid() ? field_ok(s.field) : OfError::kNone; }

    OfError output_ok(uint32_t port) const {
        if (port == kPortNone || port == kPortUnset) return OfError::OFPBAC_BAD_OUT_PORT;
        return port < check_.max_ports || port >= kPortInPort ? OfError::kNone : OfError::OFPBAC_BAD_OUT_PORT;
    }

    void set_type(uint16_t type) {
        value_.dl_type = type;
        mask_.dl_type = 0xffff;
    }
    void set_vlan(bool present) {
        mask_.vlans[0].tci = mask_.vlans[0].tci | packet::kVlanCfi;
        value_.vlans[0].tci = static_cast<uint16_t>(present ? value_.vlans[0].tci | packet::kVlanCfi : 0);
    }

    OfError one(const Action& action, bool top);
    OfError learn(const Learn& a) const;

    const ActionCheck& check_;
    bool later_ = false;
    packet::Flow value_ = packet::zero_flow(), mask_ = packet::zero_flow();
};

// What is learnt has a match of its own, which must come before the fields that need it.
OfError Checker::learn(const Learn& a) const {
    Match learnt;
    for (const LearnSpec& spec : a.specs) {
        if (!spec.immediate) {
            if (OfError error = subfield_ok(spec.src); error != OfError::kNone) return error;
        }
        if (spec.destination == LearnSpec::Destination::kOutput) continue;
        const Field& dst = field(spec.dst.field);
        if (check_.strict_set_field && !prerequisite_met(dst.prerequisite, learnt.value, learnt.mask))
            return OfError::OFPBAC_MATCH_INCONSISTENT;
        if (!spec.immediate || spec.destination != LearnSpec::Destination::kMatch) continue;
        FieldValue value, mask, given;
        learnt.get(dst, value, mask);
        size_t size = spec.value.size();
        std::copy(spec.value.begin(), spec.value.end(), given.bytes.begin());
        copy_bits(given.bytes.data(), size, 0, value.bytes.data(), dst.bytes, spec.dst.offset, spec.dst.bits);
        given.bytes.fill(0xff);
        copy_bits(given.bytes.data(), size, 0, mask.bytes.data(), dst.bytes, spec.dst.offset, spec.dst.bits);
        learnt.set(dst, value, mask);
    }
    return OfError::kNone;
}

OfError Checker::one(const Action& action, bool top) {
    const ActionVariant& v = action.variant();
    auto first_error = [](OfError a, OfError b) { return a != OfError::kNone ? a : b; };
    if (auto* a = std::get_if<Output>(&v)) return output_ok(a->port);
    if (auto* a = std::get_if<OutputTrunc>(&v)) return output_ok(a->port);
    if (auto* a = std::get_if<OutputReg>(&v)) return subfield_ok(a->source);
    if (auto* a = std::get_if<Enqueue>(&v)) {
        bool good = a->port < check_.max_ports || a->port == kPortInPort || a->port == kPortLocal;
        return good ? OfError::kNone : OfError::OFPBAC_BAD_OUT_PORT;
    }
    if (auto* a = std::get_if<SetField>(&v)) {
        OfError error = field_ok(a->field, true);
        if (a->field == FieldId::kVlanTci) set_vlan(true);  // it may put a tag on
        return error;
    }
    if (auto* a = std::get_if<RegMove>(&v)) return first_error(subfield_ok(a->src), subfield_ok(a->dst));
    if (auto* a = std::get_if<StackPush>(&v)) return subfield_ok(a->subfield);
    if (auto* a = std::get_if<StackPop>(&v)) return subfield_ok(a->subfield);
    if (auto* a = std::get_if<SetVlanVid>(&v)) {
        if (!met(Prerequisite::kEthernet)) return unless(false);
        bool missing = check_.match && !met(Prerequisite::kVlanVid) && !a->push_if_needed;
        set_vlan(true);
        return unless(!missing);
    }
    if (auto* a = std::get_if<SetVlanPcp>(&v)) {
        if (!met(Prerequisite::kEthernet)) return unless(false);
        bool missing = check_.match && !met(Prerequisite::kVlanVid) && !a->push_if_needed;
        set_vlan(true);
        return unless(!missing);
    }
    if (auto* a = std::get_if<StripVlan>(&v)) {
        bool missing = check_.match && !met(Prerequisite::kVlanVid);
        set_vlan(false);
        return unless(!missing);
    }
    if (holds<PushVlan>(v)) {
        set_vlan(true);
        return OfError::kNone;
    }
    if (holds<SetIpSrc>(v) || holds<SetIpDst>(v)) return need(Prerequisite::kIpv4);
    if (holds<SetIpDscp>(v) || holds<SetIpEcn>(v) || holds<SetIpTtl>(v) || holds<DecTtl>(v)) {
        return need(Prerequisite::kIpAny);
    }
    if (holds<SetL4Src>(v) || holds<SetL4Dst>(v)) {
        bool good = met(Prerequisite::kTcp) || met(Prerequisite::kUdp) || met(Prerequisite::kSctp);
        return unless(good);
    }
    if (holds<SetMplsLabel>(v) || holds<SetMplsTc>(v) || holds<SetMplsTtl>(v) || holds<DecMplsTtl>(v)) {
        return need(Prerequisite::kMpls);
    }
    if (holds<DecNshTtl>(v)) return need(Prerequisite::kNsh);
    if (auto* a = std::get_if<PushMpls>(&v)) {
        set_type(a->ethertype);
        return OfError::kNone;
    }
    if (auto* a = std::get_if<PopMpls>(&v)) {
        OfError error = need(Prerequisite::kMpls);
        set_type(a->ethertype);
        return error;
    }
    if (holds<SetEthSrc>(v) || holds<SetEthDst>(v)) return need(Prerequisite::kEthernet);
    if (auto* a = std::get_if<Encap>(&v)) {
        mask_.packet_type = ~0u;
        if (a->packet_type == 0) {
            value_.packet_type = 0;  // the Ethertype is that of what is below
        } else {
            value_.packet_type = a->packet_type;
            set_type(static_cast<uint16_t>(a->packet_type));
        }
        return OfError::kNone;
    }
    if (holds<Decap>(v)) {
        if (value_.packet_type == 0u) {  // Ethernet: what is below keeps its type
            value_.packet_type = 1u << 16 | value_.dl_type;
            mask_.packet_type = ~0u;
            return OfError::kNone;
        }
        mask_.dl_type = 0;  // whatever is below
        value_.dl_type = 0;
        mask_.packet_type = ~0u;
        value_.packet_type = ~0u;
        return OfError::kNone;
    }
    if (auto* a = std::get_if<Resubmit>(&v)) {
        if (a->with_ct_orig && !met(Prerequisite::kCtValid)) return OfError::OFPBAC_MATCH_INCONSISTENT;
        return OfError::kNone;
    }
    if (auto* a = std::get_if<GotoTable>(&v)) {
        bool forward = check_.table == kTableAll || a->table > check_.table;
        bool exists = check_.tables == 255 || a->table < check_.tables;
        return forward && exists ? OfError::kNone : OfError::OFPBIC_BAD_TABLE_ID;
    }
    if (auto* a = std::get_if<Meter>(&v)) {
        bool good = (a->meter_id > 0 && a->meter_id <= kMeterMax);
        return good ? OfError::kNone : OfError::OFPMMFC_INVALID_METER;
    }
    if (auto* a = std::get_if<CheckPktLarger>(&v)) return subfield_ok(a->dst);
    if (auto* a = std::get_if<Multipath>(&v)) return subfield_ok(a->dst);
    if (auto* a = std::get_if<Boxed<Bundle>>(&v)) return subfield_ok((*a)->dst);
    if (auto* a = std::get_if<Boxed<Learn>>(&v)) return learn(**a);
    if (holds<FinTimeout>(v)) {  // of later fragments, too
        bool tcp = met(Prerequisite::kIpAny) && mask_.nw_proto == 0xff && value_.nw_proto == 6;
        return unless(!check_.match || tcp);
    }
    if (auto* a = std::get_if<Boxed<Ct>>(&v)) {
        // A helper only understands the protocol that its application runs over.
        uint16_t alg = (*a)->alg;
        OfError error = strictly(alg == 21   ? Prerequisite::kTcp
                                 : alg == 69 ? Prerequisite::kUdp
                                             : Prerequisite::kIpAny);
        // What is invalid is never committed.
        if ((*a)->commit && (value_.ct_state & packet::kCtInvalid))
            error = OfError::OFPBAC_MATCH_INCONSISTENT;
        return first_error(error, first_error(subfield_ok((*a)->zone_src), list((*a)->actions, false)));
    }
    if (auto* a = action_cast<Nat>(action)) {
        bool good = !check_.match || a->family == Nat::Family::kNone ||
                    met(a->family == Nat::Family::kIpv4 ? Prerequisite::kIpv4 : Prerequisite::kIpv6);
        return good ? OfError::kNone : OfError::OFPBAC_MATCH_INCONSISTENT;
    }
    if (auto* a = std::get_if<Clone>(&v)) {
        Checker inner = *this;
        return inner.list(a->actions, false);
    }
    if (auto* a = std::get_if<WriteActions>(&v)) return set(a->actions);
    (void)top;
    return OfError::kNone;
}

}  // namespace

bool fits_action_set(const Action& action) {
    const ActionVariant& v = action.variant();
    if (auto* controller = std::get_if<Boxed<Controller>>(&v)) {
        const Controller& c = **controller;
        return !c.pause && !c.controller_id && c.userdata.empty() && c.meter_id == ~0u &&
               c.reason == PacketInReason::kAction;
    }
    return !is_instruction(action) && !holds<Note>(v) && !holds<Exit>(v) && !holds<Conjunction>(v) &&
           !holds<Boxed<Learn>>(v) && !holds<Meter>(v) && !holds<StackPush>(v) && !holds<StackPop>(v) &&
           !holds<Enqueue>(v) && !holds<Multipath>(v) && !holds<Boxed<Bundle>>(v) && !holds<FinTimeout>(v) &&
           !holds<Sample>(v) && !holds<Clone>(v) && !holds<CheckPktLarger>(v) && !holds<DeleteField>(v) &&
           !holds<OutputReg>(v) && !holds<OutputTrunc>(v) && !holds<PopQueue>(v);
}

OfError check_actions(const ActionList& actions, const ActionCheck& check) {
    bool conjunction = false, other = false;
    for (const Action& action : actions) {
        if (holds<Conjunction>(action.variant())) {
            conjunction = true;
        } else if (!holds<Note>(action.variant())) {
            other = true;
        }
    }
    if (conjunction && other) return OfError::NXBAC_BAD_CONJUNCTION;
    return Checker(check).list(actions, true);
}

bool consistent(const ActionList& actions, const Match& match) {
    ActionCheck check;
    check.match = &match;
    check.table = kTableAll;
    return check_actions(actions, check) != OfError::OFPBAC_MATCH_INCONSISTENT;
}

void note_vlan_state(ActionList& actions, const Match& match) {
    bool vlan = match.value.vlans[0].tci & match.mask.vlans[0].tci & packet::kVlanCfi;
    uint8_t proto = match.mask.nw_proto == 0xff ? match.value.nw_proto : 0;
    if (proto != 17 && proto != 132) proto = 6;
    for (Action& action : actions) {
        ActionVariant& v = action;
        if (auto* vid = std::get_if<SetVlanVid>(&v)) {
            vid->has_vlan = vlan;
            vlan = vlan || vid->push_if_needed;
        } else if (auto* pcp = std::get_if<SetVlanPcp>(&v)) {
            pcp->has_vlan = vlan;
            vlan = vlan || pcp->push_if_needed;
        } else if (auto* set = std::get_if<SetField>(&v)) {
            vlan = vlan || set->field == FieldId::kVlanTci;
        } else if (holds<PushVlan>(v)) {
            vlan = true;
        } else if (holds<StripVlan>(v)) {
            vlan = false;
        } else if (auto* src = std::get_if<SetL4Src>(&v)) {
            src->proto = proto;
        } else if (auto* dst = std::get_if<SetL4Dst>(&v)) {
            dst->proto = proto;
        } else if (auto* clone = std::get_if<Clone>(&v)) {
            note_vlan_state(clone->actions, match);
        } else if (auto* write = std::get_if<WriteActions>(&v)) {
            note_vlan_state(write->actions, match);
        }
    }
}

}  // namespace weft::openflow
