#include "controller/responders/dhcpv6.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "controller/responders/domain_name.h"

namespace weft::controller::dhcpv6 {

namespace {

constexpr uint32_t kForever = 0xffffffff;
constexpr size_t kEthernetAddress = 6, kAddress = 16;
constexpr size_t kMostAddresses = 8;  // of a client, that are looked at: an answer stays short
// DUID-LL of an Ethernet address (RFC 8415 section 11.4).
constexpr uint16_t kDuidLinkLayer = 3, kHardwareEthernet = 1;
// The client FQDN option's flags (RFC 4704 section 4.1): the server updates no DNS, whatever the client
// asked.
constexpr uint8_t kFqdnNoUpdate = 0x04;

struct Request {
    uint8_t type = 0;
    uint32_t transaction = 0;  // 24 bits
    ByteView client_id;
    std::optional<uint32_t> identity;  // of the IA_NA
    std::vector<ByteView> addresses;   // that the client has in it
    bool user_class = false;
    bool fqdn = false;
};

void read_association(ByteReader in, Request& request) {
    uint32_t identity = in.u32();
    if (!in.ok()) return;
    request.identity = identity;
    request.addresses.clear();
    in.skip(8);  // T1 and T2, which are the server's to say
    while (in.ok() && !in.empty()) {
        uint16_t code = in.u16();
        ByteReader value = in.sub(in.u16());
        if (!in.ok()) return;
        ByteView address = value.bytes(kAddress);
        value.skip(8);  // lifetimes
        if (code == kIaAddress && value.ok() && request.addresses.size() < kMostAddresses)
            request.addresses.push_back(address);
    }
}

std::optional<Request> read_request(ByteView message) {
    ByteReader in(message);
    uint32_t first = in.u32();
    if (!in.ok()) return std::nullopt;
    Request request;
    request.type = static_cast<uint8_t>(first >> 24);
    request.transaction = first & 0xffffff;
    while (!in.empty()) {
        uint16_t code = in.u16();
        ByteReader value = in.sub(in.u16());
        if (!in.ok()) break;
        switch (code) {
            case kClientId:
                request.client_id = value.rest();
                break;
            case kIaNa:
                read_association(value, request);
                break;
            case kUserClass:
                request.user_class = true;
                break;
            case kFqdn:
                request.fqdn = true;
                break;
            default:
                break;
        }
    }
    return request;
}

std::optional<MessageType> answer_type(uint8_t type) {
    switch (static_cast<MessageType>(type)) {
        case MessageType::kSolicit:
            return MessageType::kAdvertise;
        case MessageType::kRequest:
        case MessageType::kConfirm:
        case MessageType::kRenew:
        case MessageType::kRebind:
        case MessageType::kRelease:
        case MessageType::kDecline:
        case MessageType::kInformationRequest:
            return MessageType::kReply;
        default:
            return std::nullopt;
    }
}

void put(uint16_t code, ByteView value, ByteWriter& out) {
    out.u16(code);
    out.u16(static_cast<uint16_t>(value.size()));
    out.bytes(value);
}

void put_address(ByteView address, uint32_t lifetime, ByteWriter& out) {
    out.u16(kIaAddress);
    out.u16(kAddress + 8);
    out.bytes(address);
    out.u32(lifetime);  // preferred
    out.u32(lifetime);  // valid
}

// `stale`: what the client has and is to give up.
void put_lease(uint32_t identity, ByteView address, const std::vector<ByteView>& stale, ByteWriter& out) {
    ByteWriter lease;
    lease.u32(identity);
    lease.u32(kForever);  // T1: never renew
    lease.u32(kForever);  // T2
    put_address(address, kForever, lease);
    for (ByteView each : stale) put_address(each, 0, lease);
    put(kIaNa, lease.view(), out);
}

void put_status(uint16_t code, std::string_view text, ByteWriter& out) {
    ByteWriter status;
    status.u16(code);
    status.bytes(as_bytes(text));
    put(kStatusCode, status.view(), out);
}

void put_server(ByteView mac, ByteWriter& out) {
    out.u16(kServerId);
    out.u16(4 + kEthernetAddress);
    out.u16(kDuidLinkLayer);
    out.u16(kHardwareEthernet);
    out.bytes(mac);
}

std::string_view as_text(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void put_fqdn(ByteView name, ByteWriter& out) {
    ByteWriter value;
    value.u8(kFqdnNoUpdate);
    value.bytes(name);
    put(kFqdn, value.view(), out);
}

std::optional<ByteView> find(ByteView parameters, uint16_t wanted) {
    ByteReader in(parameters);
    while (!in.empty()) {
        uint16_t code = in.u16();
        ByteView value = in.bytes(in.u16());
        if (!in.ok()) return std::nullopt;
        if (code == wanted) return value;
    }
    return std::nullopt;
}

bool has(ByteView parameters, uint16_t wanted) {
    return find(parameters, wanted).has_value();
}

// What of the client's addresses is not the port's.
std::vector<ByteView> stale_addresses(const Request& request, ByteView parameters) {
    std::optional<ByteView> own = find(parameters, kIaAddress);
    std::vector<ByteView> stale;
    for (ByteView address : request.addresses) {
        if (!own || !std::equal(address.begin(), address.end(), own->begin(), own->end()))
            stale.push_back(address);
    }
    return stale;
}

// A reply that tells of nothing but success or failure.
std::optional<Answer> status_reply(const Request& request, ByteView parameters, uint16_t code,
                                   std::string_view text) {
    std::optional<ByteView> server = find(parameters, kServerId);
    if (!server || server->size() != kEthernetAddress) return std::nullopt;
    ByteWriter out;
    out.u32(static_cast<uint32_t>(MessageType::kReply) << 24 | request.transaction);
    put(kClientId, request.client_id, out);
    put_status(code, text, out);
    put_server(*server, out);
    return Answer{MessageType::kReply, out.take()};
}

}  // namespace

std::optional<Answer> answer(ByteView message, ByteView parameters) {
    std::optional<Request> request = read_request(message);
    if (!request || request->client_id.empty()) return std::nullopt;
    std::optional<MessageType> type = answer_type(request->type);
    if (!type) return std::nullopt;
    bool information = request->type == static_cast<uint8_t>(MessageType::kInformationRequest);
    bool stateless = !has(parameters, kIaAddress);
    if (!stateless && !information && !request->identity) return std::nullopt;
    auto is = [&](MessageType wanted) { return request->type == static_cast<uint8_t>(wanted); };
    std::vector<ByteView> stale = stale_addresses(*request, parameters);
    if (is(MessageType::kRelease)) return status_reply(*request, parameters, kSuccess, "released");
    if (is(MessageType::kConfirm) && !stale.empty())
        return status_reply(*request, parameters, kNotOnLink, "not the address of this port");
    if (!is(MessageType::kRenew) && !is(MessageType::kRebind)) stale.clear();

    ByteWriter out;
    out.u32(static_cast<uint32_t>(*type) << 24 | request->transaction);
    put(kClientId, request->client_id, out);
    bool alternative = has(parameters, kBootfileAlternative) && !request->user_class;
    ByteView server;
    ByteReader in(parameters);
    while (!in.empty()) {
        uint16_t code = in.u16();
        ByteView value = in.bytes(in.u16());
        if (!in.ok()) return std::nullopt;
        switch (code) {
            case kServerId:
                server = value;
                break;
            case kIaAddress:
                if (value.size() == kAddress && request->identity)
                    put_lease(*request->identity, value, stale, out);
                break;
            case kDomainSearch: {
                ByteWriter names;
                put_domain_names(as_text(value), names);
                put(kDomainSearch, names.view(), out);
                break;
            }
            case kFqdn:
                if (request->fqdn) put_fqdn(value, out);
                break;
            case kBootfileUrl:
                if (!alternative) put(kBootfileUrl, value, out);
                break;
            case kBootfileAlternative:
                if (alternative) put(kBootfileUrl, value, out);
                break;
            default:
                put(code, value, out);
                break;
        }
    }
    if (server.size() != kEthernetAddress) return std::nullopt;  // a server must say who it is
    put_server(server, out);
    return Answer{*type, out.take()};
}

}  // namespace weft::controller::dhcpv6
