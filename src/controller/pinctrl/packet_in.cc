#include "controller/pinctrl/packet_in.h"

#include "base/log.h"
#include "controller/flow_tables.h"
#include "controller/pinctrl/paused_answers.h"
#include "controller/responders/acl_log.h"
#include "logical/controller_opcode.h"
#include "packet/address.h"
#include "packet/ethernet.h"
#include "packet/extract.h"

namespace weft::controller {

namespace {

namespace of = openflow;
using logical::ControllerOpcode;

log::Module lg("pinctrl"), acl_lg("acl_log");
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
    : loop_(loop),
      view_(view),
      bridge_(bridge),
      learning_(view),
      requests_(view),
      responders_(loop, view, bridge) {
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

void PacketInHandler::resume(const Arrived& arrived, const of::Subfield& result,
                             std::optional<Bytes> answer) {
    of::PacketIn packet_in = arrived.packet_in;
    packet_in.metadata.set(result, answer ? 1 : 0);
    if (answer) {
        packet_in.packet = std::move(*answer);
        packet_in.total_len = static_cast<uint32_t>(packet_in.packet.size());
    }
    bridge_.resume(packet_in);
}

const schema::sb::PortBinding* PacketInHandler::port_of(const Arrived& arrived) {
    const Uuid* uuid = view_.port_by_keys.first({arrived.datapath_key(), arrived.port_key()});
    return uuid ? view_.port(*uuid) : nullptr;
}

std::optional<Bytes> PacketInHandler::answer_to(const Arrived& arrived, ByteView parameters) {
    switch (arrived.opcode) {
        case ControllerOpcode::kPutDhcpv4Options:
            return answer_dhcpv4(arrived.bytes, parameters);
        case ControllerOpcode::kPutDhcpv6Options:
            return answer_dhcpv6(arrived.bytes, parameters);
        case ControllerOpcode::kPutNdRaOptions:
            return answer_router_solicitation(arrived.bytes, parameters);
        case ControllerOpcode::kDhcpRelayRequest:
            return relay_dhcp_request(arrived.bytes, parameters);
        case ControllerOpcode::kDhcpRelayAnswer:
            return relay_dhcp_answer(arrived.bytes, parameters);
        case ControllerOpcode::kDnsLookup: {
            const schema::sb::PortBinding* port = port_of(arrived);
            return port ? answer_dns(arrived.bytes, port->datapath, responders_.names()) : std::nullopt;
        }
        default:
            return std::nullopt;
    }
}

void PacketInHandler::answer(const Arrived& arrived) {
    if (arrived.packet_in.continuation.empty()) return;  // it cannot go on
    ByteReader userdata(arrived.rest);
    std::optional<of::Subfield> result = read_result_field(userdata);
    if (!result) return;
    resume(arrived, *result, answer_to(arrived, userdata.rest()));
}

void PacketInHandler::resolve(const Arrived& arrived) {
    bool v6 = arrived.opcode == ControllerOpcode::kNdNs;
    packet::Packet request = v6 ? make_neighbour_solicitation(arrived) : make_arp_request(arrived);
    if (request.empty()) return;
    responders_.hold(arrived.datapath_key(), arrived.flow.regs[kRegOutport],
                     ip_of_registers(arrived.flow, v6),
                     {Bytes(arrived.bytes.begin(), arrived.bytes.end()), arrived.flow});
    send_with_nested(arrived, request);
}

void PacketInHandler::learn_neighbour(const Arrived& arrived) {
    std::string ip = ip_of_registers(arrived.flow, arrived.opcode == ControllerOpcode::kPutNd);
    const packet::EthAddr& mac = arrived.flow.dl_src;
    learning_.learn_neighbour(arrived.datapath_key(), arrived.port_key(), ip, mac);
    responders_.resolved(arrived.datapath_key(), arrived.port_key(), ip, mac);
    loop_.wake();
}

void PacketInHandler::log_acl(const Arrived& arrived) {
    bool from_lport = arrived.packet_in.table < kTableEgress;
    if (auto line = acl_log_line(arrived.rest, arrived.bytes, from_lport)) acl_lg.info("{}", *line);
}

void PacketInHandler::bind_virtual_port(const Arrived& arrived) {
    ByteReader userdata(arrived.rest);
    uint32_t virtual_key = userdata.u32();
    if (!userdata.ok()) return;
    requests_.bind_virtual({arrived.datapath_key(), virtual_key}, arrived.port_key());
    loop_.wake();
}

void PacketInHandler::set_frag_mtu(const Arrived& arrived) {
    if (arrived.packet_in.continuation.empty()) return;
    std::optional<Bytes> changed = with_frag_mtu(arrived);
    if (!changed) return;
    of::PacketIn packet_in = arrived.packet_in;
    packet_in.packet = std::move(*changed);
    bridge_.resume(packet_in);
}

void PacketInHandler::handle(const of::PacketIn& packet_in) {
    ByteReader userdata(packet_in.userdata);
    uint32_t opcode = userdata.u32();
    userdata.skip(kOpcodeBytes - 4);
    if (!userdata.ok()) return;  // not of a logical action
    Arrived arrived{static_cast<ControllerOpcode>(opcode), packet_in, flow_of(packet_in), packet_in.packet,
                    userdata.rest()};
    switch (arrived.opcode) {
        case ControllerOpcode::kArp:
        case ControllerOpcode::kNdNs:
            return resolve(arrived);
        case ControllerOpcode::kNdNa:
            return send_with_nested(arrived, make_neighbour_advertisement(arrived, false));
        case ControllerOpcode::kNdNaRouter:
            return send_with_nested(arrived, make_neighbour_advertisement(arrived, true));
        case ControllerOpcode::kIcmp:
        case ControllerOpcode::kIcmp4Error:
        case ControllerOpcode::kIcmp6Error:
            return send_with_nested(arrived, make_icmp_error(arrived));
        case ControllerOpcode::kPutIcmp4FragMtu:
        case ControllerOpcode::kPutIcmp6FragMtu:
            return set_frag_mtu(arrived);
        case ControllerOpcode::kTcpReset:
            return send_with_nested(arrived, make_tcp_reset(arrived));
        case ControllerOpcode::kSctpAbort:
            return send_with_nested(arrived, make_sctp_abort(arrived));
        case ControllerOpcode::kReject:
            return send_with_nested(arrived, make_rejection(arrived));
        case ControllerOpcode::kPutDhcpv4Options:
        case ControllerOpcode::kPutDhcpv6Options:
        case ControllerOpcode::kPutNdRaOptions:
        case ControllerOpcode::kDnsLookup:
        case ControllerOpcode::kDhcpRelayRequest:
        case ControllerOpcode::kDhcpRelayAnswer:
            return answer(arrived);
        case ControllerOpcode::kPutArp:
        case ControllerOpcode::kPutNd:
            return learn_neighbour(arrived);
        case ControllerOpcode::kPutFdb:
            learning_.learn_station(arrived.datapath_key(), arrived.port_key(), arrived.flow.dl_src);
            return loop_.wake();
        case ControllerOpcode::kActivation:
            // An ARP packet about another address than its own is no announcement.
            if (arrived.flow.dl_type == packet::ethernet::kArp && arrived.flow.nw_src != arrived.flow.nw_dst)
                return;
            requests_.activate({arrived.datapath_key(), arrived.port_key()});
            return loop_.wake();
        case ControllerOpcode::kLog:
            return log_acl(arrived);
        case ControllerOpcode::kEvent:
            if (auto information = LoadBalancerEvents::parse(arrived.rest))
                responders_.event(std::move(*information));
            return;
        case ControllerOpcode::kIgmp:
            return responders_.multicast_received(arrived.flow, arrived.bytes);
        case ControllerOpcode::kHandleServiceCheck:
            return responders_.service_answered(arrived.datapath_key(), arrived.port_key(), arrived.bytes);
        case ControllerOpcode::kBfdMessage:
            return responders_.bfd_received(arrived.datapath_key(), arrived.port_key(), arrived.bytes);
        case ControllerOpcode::kDhcpv6Server:
            return responders_.prefix_reply(arrived.datapath_key(), arrived.port_key(), arrived.bytes);
        case ControllerOpcode::kBindVport:
            return bind_virtual_port(arrived);
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
