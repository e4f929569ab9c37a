#include "datapath/ebpf/encode.h"

#include <cstring>
#include <span>

#include "datapath/ebpf/meter_shared.h"
#include "packet/address.h"
#include "packet/ethernet.h"
#include "packet/extract.h"

namespace weft::datapath::ebpf {

namespace {

constexpr uint16_t kMaxConntrackPlace = 0xff;  // there are 8 bits for it

class Encoder {
  public:
    Encoder(const KeyPair& flow, const PortKinds& ports, Encoded& out)
        : flow_(flow), ports_(ports), out_(out) {}

    void run(const Actions& actions) {
        if (actions.empty())
            add(kActionDrop).argument = static_cast<uint32_t>(explain::DropReason::kNoActions);
        else
            list(actions);
        if (out_.actions.size() > kMaxActions) refuse("it has too many actions");
        name_outputs(actions);
        if (out_.why.empty()) return;
        out_.actions.clear();
        out_.resume.clear();
        out_.tunnels.clear();
        add(kActionToUserspace);
    }

  private:
    void refuse(std::string_view why) {
        if (out_.why.empty()) out_.why = why;
    }

    FlowAction& add(ActionKind kind) {
        out_.actions.push_back({});
        out_.actions.back().kind = static_cast<uint16_t>(kind);
        return out_.actions.back();
    }

    static bool has_effect(const Action& action) {
        return action.get_if<Output>() || ends_packet(action) || action.get_if<Drop>() ||
               action.get_if<Meter>() || action.get_if<Conntrack>() || (kind_of(action) == Kind::kOther);
    }

    // A list whose end is the packet's.
    void list(std::span<const Action> actions) {
        while (!actions.empty() && !has_effect(actions.back())) actions = actions.first(actions.size() - 1);
        for (size_t i = 0; i < actions.size() && out_.why.empty(); i++) {
            bool last = i + 1 == actions.size();
            const Action& action = actions[i];
            if (auto* a = action.get_if<Output>()) {
                PortKind kind = a->port < kPorts ? ports_(a->port) : kPortNone;
                if (kind == kPortNone) return refuse("a port that it outputs to");
                if (kind == kPortTunnel)
                    tunnel_output(a->port, actions.subspan(i), last);
                else
                    add(last ? kActionOutputLast : kActionOutput).argument = a->port;
                if (last) return;
            } else if (ends_packet(action)) {
                if (last) return end(actions.subspan(i));
                copy(actions.subspan(i, 1));
            } else if (action.get_if<Truncate>()) {
                size_t output = truncated_output(actions, i);
                if (output == actions.size()) return refuse("truncation of what is changed afterwards");
                if (output + 1 == actions.size()) {
                    if (truncate(actions.subspan(i), output - i)) return;
                    continue;
                }
                copy(actions.subspan(i, output - i + 1));
                for (i++; i < output; i++) change(actions[i]);
            } else if (auto* a = action.get_if<Meter>()) {
                meter(a->id, actions.subspan(i));
            } else if (auto* a = action.get_if<Drop>()) {
                add(kActionDrop).argument = static_cast<uint32_t>(a->reason);
                return;
            } else if (auto* a = action.get_if<Conntrack>()) {
                conntrack(*a, actions.subspan(i));
            } else if (kind_of(action) == Kind::kOther) {
                return refuse("an action that the kernel's programs do not know");
            } else {
                change(action);
            }
        }
        add(kActionEnd);
    }

