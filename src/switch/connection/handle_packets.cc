// Packets that controllers send, and give back.

#include "openflow/action_check.h"
#include "switch/connection/connection_manager.h"
#include "switch/connection/of_connection_state.h"

namespace weft::vswitch {

namespace of = openflow;
using of::OfError;

OfError OfConnection::apply(const of::PacketOut& packet) {
    if (packet.buffer_id != of::kNoBuffer) return OfError::OFPBRC_BUFFER_UNKNOWN;
    packet::Flow metadata = packet.metadata.value;
    uint32_t in_port =
        packet.metadata.mask.in_port ? static_cast<uint32_t>(metadata.in_port) : of::kPortController;
    if (in_port >= of::kPortMax10 && in_port != of::kPortLocal && in_port != of::kPortNone &&
        in_port != of::kPortController) {
        return OfError::OFPBRC_BAD_PORT;
    }
    metadata.in_port = in_port;
    of::Match match;
    match.set_in_port(in_port);
    of::ActionCheck check;
    check.table = 0;
    check.tables = kInternalTable;
    check.may_be_inconsistent = version() == of::Version::k10;
    packet::Flow key = metadata;
    packet::extract(packet.packet, key);
    match.value = key;
    // Whatever the packet has meets prerequisites.
    std::memset(static_cast<void*>(&match.mask), 0xff, sizeof match.mask);
    check.match = &match;
    if (OfError error = of::check_actions(packet.actions, check); error != OfError::kNone) return error;
    for (const of::Action& action : packet.actions) {
        if (auto* group = of::action_cast<of::Group>(action); group && !bridge_.group(group->group_id)) {
            return OfError::OFPBAC_BAD_OUT_GROUP;
        }
    }
    return backer_.packet_out(bridge_, packet::Packet(packet.packet), metadata, packet.actions);
}

void OfConnection::handle(const of::PacketOut& packet) {
    done(apply(packet));
}

// The continuation is ours: an epoch, so that one of an earlier run is not mistaken, and the state's id.
void OfConnection::handle(const of::Resume& resume) {
    const of::PacketIn& in = resume.packet_in;
    auto id = manager_.decode_continuation(in.continuation);
    if (!id || !backer_.resume(packet::Packet(in.packet), in.metadata.value, *id)) fail(OfError::NXR_STALE);
}

}  // namespace weft::vswitch
