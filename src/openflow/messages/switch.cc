// Handshake, configuration, roles and asynchronous messages.

#include "openflow/messages/switch.h"

#include "openflow/messages/wire.h"

namespace weft::openflow::wire {

namespace {

constexpr uint16_t kVendorError10 = 0xb0c2;  // Nicira's, before OpenFlow 1.2
constexpr uint16_t kExperimenterError = 0xffff;

void put(Encoder& e, const Hello& hello) {
    e.header(kHello);
    size_t start = e.out.size();
    e.out.u16(1);  // version bitmap
    e.out.u16(8);
    e.out.u32(hello.versions);
    e.out.pad(8, start);
}

OfError get_hello(Decoder& d, Body& body) {
    Hello hello;
    // Without a bitmap, the header's version stands for it and all before it.
    hello.versions = (2u << static_cast<unsigned>(d.version)) - 2;
    while (d.in.size() >= 4) {
        uint16_t type = d.in.u16(), length = d.in.u16();
        if (length < 4 || length - 4u > d.in.size()) break;
        ByteReader element(d.in.bytes(length - 4));
        if (type == 1 && element.size() >= 4) hello.versions = element.u32();
        d.in.skip(std::min<size_t>((8 - length % 8) % 8, d.in.size()));
    }
    body = hello;
    return OfError::kNone;
}

void put(Encoder& e, const ErrorMessage& error) {
    e.header(kError);
    if (!error.code.vendor) {
        e.out.u16(error.code.type);
        e.out.u16(error.code.code);
    } else if (e.version < Version::k12) {
        e.out.u16(kVendorError10);
        e.out.u16(0);
        e.out.u32(error.code.vendor);
        e.out.u16(error.code.type);
        e.out.u16(error.code.code);
    } else {
        e.out.u16(kExperimenterError);
        e.out.u16(error.code.type);
        e.out.u32(error.code.vendor);
    }
    e.out.bytes(error.data);
}

OfError get_error(Decoder& d, Body& body) {
    ErrorMessage error;
    error.code.type = d.in.u16();
    error.code.code = d.in.u16();
    if (error.code.type == kVendorError10 && d.version < Version::k12) {
        error.code.vendor = d.in.u32();
        error.code.type = d.in.u16();
        error.code.code = d.in.u16();
    } else if (error.code.type == kExperimenterError && d.version >= Version::k12) {
        error.code.type = error.code.code;
        error.code.code = 0;
        error.code.vendor = d.in.u32();
    }
    ByteView rest = d.in.rest();
    error.data.assign(rest.begin(), rest.end());
    body = std::move(error);
    return d.end();
}

void put(Encoder& e, const EchoRequest& echo) {
    e.header(kEchoRequest);
    e.out.bytes(echo.data);
}
void put(Encoder& e, const EchoReply& echo) {
    e.header(kEchoReply);
    e.out.bytes(echo.data);
}
void put(Encoder& e, const BarrierRequest&) {
    e.header(barrier_request(e.version));
}
void put(Encoder& e, const BarrierReply&) {
    e.header(barrier_reply(e.version));
}
void put(Encoder& e, const FeaturesRequest&) {
    e.header(kFeaturesRequest);
}

bool has_ports(Version version) {
    return version < Version::k13;
}

void put(Encoder& e, const FeaturesReply& features) {
    e.header(kFeaturesReply);
    e.out.u64(features.datapath_id);
    e.out.u32(features.buffers);
    e.out.u8(features.tables);
    e.out.u8(features.auxiliary_id);
    e.out.zeros(2);
    e.out.u32(features.capabilities);
    e.out.u32(e.is10() ? features.actions : 0);
    if (!has_ports(e.version)) return;
    for (const Port& port : features.ports) put_port_description(e, port);
}

OfError get_features(Decoder& d, Body& body) {
    FeaturesReply features;
    features.datapath_id = d.in.u64();
    features.buffers = d.in.u32();
    features.tables = d.in.u8();
    features.auxiliary_id = d.in.u8();
    d.in.skip(2);
    features.capabilities = d.in.u32();
    features.actions = d.in.u32();
    while (has_ports(d.version) && d.in.ok() && !d.in.empty()) {
        Port port;
        if (OfError error = get_port_description(d, port); error != OfError::kNone) return error;
        features.ports.push_back(std::move(port));
    }
    body = std::move(features);
    return d.end();
}

void put_config(Encoder& e, uint8_t type, const SwitchConfig& config) {
    e.header(type);
    e.out.u16(config.flags);
    e.out.u16(config.miss_send_len);
}
template <typename T>
OfError get_config(Decoder& d, Body& body) {
    T config;
    config.flags = d.in.u16();
    config.miss_send_len = d.in.u16();
    body = config;
    return d.end();
}

void put_role(Encoder& e, bool reply, const RoleRequest& role) {
    if (e.version < Version::k12) {
        e.vendor(kVendorNicira, reply ? kNxRoleReply : kNxRoleRequest);
        e.out.u32(static_cast<uint32_t>(role.role) - 1);  // "other" (equal), primary, secondary
        return;
    }
    e.header(reply ? kRoleReply : kRoleRequest);
    e.out.u32(static_cast<uint32_t>(role.role));
    e.out.zeros(4);
    e.out.u64(role.has_generation ? role.generation : ~uint64_t{0});
}

template <typename T>
OfError get_role(Decoder& d, Body& body) {
    T role;
    uint32_t kind = d.in.u32();
    d.in.skip(4);
    role.generation = d.in.u64();
    if (kind > 3) return OfError::OFPRRFC_BAD_ROLE;
    role.role = static_cast<Role>(kind);
    role.has_generation =
        role.generation != ~uint64_t{0} && role.role != Role::kNoChange && role.role != Role::kEqual;
    if (!role.has_generation) role.generation = 0;
    body = role;
    return d.end();
}

void put(Encoder& e, const RoleStatus& status) {
    e.header(kRoleStatus);
    e.out.u32(static_cast<uint32_t>(status.role));
    e.out.u8(status.reason);
    e.out.zeros(3);
    e.out.u64(status.generation);
}
OfError get_role_status(Decoder& d, Body& body) {
    RoleStatus status;
    uint32_t kind = d.in.u32();
    status.reason = d.in.u8();
    d.in.skip(3);
    status.generation = d.in.u64();
    if (kind > 3) return OfError::OFPRRFC_BAD_ROLE;
    status.role = static_cast<Role>(kind);
    body = status;
    return d.end();
}

// The six pairs in the order of the properties' numbers.
template <typename Config>
auto masks_of(Config& c) {
    return std::array{&c.packet_in,   &c.port_status,  &c.flow_removed,
                      &c.role_status, &c.table_status, &c.requestforward};
}

void put_async_words(Encoder& e, const AsyncConfig& config) {
    auto masks = masks_of(config);
    for (size_t i = 0; i < 3; ++i) {
        e.out.u32((*masks[i])[0]);
        e.out.u32((*masks[i])[1]);
    }
}

void put_async(Encoder& e, uint8_t type, const AsyncConfig& config, uint32_t present) {
    e.header(type);
    if (e.version < Version::k14) return put_async_words(e, config);
    auto masks = masks_of(config);
    for (size_t i = 0; i < masks.size(); ++i) {
        if (!(present >> i & 1)) continue;
        for (unsigned secondary = 0; secondary < 2; ++secondary) {
            size_t start = e.begin_property(static_cast<uint16_t>(i * 2 + 1 - secondary));
            e.out.u32((*masks[i])[secondary]);
            e.end_property(start);
        }
    }
}

OfError get_async_words(Decoder& d, AsyncConfig& config) {
    auto masks = masks_of(config);
    for (size_t i = 0; i < 3; ++i) {
        (*masks[i])[0] = d.in.u32();
        (*masks[i])[1] = d.in.u32();
    }
    return d.end();
}

OfError get_async_properties(Decoder& d, AsyncConfig& config, uint32_t& present) {
    present = 0;
    auto masks = masks_of(config);
    while (!d.in.empty()) {
        Property property;
        if (OfError error = next_property(d.in, property); error != OfError::kNone) return error;
        if (property.type / 2u >= masks.size()) return OfError::OFPBPC_BAD_TYPE;
        if (property.value.size() != 4) return OfError::OFPBPC_BAD_LEN;
        present |= 1u << property.type / 2;
        (*masks[property.type / 2])[property.type % 2 ? 0 : 1] = property.value.u32();
    }
    return OfError::kNone;
}

template <typename T>
OfError get_async(Decoder& d, Body& body) {
    T config;
    uint32_t present = 0x07;
    OfError error =
        d.version < Version::k14 ? get_async_words(d, config) : get_async_properties(d, config, present);
    if constexpr (std::is_same_v<T, SetAsync>) config.present = present;
    body = config;
    return error;
}

}  // namespace

void put_switch(Encoder& e, const Body& body) {
    std::visit(
        [&](const auto& message) {
            using T = std::decay_t<decltype(message)>;
            if constexpr (std::is_same_v<T, GetConfigRequest>) {
                e.header(kGetConfigRequest);
            } else if constexpr (std::is_same_v<T, GetConfigReply>) {
                put_config(e, kGetConfigReply, message);
            } else if constexpr (std::is_same_v<T, SetConfig>) {
                put_config(e, kSetConfig, message);
            } else if constexpr (std::is_same_v<T, RoleReply>) {
                put_role(e, true, message);
            } else if constexpr (std::is_same_v<T, RoleRequest>) {
                put_role(e, false, message);
            } else if constexpr (std::is_same_v<T, GetAsyncRequest>) {
                e.header(kGetAsyncRequest);
            } else if constexpr (std::is_same_v<T, GetAsyncReply>) {
                put_async(e, kGetAsyncReply, message, 0x3f);
            } else if constexpr (std::is_same_v<T, SetAsync>) {
                if (e.version < Version::k13 || message.nicira) {
                    e.vendor(kVendorNicira, kNxSetAsync);
                    put_async_words(e, message);
                } else {
                    put_async(e, kSetAsync, message, message.present);
                }
            } else if constexpr (requires { put(e, message); }) {
                put(e, message);
            }
        },
        body);
}

OfError get_switch(Decoder& d, uint8_t type, Body& body) {
    auto data = [&] {
        ByteView rest = d.in.rest();
        return Bytes(rest.begin(), rest.end());
    };
    switch (type) {
        case kHello:
            return get_hello(d, body);
        case kError:
            return get_error(d, body);
        case kEchoRequest:
            body = EchoRequest{data()};
            return OfError::kNone;
        case kEchoReply:
            body = EchoReply{data()};
            return OfError::kNone;
        case kFeaturesRequest:
            body = FeaturesRequest{};
            return OfError::kNone;
        case kFeaturesReply:
            return get_features(d, body);
        case kGetConfigRequest:
            body = GetConfigRequest{};
            return OfError::kNone;
        case kGetConfigReply:
            return get_config<GetConfigReply>(d, body);
        case kSetConfig:
            return get_config<SetConfig>(d, body);
        case kRoleRequest:
            return get_role<RoleRequest>(d, body);
        case kRoleReply:
            return get_role<RoleReply>(d, body);
        case kRoleStatus:
            return get_role_status(d, body);
        case kGetAsyncRequest:
            body = GetAsyncRequest{};
            return OfError::kNone;
        case kGetAsyncReply:
            return get_async<GetAsyncReply>(d, body);
        case kSetAsync:
            return get_async<SetAsync>(d, body);
        default:
            return OfError::OFPBRC_BAD_TYPE;
    }
}

}  // namespace weft::openflow::wire