    // Actions that the packet does not come back from: with others behind them they get a copy.
    static bool ends_packet(const Action& action) {
        return action.get_if<Recirculate>() || action.get_if<CheckPacketLength>() || action.get_if<Clone>() ||
               action.get_if<Sample>() || action.get_if<Userspace>();
    }
    void end(std::span<const Action> rest) {
        if (auto* a = rest[0].get_if<Recirculate>())
            add(kActionRecirculate).argument = a->id;
        else if (auto* a = rest[0].get_if<CheckPacketLength>())
            check_length(*a);
        else if (auto* a = rest[0].get_if<Clone>())
            nested(a->actions);
        else if (auto* a = rest[0].get_if<Sample>())
            sample(*a);
        else if (rest[0].get_if<Userspace>())
            add(kActionHandUp).small = resume_at(rest);
    }
    void nested(const Actions& actions) {
        if (actions.empty())
            add(kActionDrop).argument = static_cast<uint32_t>(explain::DropReason::kNoActions);
        else
            list(actions);
    }

    // A copy of the packet goes through the list.
    void copy(std::span<const Action> list_of_copy) {
        if (nesting_ == kMaxCopyNesting) return refuse("copies of copies of copies");
        nesting_++;
        // Who is not chosen needs no copy.
        auto* sample = list_of_copy[0].get_if<Sample>();
        size_t choice = sample ? choose(*sample) : 0, at = out_.actions.size();
        add(kActionCopy);
        aside([&] {
            if (sample)
                nested(sample->actions);
            else
                list(list_of_copy);
        });
        out_.actions[at].argument = here();
        if (sample) out_.actions[choice].argument = here();
        nesting_--;
    }
    size_t choose(const Sample& a) {
        put(add(kActionSample), 0, a.probability);
        return out_.actions.size() - 1;
    }
    void sample(const Sample& a) {
        size_t choice = choose(a);
        nested(a.actions);
        out_.actions[choice].argument = here();
        add(kActionEnd);
    }

    // Where what is truncated by actions[at] goes out, with nothing that changes it before; actions.size():
    // nowhere.
    static size_t truncated_output(std::span<const Action> actions, size_t at) {
        for (size_t i = at + 1; i < actions.size(); i++) {
            if (actions[i].get_if<Output>() || actions[i].get_if<Userspace>()) return i;
            if (!actions[i].get_if<SetTunnel>()) break;
        }
        return actions.size();
    }
    // `rest` begins with the truncation and ends with what it is for.  True: the list has ended.
    bool truncate(std::span<const Action> rest, size_t output) {
        uint16_t at = resume_at(rest);
        if (rest[output].get_if<Userspace>()) {
            for (size_t i = 1; i < output; i++) change(rest[i]);
            add(kActionHandUp).small = at;
            return true;
        }
        if (!can_parse()) return true;
        FlowAction& out = add(kActionTruncate);
        out.argument = rest[0].get_if<Truncate>()->max_length;
        out.small = at;
        return false;
    }

    void meter(uint32_t id, std::span<const Action> rest) {
        if (id >= kMeters) return refuse("a meter with a high number");
        FlowAction& out = add(kActionMeter);
        out.argument = id;
        out.small = resume_at(rest);
    }
    // What the packet has become meanwhile does not matter for what comes behind.
    template <typename Work>
    void aside(const Work& work) {
        bool opaque = opaque_;
        int pushed = pushed_;
        work();
        opaque_ = opaque;
        pushed_ = pushed;
    }
    uint32_t here() const { return static_cast<uint32_t>(out_.actions.size()); }

    // The daemon may go on with `rest`.
    uint16_t resume_at(std::span<const Action> rest) {
        out_.resume.push_back(rest);
        return static_cast<uint16_t>(out_.resume.size() - 1);
    }

    void tunnel_output(PortNo port, std::span<const Action> rest, bool last) {
        if (!can_parse()) return;
        FlowAction& out = add(last ? kActionTunnelOutput : kActionTunnelOutputCopy);
        out.argument = port;
        out.small = resume_at(rest);
        if (!last) resume_at(rest.first(1));
    }

