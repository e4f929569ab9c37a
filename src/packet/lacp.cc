#include "packet/lacp.h"

namespace weft::packet {

namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kActorTlv = 1, kPartnerTlv = 2, kCollectorTlv = 3;
constexpr uint8_t kInfoSize = 20, kCollectorSize = 16;

void write_info(ByteWriter& out, uint8_t type, const LacpInfo& info) {
    out.u8(type);
    out.u8(kInfoSize);
    out.u16(info.sys_priority);
    out.bytes(info.sys_id);
    out.u16(info.key);
    out.u16(info.port_priority);
    out.u16(info.port_id);
    out.u8(info.state);
    out.zeros(3);
}

void read_info(ByteReader& in, uint8_t type, LacpInfo& info) {
    if (in.u8() != type) in.fail();
    if (in.u8() != kInfoSize) in.fail();
    info.sys_priority = in.u16();
    info.sys_id = in.array<6>();
    info.key = in.u16();
    info.port_priority = in.u16();
    info.port_id = in.u16();
    info.state = in.u8();
    in.skip(3);
}

}  // namespace

std::string lacp_state_text(uint8_t state) {
    static constexpr struct {
        uint8_t bit;
        const char* name;
    } kNames[] = {{LacpInfo::kActivity, "activity"},       {LacpInfo::kTimeout, "timeout"},
                  {LacpInfo::kAggregation, "aggregation"}, {LacpInfo::kSynchronized, "synchronized"},
                  {LacpInfo::kCollecting, "collecting"},   {LacpInfo::kDistributing, "distributing"},
                  {LacpInfo::kDefaulted, "defaulted"},     {LacpInfo::kExpired, "expired"}};
    std::string out;
    for (const auto& [bit, name] : kNames) {
        if (state & bit) out += (out.empty() ? "" : " ") + std::string(name);
    }
    return out;
}

Bytes LacpPdu::encode() const {
    ByteWriter out;
    out.u8(kLacpSubtype);
    out.u8(kVersion);
    write_info(out, kActorTlv, actor);
    write_info(out, kPartnerTlv, partner);
    out.u8(kCollectorTlv);
    out.u8(kCollectorSize);
    out.u16(collector_delay);
    out.zeros(kSize - out.size());
    return out.take();
}

std::optional<LacpPdu> LacpPdu::decode(ByteView bytes) {
    if (bytes.size() < kSize) return std::nullopt;
    ByteReader in(bytes);
    LacpPdu pdu;
    if (in.u8() != kLacpSubtype) return std::nullopt;
    in.skip(1);  // the version
    read_info(in, kActorTlv, pdu.actor);
    read_info(in, kPartnerTlv, pdu.partner);
    in.skip(2);
    pdu.collector_delay = in.u16();
    if (!in.ok()) return std::nullopt;
    return pdu;
}

Bytes lacp_frame(const EthAddr& source, const LacpPdu& pdu) {
    ByteWriter out;
    out.bytes(kSlowProtocolsAddress);
    out.bytes(source);
    out.u16(kSlowProtocols);
    out.bytes(pdu.encode());
    return out.take();
}

}  // namespace weft::packet
