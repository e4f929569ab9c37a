// Why a packet was dropped: one number per reason, used by the datapaths' counters, the log, `ofproto/trace`,
// the metrics and the tools, so that the same drop is called the same everywhere.
//
// Every place that ends a packet's life without delivering it names its reason here.  The numbers are shared
// with programs in the kernel and with files, so a reason keeps its number for ever; new ones are added at
// the end of their group.

#pragma once

#include <cstdint>
#include <string_view>

namespace weft::explain {

// X(name, number, what ovs-appctl and traces print, one sentence for a person)
#define WEFT_DROP_REASONS(X)                                                                                 \
    X(kNone, 0, "none", "Not dropped.")                                                                      \
    /* A flow decided it. */                                                                                 \
    X(kNoActions, 1, "no_actions", "The flow that the packet matched has no actions.")                       \
    X(kExplicit, 2, "explicit", "An explicit drop action.")                                                  \
    X(kUpcallLost, 3, "upcall_lost", "The packet needed the slow path and its queue was full.")              \
    X(kNoHandler, 4, "no_handler", "The packet needed the slow path and none is attached.")                  \
    X(kMeter, 5, "meter", "A meter's rate was exceeded.")                                                    \
    X(kRecursionTooDeep, 6, "recursion_too_deep", "Recirculation or nesting of actions went too deep.")      \
    X(kTranslationTooDeep, 7, "translation_too_deep", "Resubmits nested too deep or were too many.")         \
    X(kTranslationError, 8, "translation_error", "The OpenFlow tables could not be carried out.")            \
    X(kNoRecirculationContext, 9, "no_recirculation_context", "The recirculation identifier is unknown.")    \
    X(kForwardingDisabled, 10, "forwarding_disabled",                                                        \
      "The port does not forward (STP, RSTP or its config).")                                                \
    X(kInvalidVlan, 11, "invalid_vlan", "The port is not a member of the packet's VLAN.")                    \
    X(kNoOutput, 12, "no_output", "The tables sent the packet nowhere.")                                     \
    X(kReservedAddress, 13, "reserved_address", "A destination that a bridge must not forward.")             \
    /* The packet itself is wrong. */                                                                        \
    X(kTruncated, 32, "truncated", "Shorter than its own headers say.")                                      \
    X(kMalformed, 33, "malformed", "A header contradicts itself.")                                           \
    X(kTooBig, 34, "too_big", "Bigger than the output port takes and not segmentable.")                      \
    X(kTtlExpired, 35, "ttl_expired", "The IP time to live ran out.")                                        \
    X(kWrongPacketType, 36, "wrong_packet_type", "The action does not apply to a packet of this kind.")      \
    X(kBadChecksum, 37, "bad_checksum", "A checksum of the packet is wrong.")                                \
    /* Ports. */                                                                                             \
    X(kNoSuchPort, 48, "no_such_port", "The output port does not exist.")                                    \
    X(kPortDown, 49, "port_down", "The output port is administratively down or has no carrier.")             \
    X(kTransmitQueueFull, 50, "transmit_queue_full", "The output device took no more packets.")              \
    X(kTransmitError, 51, "transmit_error", "The output device refused the packet.")                         \
    X(kReceiveFiltered, 52, "receive_filtered", "The device received it for somebody else.")                 \
    X(kPolicing, 53, "policing", "More came in by the port than its ingress policing lets through.")         \
    /* Tunnels. */                                                                                           \
    X(kTunnelNoRoute, 64, "tunnel_no_route", "The host has no route to the tunnel's remote address.")        \
    X(kTunnelNoKey, 65, "tunnel_no_key", "Output to a tunnel port without a tunnel destination.")            \
    X(kTunnelUnknown, 66, "tunnel_unknown",                                                                  \
      "No tunnel port takes packets with this key and remote address.")                                      \
    X(kTunnelMalformed, 67, "tunnel_malformed", "The tunnel header is damaged or of an unknown version.")    \
    X(kTunnelCriticalOption, 68, "tunnel_critical_option", "A critical Geneve option that nothing matches.") \
    X(kTunnelFragmentationNeeded, 69, "tunnel_fragmentation_needed", "Too big for the path, and DF is set.") \
    X(kTunnelNoNeighbour, 70, "tunnel_no_neighbour",                                                         \
      "The link-layer address of the tunnel's next hop is not known yet; it is asked for.")                  \
    /* Connections. */                                                                                       \
    X(kConntrackInvalid, 80, "conntrack_invalid", "The packet fits no state of its connection.")             \
    X(kConntrackFull, 81, "conntrack_full", "The table or zone holds as many connections as it may.")        \
    X(kConntrackUnavailable, 82, "conntrack_unavailable", "The datapath does not track connections.")        \
    X(kNatExhausted, 83, "nat_exhausted", "No address and port were left to translate to.")                  \
    X(kFragmentTimeout, 84, "fragment_timeout", "The fragments of a packet did not all arrive.")

enum class DropReason : uint8_t {
#define X(name, number, text, sentence) name = number,
    WEFT_DROP_REASONS(X)
#undef X
};

inline constexpr int kDropReasons = 96;  // greater than every number

// "no_actions"; "unknown" for a number that is none.
constexpr std::string_view drop_reason_name(DropReason reason) {
    switch (reason) {
#define X(name, number, text, sentence) \
    case DropReason::name:              \
        return text;
        WEFT_DROP_REASONS(X)
#undef X
    }
    return "unknown";
}

// One sentence for a person.
constexpr std::string_view drop_reason_sentence(DropReason reason) {
    switch (reason) {
#define X(name, number, text, sentence) \
    case DropReason::name:              \
        return sentence;
        WEFT_DROP_REASONS(X)
#undef X
    }
    return "";
}

}  // namespace weft::explain
