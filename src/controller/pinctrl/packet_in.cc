#include "controller/pinctrl/packet_in.h"

#include "base/log.h"
#include "controller/flow_tables.h"
#include "logical/controller_opcode.h"
#include "packet/address.h"
#include "packet/extract.h"

namespace weft::controller {

namespace {

namespace of = openflow;
using logical::ControllerOpcode;

log::Module lg("pinctrl");
constexpr size_t kOpcodeBytes = 8;  // with its padding

// The packet's own headers over the switch's fields.
packet::Flow flow_of(const of::PacketIn& packet_in) {
    packet::Flow flow = packet_in.metadata.value;
    packet::extract(ByteView(packet_in.packet), flow);
    return flow;
}

// What the packet that came had, for the one that is made: the pipeline goes on as if it were that.
void append_fields(const packet::Flow& flow, of::ActionList& actions) {
    auto set = [&](of::FieldId id) {
        of::FieldValue value = of::get_field(flow, of::field(id));
        if (of::is_all_zeros(of::field(id), value)) return;
        actions.emplace_back(of::SetField::make(id, value, of::FieldValue::all_ones(of::field(id))));
    };
    set(of::FieldId::kMetadata);
    for (unsigned n = 0; n < packet::kRegisters; ++n) set(of::reg_field(n));
    set(of::FieldId::kPktMark);
}

std::string ip_of_registers(const packet::Flow& flow, bool v6) {
    if (!v6) return packet::ipv4_to_string(flow.regs[0]);
    packet::Ipv6Addr address;
    for (size_t n = 0; n < 4; ++n) store_be32(&address[n * 4], flow.regs[n]);
    return packet::to_string(address);
}

}  // namespace

PacketInHandler::PacketInHandler(net::Loop& loop, SouthboundView& view, BridgeConnection& bridge)
    : loop_(loop), bridge_(bridge), learning_(view) {
    bridge_.set_on_packet_in([this](of::PacketIn packet) { handle(packet); });
}

void PacketInHandler::send_with_nested(const Arrived& arrived, const packet::Packet& packet) {
    if (packet.empty()) return;
    of::ActionList actions;
    append_fields(arrived.flow, actions);
    of::ActionList nested;
    of::OfError error = of::decode_actions(arrived.rest, of::Version::k15, {}, nested);
    if (error != of::OfError::kNone) {
        static log::RateLimit limit(5, 5);
        if (limit.pass(lg))
            lg.warn("cannot read the nested actions of a logical action ({})", of::error_name(error));
        return;
    }
    actions.insert(actions.end(), std::make_move_iterator(nested.begin()),
                   std::make_move_iterator(nested.end()));
    ByteView bytes = packet.view();
    bridge_.send_packet(Bytes(bytes.begin(), bytes.end()), of::kPortController, actions);
}

void PacketInHandler::resume(const Arrived& arrived) {
    if (!arrived.packet_in.continuation.empty()) bridge_.resume(arrived.packet_in);
}

void PacketInHandler::handle(const of::PacketIn& packet_in) {
    ByteReader userdata(packet_in.userdata);
    uint32_t opcode = userdata.u32();
    userdata.skip(kOpcodeBytes - 4);
    if (!userdata.ok()) return;  // not of a logical action
    Arrived arrived{packet_in, flow_of(packet_in), packet_in.packet, userdata.rest()};
    const packet::Flow& flow = arrived.flow;
    const uint32_t datapath_key = static_cast<uint32_t>(flow.metadata.get());
    const uint32_t port_key = flow.regs[kRegInport];

    switch (static_cast<ControllerOpcode>(opcode)) {
        case ControllerOpcode::kArp:
            return send_with_nested(arrived, make_arp_request(arrived));
        case ControllerOpcode::kNdNs:
            return send_with_nested(arrived, make_neighbour_solicitation(arrived));
        case ControllerOpcode::kNdNa:
            return send_with_nested(arrived, make_neighbour_advertisement(arrived, false));
        case ControllerOpcode::kNdNaRouter:
            return send_with_nested(arrived, make_neighbour_advertisement(arrived, true));
        case ControllerOpcode::kIcmp:
        case ControllerOpcode::kIcmp4Error:
        case ControllerOpcode::kIcmp6Error:
            return send_with_nested(arrived, make_icmp_error(arrived));
        case ControllerOpcode::kTcpReset:
            return send_with_nested(arrived, make_tcp_reset(arrived));
        case ControllerOpcode::kReject:
            return send_with_nested(arrived, make_rejection(arrived));
        case ControllerOpcode::kPutArp:
        case ControllerOpcode::kPutNd: {
            bool v6 = static_cast<ControllerOpcode>(opcode) == ControllerOpcode::kPutNd;
            learning_.learn_neighbour(datapath_key, port_key, ip_of_registers(flow, v6), flow.dl_src);
            return loop_.wake();
        }
        case ControllerOpcode::kPutFdb:
            learning_.learn_station(datapath_key, port_key, flow.dl_src);
            return loop_.wake();
        default:
            break;
    }
    static log::RateLimit limit(5, 5);
    if (limit.pass(lg))
        lg.warn(
            "a logical action asks for operation {}, which this controller does not have; the packet is "
            "dropped",
            opcode);
}

}  // namespace weft::controller
