#include "controller/pinctrl/paused_answers.h"

#include <algorithm>
#include <string>

#include "base/log.h"
#include "controller/responders/datagram.h"
#include "controller/responders/dhcpv4.h"
#include "controller/responders/dhcpv4_relay.h"
#include "controller/responders/dhcpv6.h"
#include "openflow/match.h"
#include "packet/address.h"
#include "packet/ethernet.h"
#include "packet/icmpv6.h"

namespace weft::controller {

namespace {

log::Module lg("pinctrl");

// What was answered, or what a client told that has no answer.
void log_dhcpv4(const std::optional<dhcpv4::Answer>& answer, const dhcpv4::Summary& said,
                const packet::EthAddr& mac) {
    using dhcpv4::MessageType;
    static log::RateLimit limit(20, 40);
    std::string client = packet::to_string(mac), address = packet::ipv4_to_string(said.client);
    switch (said.type) {
        case MessageType::kInform:
            if (limit.pass(lg)) lg.info("DHCPINFORM from {} {}", client, address);
            return;
        case MessageType::kRelease:
            if (limit.pass(lg)) lg.info("DHCPRELEASE {} {}", client, address);
            return;
        case MessageType::kDecline:
            if (limit.pass(lg))
                lg.info("DHCPDECLINE from {}, {} duplicated", client, packet::ipv4_to_string(said.requested));
            return;
        default:
            break;
    }
    if (!answer || !limit.pass(lg)) return;
    const char* name = answer->type == MessageType::kOffer ? "DHCPOFFER"
                       : answer->type == MessageType::kAck ? "DHCPACK"
                                                           : "DHCPNAK";
    lg.info("{} {} {}", name, client, packet::ipv4_to_string(answer->offered));
}

}  // namespace

std::optional<openflow::Subfield> read_result_field(ByteReader& userdata) {
    openflow::OxmHeader header;
    if (!openflow::decode_oxm_header(userdata, header) || !header.field) return std::nullopt;
    uint32_t offset = userdata.u32();
    if (!userdata.ok() || offset >= header.field->bits || !header.field->writable) return std::nullopt;
    return openflow::Subfield{header.field->id, static_cast<uint16_t>(offset), 1};
}

std::optional<Bytes> answer_dhcpv4(ByteView frame, ByteView parameters) {
    std::optional<Datagram> datagram = find_datagram(frame);
    if (!datagram || datagram->v6) return std::nullopt;
    std::optional<dhcpv4::Summary> said = dhcpv4::summarize(datagram->payload);
    if (!said) return std::nullopt;
    std::optional<dhcpv4::Answer> answer = dhcpv4::answer(datagram->payload, parameters);
    log_dhcpv4(answer, *said, datagram->flow.dl_src);
    if (!answer) return std::nullopt;
    return datagram->with_payload_to(answer->broadcast ? 0xffffffff : answer->offered, answer->message);
}

std::optional<Bytes> answer_dhcpv6(ByteView frame, ByteView parameters) {
    std::optional<Datagram> datagram = find_datagram(frame);
    if (!datagram || !datagram->v6) return std::nullopt;
    std::optional<dhcpv6::Answer> answer = dhcpv6::answer(datagram->payload, parameters);
    if (!answer) return std::nullopt;
    return datagram->with_payload(answer->message);
}

std::optional<Bytes> answer_router_solicitation(ByteView frame, ByteView parameters) {
    packet::Flow flow = packet::zero_flow();
    packet::extract(frame, flow);
    // RFC 4861 section 6.1.1; the parameters are the advertisement.
    if (flow.tp_src != packet::icmpv6::kRouterSolicitation || flow.tp_dst != 0 || flow.nw_ttl != 255)
        return std::nullopt;
    Bytes answer = replace_icmp6(frame, parameters);
    if (answer.empty()) return std::nullopt;
    return answer;
}

std::optional<Bytes> relay_dhcp_request(ByteView frame, ByteView parameters) {
    std::optional<Datagram> datagram = find_datagram(frame);
    std::optional<dhcpv4::Relay> relay = dhcpv4::read_relay(parameters);
    if (!datagram || datagram->v6 || !relay) return std::nullopt;
    std::optional<Bytes> message = dhcpv4::relay_request(datagram->payload, *relay);
    if (!message) return std::nullopt;
    return datagram->with_payload(*message);
}

std::optional<Bytes> relay_dhcp_answer(ByteView frame, ByteView parameters) {
    std::optional<Datagram> datagram = find_datagram(frame);
    std::optional<dhcpv4::Relay> relay = dhcpv4::read_relay(parameters);
    if (!datagram || datagram->v6 || !relay) return std::nullopt;
    std::optional<dhcpv4::RelayedAnswer> answer = dhcpv4::relay_answer(datagram->payload, *relay);
    if (!answer) return std::nullopt;
    Bytes out = datagram->with_payload_to(answer->address, datagram->payload);
    std::copy(answer->client.begin(), answer->client.end(), out.begin() + packet::ethernet::kDst);
    return out;
}

std::optional<Bytes> answer_dns(ByteView frame, const Uuid& datapath, const DnsTable& names) {
    std::optional<Datagram> datagram = find_datagram(frame);
    if (!datagram) return std::nullopt;
    std::optional<dns::Question> question = dns::read_query(datagram->payload);
    if (!question) return std::nullopt;
    const dns::Records* records = names.find(datapath, question->name);
    if (!records) return std::nullopt;
    std::optional<Bytes> answer = dns::answer(datagram->payload, *question, *records);
    if (!answer) return std::nullopt;
    return datagram->with_payload(*answer);
}

}  // namespace weft::controller
