#include "packet/bpdu.h"

#include <fmt/core.h>

#include "packet/ethernet.h"

namespace weft::packet {

namespace {

constexpr std::array<uint8_t, 3> kLlc = {0x42, 0x42, 0x03};  // IEEE 802.2: both SAPs, unnumbered information
constexpr uint8_t kRstpVersion = 2;
constexpr size_t kConfigurationSize = 35;

}  // namespace

Bytes Bpdu::encode() const {
    ByteWriter out;
    out.u16(0);  // protocol
    out.u8(version);
    out.u8(static_cast<uint8_t>(type));
    if (type == Type::kTopologyChange) return out.take();
    out.u8(flags);
    out.u64(root);
    out.u32(root_path_cost);
    out.u64(bridge);
    out.u16(port);
    out.u16(message_age);
    out.u16(max_age);
    out.u16(hello_time);
    out.u16(forward_delay);
    if (type == Type::kRst) out.u8(0);  // version 1 length
    return out.take();
}

Result<Bpdu> Bpdu::decode(ByteView bytes) {
    ByteReader in(bytes);
    uint16_t protocol = in.u16();
    Bpdu bpdu;
    bpdu.version = in.u8();
    uint8_t type = in.u8();
    if (!in.ok()) return Error{fmt::format("a BPDU of {} bytes; the shortest has 4", bytes.size())};
    if (protocol) return Error{fmt::format("BPDU of protocol {:#06x}, not 0", protocol)};
    bpdu.type = static_cast<Type>(type);
    if (bpdu.type == Type::kTopologyChange) return bpdu;
    if (bpdu.type != Type::kConfiguration && bpdu.type != Type::kRst)
        return Error{fmt::format("BPDU of unknown type {:#04x}", type)};
    if (bpdu.type == Type::kRst && bpdu.version < kRstpVersion)
        return Error{fmt::format("RST BPDU of version {}, which has none", bpdu.version)};
    bpdu.flags = in.u8();
    bpdu.root = in.u64();
    bpdu.root_path_cost = in.u32();
    bpdu.bridge = in.u64();
    bpdu.port = in.u16();
    bpdu.message_age = in.u16();
    bpdu.max_age = in.u16();
    bpdu.hello_time = in.u16();
    bpdu.forward_delay = in.u16();
    if (bpdu.type == Type::kRst) in.skip(1);
    if (!in.ok()) {
        return Error{fmt::format("a BPDU of type {:#04x} with {} bytes, which needs {}", type, bytes.size(),
                                 kConfigurationSize + (bpdu.type == Type::kRst ? 1 : 0))};
    }
    return bpdu;
}

Result<Bpdu> Bpdu::decode_frame(ByteView frame) {
    ByteReader in(frame);
    in.skip(ethernet::kType);
    size_t length = in.u16();
    if (!in.ok() || length >= ethernet::kMinType) return Error{"not an 802.3 frame"};
    if (length > in.size())
        return Error{fmt::format("an 802.3 frame of {} bytes that says {}", in.size(), length)};
    ByteReader llc = in.sub(length);
    if (llc.array<3>() != kLlc || !llc.ok()) return Error{"an LLC header that is not that of a BPDU"};
    return decode(llc.rest());
}

Packet Bpdu::frame(const EthAddr& source) const {
    Bytes body = encode();
    ByteWriter out;
    out.bytes(kBridgeGroupAddress);
    out.bytes(source);
    out.u16(static_cast<uint16_t>(kLlc.size() + body.size()));
    out.bytes(kLlc);
    out.bytes(body);
    return Packet(out.view());
}

}  // namespace weft::packet