    void conntrack(const Conntrack& a, std::span<const Action> rest) {
        if (!can_parse()) return;
        uint32_t flags = 0;
        if (a.commit) flags |= kTrackCommit;
        if (a.force) flags |= kTrackForce;
        if (a.nat) flags |= kTrackNat;
        if (a.commit && a.label) {
            flags |= kTrackLabel;
            FlowAction& label = add(kActionExpectLabel);
            put(label, 0, a.label->first);
            put(label, 16, a.label->second);
        }
        FlowAction& out = add(kActionConntrack);
        if (a.commit && a.mark) {
            flags |= kTrackMark;
            put(out, 0, Be32(a.mark->first));
            put(out, 4, Be32(a.mark->second));
        }
        out.small = a.zone;
        uint16_t at = resume_at(rest);
        if (at > kMaxConntrackPlace) return refuse("connection tracking far behind");
        out.argument = flags << 8 | at;
    }

    void set_tunnel(const SetTunnel& a) {
        if (a.vxlan_gbp && (a.vxlan_gbp->id || a.vxlan_gbp->flags)) return refuse("a VXLAN group policy");
        if (marked_) return refuse("a mark by which the packet that carries may have a route of its own");
        if (a.flags & (packet::kTunnelGpe | packet::kTunnelSequence))
            return refuse("a VXLAN or GRE header with more than the programs write");
        SetTunnelData data;
        std::memset(&data, 0, sizeof data);
        size_t options = a.geneve ? a.geneve->options.size() : 0;
        if (options > sizeof data.options || options % 4) return refuse("many Geneve options");
        data.id = Be64(a.id).raw();
        data.src = Be32(a.src).raw();
        data.flags = Be16(a.flags).raw();
        data.tp_src = Be16(a.tp_src).raw();
        data.tp_dst = Be16(a.tp_dst).raw();
        data.tos = a.tos;
        data.ttl = a.ttl;
        if (options) std::memcpy(data.options, a.geneve->options.data(), options);
        FlowAction& out = add(kActionSetTunnel);
        out.small = static_cast<uint16_t>(options);
        out.argument = Be32(a.dst).raw();
        put(out, 0, data);
        if (packet::is_zero(a.ipv6_dst)) {
            out_.tunnels.push_back(
                {packet::map_ipv4(a.dst), a.src ? packet::map_ipv4(a.src) : packet::Ipv6Addr{}});
            return;
        }
        FlowAction& v6 = add(kActionSetTunnelIpv6);
        put(v6, 0, a.ipv6_src);
        put(v6, 16, a.ipv6_dst);
        out_.tunnels.push_back({a.ipv6_dst, a.ipv6_src});
    }

    void check_length(const CheckPacketLength& a) {
        if (!can_parse()) return;
        size_t at = out_.actions.size();
        add(kActionCheckLength).small = a.length;
        aside([&] { list(a.if_greater); });
        out_.actions[at].argument = here();
        list(a.if_not_greater);
    }

    enum class Kind { kChange, kOther };
    static Kind kind_of(const Action& action) {
        bool change = action.get_if<Set<EthernetKey>>() || action.get_if<Set<Ipv4Key>>() ||
                      action.get_if<Set<Ipv6Key>>() || action.get_if<SetPorts>() ||
                      action.get_if<SetIcmp>() || action.get_if<Set<ArpKey>>() ||
                      action.get_if<Set<PriorityKey>>() || action.get_if<Set<MarkKey>>() ||
                      action.get_if<PushVlan>() || action.get_if<PopVlan>() || action.get_if<Hash>() ||
                      action.get_if<ConntrackClear>() || action.get_if<SetTunnel>() ||
                      action.get_if<Truncate>();
        return change || action.get_if<Output>() || ends_packet(action) || action.get_if<Drop>() ||
                       action.get_if<Meter>() || action.get_if<Conntrack>()
                   ? Kind::kChange
                   : Kind::kOther;
    }

    // False, and refused: the programs may not be able to look into what the packet has become.
    bool can_parse() {
        if (opaque_) refuse("it looks at what it has made of the packet");
        return !opaque_;
    }

