// What a datapath can do with a packet.
//
// A flow's actions are a list that is carried out in order on one packet.  They are plain values: the switch
// makes them, a datapath carries them out, text.h prints and parses them in the form of
// `ovs-appctl dpctl/dump-flows` and `ofproto/trace` ("Datapath actions: ...").
//
// Field values are in network byte order, as in packet/flow.h; everything else is host order.  A set action
// changes the bits that its mask selects, keeps the packet's checksums right, and does nothing to a packet
// that has no such header.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/boxed.h"
#include "base/bytes.h"
#include "datapath/api/port_type.h"
#include "explain/drop_reason.h"
#include "packet/flow.h"

namespace weft::datapath {

using PortNo = uint32_t;  // a port of the datapath (not OpenFlow's number); the local (internal) port is 0
inline constexpr PortNo kNoPort = UINT32_MAX;

class Action;
using Actions = std::vector<Action>;

struct Output {
    PortNo port;
    bool operator==(const Output&) const = default;
};

// Hands the packet, as it is now, to the upcall handler with `userdata`, which only the handler understands.
struct Userspace {
    uint32_t pid = 0;  // printed, otherwise of no meaning to us
    Bytes userdata;
    bool actions = false;            // the handler wants the flow's actions along
    PortNo tunnel_egress = kNoPort;  // the handler wants the tunnel key with which this port would send it
    bool operator==(const Userspace&) const = default;
};

// Headers.  `tci` has the CFI bit (packet::kVlanCfi) set.
struct PushVlan {
    uint16_t tpid = 0x8100;
    uint16_t tci = packet::kVlanCfi;
    bool operator==(const PushVlan&) const = default;
};
struct PopVlan {
    bool operator==(const PopVlan&) const = default;
};
struct PushMpls {
    uint32_t lse = 0;             // label << 12 | tc << 9 | bos << 8 | ttl
    uint16_t ethertype = 0x8847;  // or 0x8848
    bool operator==(const PushMpls&) const = default;
};
struct PopMpls {
    uint16_t ethertype = 0x0800;  // of what follows; of a packet of type MPLS 0x6558 for an Ethernet frame
    bool operator==(const PopMpls&) const = default;
};
struct AddMpls {  // in front of everything: the packet is of type MPLS then
    uint32_t lse = 0;
    uint16_t ethertype = 0x8847;  // or 0x8848
    bool operator==(const AddMpls&) const = default;
};
struct PushEth {
    packet::EthAddr src{}, dst{};
    bool operator==(const PushEth&) const = default;
};
struct PopEth {
    bool operator==(const PopEth&) const = default;
};
// A network service header (RFC 8300) in front of everything; the packet is of type NSH then.  The length is
// that of the metadata.
struct PushNsh {
    uint8_t flags = 0, ttl = 63, mdtype = 1, np = 0;
    uint32_t path_hdr = 0;  // spi << 8 | si
    Bytes metadata;         // mdtype 1: 16 bytes of context; 2: TLVs padded to 4, at most 240 bytes
    bool operator==(const PushNsh&) const = default;
};
// Takes it off: what is below is an Ethernet, IPv4, IPv6 or NSH packet as `np` says; of others the packet
// ends.
struct PopNsh {
    bool operator==(const PopNsh&) const = default;
};

// Fields, grouped by header as the text form groups them.
struct EthernetKey {
    packet::EthAddr src{}, dst{};
    bool operator==(const EthernetKey&) const = default;
};
struct Ipv4Key {
    uint32_t src = 0, dst = 0;  // host order
    uint8_t proto = 0;          // printed and matched, never set
    uint8_t tos = 0, ttl = 0;
    uint8_t frag = 0;  // packet::kFrag…; printed, never set
    bool operator==(const Ipv4Key&) const = default;
};
struct Ipv6Key {
    packet::Ipv6Addr src{}, dst{};
    uint32_t label = 0;
    uint8_t proto = 0;
    uint8_t tclass = 0, hlimit = 0;
    uint8_t frag = 0;
    bool operator==(const Ipv6Key&) const = default;
};
enum class Transport : uint8_t { kTcp = 6, kUdp = 17, kSctp = 132 };
struct PortsKey {
    uint16_t src = 0, dst = 0;
    bool operator==(const PortsKey&) const = default;
};
struct IcmpKey {
    uint8_t type = 0, code = 0;
    bool operator==(const IcmpKey&) const = default;
};
struct ArpKey {
    uint32_t sip = 0, tip = 0;
    uint16_t op = 0;
    packet::EthAddr sha{}, tha{};
    bool operator==(const ArpKey&) const = default;
};
struct NdKey {
    packet::Ipv6Addr target{};
    packet::EthAddr sll{}, tll{};
    bool operator==(const NdKey&) const = default;
};
struct NdExtensionsKey {
    uint32_t reserved = 0;
    uint8_t options_type = 0;
    bool operator==(const NdExtensionsKey&) const = default;
};
struct MplsKey {
    uint32_t lse = 0;  // of the outermost label
    bool operator==(const MplsKey&) const = default;
};
struct NshKey {
    uint8_t flags = 0, ttl = 0;
    uint8_t mdtype = 0, np = 0;  // printed, never set
    uint32_t path_hdr = 0;
    std::array<uint32_t, 4> context{};  // of mdtype 1
    bool operator==(const NshKey&) const = default;
};
struct PriorityKey {
    uint32_t value = 0;
    bool operator==(const PriorityKey&) const = default;
};
struct MarkKey {
    uint32_t value = 0;
    bool operator==(const MarkKey&) const = default;
};

template <typename Key>
struct Set {
    Key value, mask;
    bool operator==(const Set&) const = default;
};
struct SetPorts {  // TCP, UDP or SCTP ports, if the packet is of that protocol
    Transport transport = Transport::kTcp;
    PortsKey value, mask;
    bool operator==(const SetPorts&) const = default;
};
struct SetIcmp {
    bool v6 = false;
    IcmpKey value, mask;
    bool operator==(const SetIcmp&) const = default;
};

// The tunnel header that an output to a tunnel port will add: set once, it stays with the packet until the
// next set, and outputs to ports that are no tunnels ignore it.
struct SetTunnel {
    struct Geneve {
        Bytes options;  // TLVs as on the wire (RFC 8926 section 3.5)
        bool operator==(const Geneve&) const = default;
    };
    struct VxlanGbp {
        uint16_t id = 0;
        uint8_t flags = 0;
        bool operator==(const VxlanGbp&) const = default;
    };
    struct Erspan {
        uint8_t version = 1;
        uint32_t index = 0;               // of version 1
        uint8_t direction = 0, hwid = 0;  // of version 2
        bool operator==(const Erspan&) const = default;
    };
    struct Gtpu {
        uint8_t flags = 0, msgtype = 0;
        bool operator==(const Gtpu&) const = default;
    };
    uint64_t id = 0;
    bool v6 = false;
    uint32_t src = 0, dst = 0;  // 0: source chosen by the host's routes
    packet::Ipv6Addr ipv6_src{}, ipv6_dst{};
    uint8_t tos = 0, ttl = 64;
    uint16_t tp_src = 0, tp_dst = 0;  // 0: source from the packet's hash, destination from the port
    uint16_t flags = 0;               // packet::kTunnel…
    std::optional<Geneve> geneve;
    std::optional<VxlanGbp> vxlan_gbp;
    std::optional<Erspan> erspan;
    std::optional<Gtpu> gtpu;  // told; what is sent is user data
    bool operator==(const SetTunnel&) const = default;
};

// Puts the outer headers of a tunnel in front, in place of an output to its port: what follows is done to the
// packet that carries this one.
struct PushTunnel {
    PortNo port = kNoPort;  // the tunnel's
    PortType type = PortType::kGeneve;
    packet::EthAddr src{}, dst{};
    SetTunnel header;          // with both addresses and, of UDP, the destination port
    uint32_t packet_type = 0;  // of what is carried
    uint16_t first_source_port = 32768, last_source_port = 61000;  // of UDP, by the inner packet's hash
    PortNo out_port = kNoPort;  // of the bridge's device whose packet it is then; told, nothing else
    bool operator==(const PushTunnel&) const = default;
};
// Takes them off, and looks the inner packet up as received by the tunnel's port.
struct PopTunnel {
    PortNo port = kNoPort;
    bool operator==(const PopTunnel&) const = default;
};

// Flow of control.
struct Recirculate {  // looks the packet up again with this recirc_id
    uint32_t id = 0;
    bool operator==(const Recirculate&) const = default;
};
enum class HashAlgorithm : uint8_t { kL4 = 0, kSymmetricL4 = 1 };
struct Hash {  // sets dp_hash
    HashAlgorithm algorithm = HashAlgorithm::kL4;
    uint32_t basis = 0;
    bool operator==(const Hash&) const = default;
};
struct Truncate {  // the next output sends at most so many bytes
    uint32_t max_length = 0;
    bool operator==(const Truncate&) const = default;
};
struct Clone {
    std::vector<Action> actions;
    bool operator==(const Clone&) const = default;
};
struct Sample {
    uint32_t probability = 0;  // of UINT32_MAX
    std::vector<Action> actions;
    bool operator==(const Sample&) const = default;
};
struct CheckPacketLength {  // length from the Ethernet header, tags included, padding not
    uint16_t length = 0;
    std::vector<Action> if_greater, if_not_greater;
    bool operator==(const CheckPacketLength&) const = default;
};
struct Meter {
    uint32_t id = 0;
    bool operator==(const Meter&) const = default;
};
struct LbOutput {  // out of the port that the bond has for the packet's hash
    uint32_t bond = 0;
    bool operator==(const LbOutput&) const = default;
};
struct Drop {
    explain::DropReason reason = explain::DropReason::kExplicit;
    bool operator==(const Drop&) const = default;
};

// Connection tracking.
struct NatRange {
    bool source = false, destination = false;  // neither: nat of an established connection only
    bool v6 = false;
    packet::Ipv6Addr min_address{}, max_address{};  // IPv4 in the first 4 bytes; zeros: keep the address
    uint16_t min_port = 0, max_port = 0;            // zeros: choose
    bool persistent = false, hash = false, random = false;
    bool operator==(const NatRange&) const = default;
};
struct Conntrack {
    bool commit = false, force = false;
    uint16_t zone = 0;
    std::optional<std::pair<uint32_t, uint32_t>> mark;             // value, mask
    std::optional<std::pair<packet::Be128, packet::Be128>> label;  // value, mask
    std::string helper;                                            // "", "ftp", "tftp"
    std::string timeout_policy;
    std::optional<NatRange> nat;
    std::optional<uint32_t> event_mask;
    bool operator==(const Conntrack&) const = default;
};
struct ConntrackClear {
    bool operator==(const ConntrackClear&) const = default;
};

// Most actions are an output or a set of few bits, and there are millions of them: the wide ones lie
// elsewhere.
template <typename T>
inline constexpr bool kWide = false;
template <>
inline constexpr bool kWide<Set<ArpKey>> = true;
template <>
inline constexpr bool kWide<Set<Ipv6Key>> = true;
template <>
inline constexpr bool kWide<Set<NdKey>> = true;
template <>
inline constexpr bool kWide<Set<NshKey>> = true;
template <>
inline constexpr bool kWide<SetTunnel> = true;
template <>
inline constexpr bool kWide<PushTunnel> = true;
template <>
inline constexpr bool kWide<CheckPacketLength> = true;
template <>
inline constexpr bool kWide<Conntrack> = true;

class Action {
  public:
    Action() = default;
    template <typename T>
        requires(!std::is_same_v<std::remove_cvref_t<T>, Action>)
    Action(T&& value)
        : kind_(Held<std::remove_cvref_t<T>>(std::forward<T>(value))) {}  // NOLINT: implicit by design