    // That a packet of the flow may have come with.
    size_t most_tags() const {
        auto has_bit = [](uint16_t tci) { return (Be16::from_raw(tci) & packet::kVlanCfi) != 0; };
        for (size_t i = 0; i < packet::kMaxVlans; i++) {
            if (has_bit(flow_.mask.vlan[2 * i + 1]) && !has_bit(flow_.key.vlan[2 * i + 1])) return i;
        }
        return packet::kMaxVlans;
    }

    void change(const Action& action) {
        if (action.get_if<PushVlan>() || action.get_if<PopVlan>()) return tag(action);
        if (auto* a = action.get_if<Set<MarkKey>>()) {
            marked_ = true;
            return word(kActionSetMark, a->value.value, a->mask.value);
        }
        if (auto* a = action.get_if<Set<PriorityKey>>())
            return word(kActionSetPriority, a->value.value, a->mask.value);
        if (auto* a = action.get_if<SetTunnel>()) return set_tunnel(*a);
        if (action.get_if<ConntrackClear>()) {
            add(kActionClearConntrack);
            return;
        }
        if (!can_parse()) return;
        if (auto* a = action.get_if<Hash>()) {
            FlowAction& out = add(kActionHash);
            out.small = a->algorithm == HashAlgorithm::kSymmetricL4;
            out.argument = a->basis;
        } else if (auto* a = action.get_if<Set<EthernetKey>>()) {
            FlowAction& out = add(kActionSetEthernet);
            put(out, 0, a->value.dst);
            put(out, 6, a->value.src);
            put(out, 12, a->mask.dst);
            put(out, 18, a->mask.src);
        } else if (pushed_ && most_tags() + static_cast<size_t>(pushed_) > packet::vlan_limit()) {
            refuse("it sets fields behind more tags than are looked behind");
        } else if (auto* a = action.get_if<Set<Ipv4Key>>()) {
            SetIpv4Data data = {Be32(a->value.src).raw(),
                                Be32(a->mask.src).raw(),
                                Be32(a->value.dst).raw(),
                                Be32(a->mask.dst).raw(),
                                a->value.tos,
                                a->mask.tos,
                                a->value.ttl,
                                a->mask.ttl};
            put(add(kActionSetIpv4), 0, data);
        } else if (auto* a = action.get_if<Set<Ipv6Key>>()) {
            set_ipv6(*a);
        } else if (auto* a = action.get_if<SetPorts>()) {
            // SCTP's checksum covers the whole packet: that is not for here.
            if (a->transport == Transport::kSctp) return refuse("it sets ports of SCTP");
            SetPortsData data = {Be16(a->value.src).raw(), Be16(a->mask.src).raw(), Be16(a->value.dst).raw(),
                                 Be16(a->mask.dst).raw()};
            FlowAction& out = add(kActionSetPorts);
            out.small = static_cast<uint16_t>(a->transport);
            put(out, 0, data);
        } else if (auto* a = action.get_if<SetIcmp>()) {
            uint8_t data[4] = {a->value.type, a->value.code, a->mask.type, a->mask.code};
            FlowAction& out = add(kActionSetIcmp);
            out.small = a->v6 ? 58 : 1;
            put(out, 0, data);
            // Of neighbour discovery the programs know nothing.
            auto becomes = [&](uint8_t type) { return ((a->value.type ^ type) & a->mask.type) == 0; };
            if (a->v6 && a->mask.type && (becomes(135) || becomes(136))) opaque_ = true;
        } else if (auto* a = action.get_if<Set<ArpKey>>()) {
            set_arp(*a);
        }
    }

    void tag(const Action& action) {
        if (auto* a = action.get_if<PushVlan>()) {
            if (!packet::ethernet::is_vlan(a->tpid)) return refuse("a tag of an unusual type");
            FlowAction& out = add(kActionPushVlan);
            out.small = a->tpid;
            out.argument = a->tci;
            pushed_++;
            return;
        }
        add(kActionPopVlan);
        // Behind a tag that was there when the packet was looked up lies what its key says, unless that is
        // only another tag or was not asked for.
        if (pushed_) {
            pushed_--;
        } else {
            uint16_t type = Be16::from_raw(flow_.key.dl_type);
            if (flow_.mask.dl_type != 0xffff || packet::ethernet::is_vlan(type)) opaque_ = true;
        }
    }