    template <typename T>
    const T* get_if() const {
        auto* held = std::get_if<Held<T>>(&kind_);
        return held ? &unboxed(*held) : nullptr;
    }
    template <typename T>
    T* get_if() {
        auto* held = std::get_if<Held<T>>(&kind_);
        return held ? &unboxed(*held) : nullptr;
    }
    // Calls `visitor` with the action of whatever kind it is.
    template <typename Visitor>
    decltype(auto) visit(Visitor&& visitor) const {
        return std::visit([&](const auto& held) -> decltype(auto) { return visitor(unboxed(held)); }, kind_);
    }
    template <typename Visitor>
    decltype(auto) visit(Visitor&& visitor) {
        return std::visit([&](auto& held) -> decltype(auto) { return visitor(unboxed(held)); }, kind_);
    }
    bool operator==(const Action&) const = default;

  private:
    template <typename T>
    using Held = std::conditional_t<kWide<T>, Boxed<T>, T>;
    template <typename... Ts>
    using Kinds = std::variant<Held<Ts>...>;

    template <typename T>
    static T& unboxed(T& value) {
        return value;
    }
    template <typename T>
    static T& unboxed(Boxed<T>& box) {
        return *box;
    }
    template <typename T>
    static const T& unboxed(const Boxed<T>& box) {
        return *box;
    }

    Kinds<Output, Userspace, PushVlan, PopVlan, PushMpls, PopMpls, PushEth, PopEth, Set<EthernetKey>,
          Set<Ipv4Key>, Set<Ipv6Key>, SetPorts, SetIcmp, Set<ArpKey>, Set<NdKey>, Set<NdExtensionsKey>,
          Set<MplsKey>, Set<PriorityKey>, Set<MarkKey>, Set<NshKey>, PushNsh, PopNsh, AddMpls, SetTunnel,
          Recirculate, Hash, Truncate, Clone, Sample, CheckPacketLength, Meter, Drop, Conntrack,
          ConntrackClear, LbOutput, PushTunnel, PopTunnel>
        kind_;
};
static_assert(sizeof(Action) <= 48);

}  // namespace weft::datapath