    void set_ipv6(const Set<Ipv6Key>& a) {
        auto address = [&](ActionKind kind, const packet::Ipv6Addr& value, const packet::Ipv6Addr& mask) {
            if (mask == packet::Ipv6Addr{}) return;
            FlowAction& out = add(kind);
            put(out, 0, value);
            put(out, 16, mask);
        };
        address(kActionSetIpv6Src, a.value.src, a.mask.src);
        address(kActionSetIpv6Dst, a.value.dst, a.mask.dst);
        auto first = [](const Ipv6Key& key) {
            return Be32(static_cast<uint32_t>(key.tclass) << 20 | (key.label & 0xfffff)).raw();
        };
        SetIpv6MiscData data;
        std::memset(&data, 0, sizeof data);
        data.first = first(a.value);
        data.first_mask = first(a.mask);
        data.hop_limit = a.value.hlimit;
        data.hop_limit_mask = a.mask.hlimit;
        if (data.first_mask || data.hop_limit_mask) put(add(kActionSetIpv6Misc), 0, data);
    }

    // The operation and the addresses lie behind each other: bytes 6 to 27 of the header.
    void set_arp(const Set<ArpKey>& a) {
        uint8_t bytes[2][32] = {};
        for (int i = 0; i < 2; i++) {
            const ArpKey& key = i ? a.mask : a.value;
            uint8_t* p = bytes[i];
            store_be16(p, key.op & 0xff);
            std::memcpy(p + 2, key.sha.data(), 6);
            store_be32(p + 8, key.sip);
            std::memcpy(p + 12, key.tha.data(), 6);
            store_be32(p + 18, key.tip);
        }
        // The second 16 bytes end with the header and begin inside of the first.
        std::memset(bytes[1] + 22, 0, 10);
        for (uint32_t offset : {0u, 6u}) {
            FlowAction& out = add(kActionSetArp);
            out.small = static_cast<uint16_t>(6 + offset);
            std::memcpy(out.data, bytes[0] + offset, 16);
            std::memcpy(out.data + 16, bytes[1] + offset, 16);
        }
    }

    void word(ActionKind kind, uint32_t value, uint32_t mask) {
        FlowAction& out = add(kind);
        put(out, 0, Be32(value));
        put(out, 4, Be32(mask));
    }

    template <typename T>
    static void put(FlowAction& action, size_t offset, const T& value) {
        static_assert(sizeof value <= sizeof action.data);
        std::memcpy(action.data + offset, &value, sizeof value);
    }

    void name_outputs(const Actions& actions) {
        for (const Action& action : actions) {
            if (auto* a = action.get_if<Output>()) out_.outputs.push_back(a->port);
            if (auto* a = action.get_if<Clone>()) name_outputs(a->actions);
            if (auto* a = action.get_if<Sample>()) name_outputs(a->actions);
            if (auto* a = action.get_if<CheckPacketLength>()) {
                name_outputs(a->if_greater);
                name_outputs(a->if_not_greater);
            }
        }
    }

    const KeyPair& flow_;
    const PortKinds& ports_;
    Encoded& out_;
    int nesting_ = 0;      // copies of copies
    bool opaque_ = false;  // what the packet begins with now is not known
    int pushed_ = 0;       // tags that the list has put on
    bool marked_ = false;  // the packet has been given a mark
};

}  // namespace

Encoded encode(const Actions& actions, const KeyPair& flow, const PortKinds& ports) {
    Encoded out;
    Encoder(flow, ports, out).run(actions);
    return out;
}

}  // namespace weft::datapath::ebpf
