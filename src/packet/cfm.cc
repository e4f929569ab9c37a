#include "packet/cfm.h"

#include <iterator>
#include <string_view>

namespace weft::packet {

namespace {

constexpr uint8_t kNameIsString = 4, kShortNameIsString = 2;  // IEEE 802.1Q-2018, tables 21-19 and 21-20
constexpr std::string_view kName = "ovs";
constexpr size_t kReserved = 5;
constexpr int64_t kIntervalsMs[] = {0, 3, 10, 100, 1000, 10'000, 60'000, 600'000};

}  // namespace

Bytes Ccm::encode() const {
    ByteWriter out;
    out.u8(level_version);
    out.u8(kOpcode);
    out.u8(flags);
    out.u8(first_tlv);
    out.u32(sequence);
    out.u16(mpid);
    out.bytes(maid);
    out.u16(interval_ms);
    out.u64(mpid64);
    out.u8(opdown);
    out.zeros(kReserved);
    out.u8(0);  // no TLVs
    return out.take();
}

std::optional<Ccm> Ccm::decode(ByteView bytes) {
    ByteReader in(bytes);
    Ccm ccm;
    ccm.level_version = in.u8();
    if (in.u8() != kOpcode) return std::nullopt;
    ccm.flags = in.u8();
    ccm.first_tlv = in.u8();
    ccm.sequence = in.u32();
    ccm.mpid = in.u16();
    ccm.maid = in.array<48>();
    ccm.interval_ms = in.u16();
    ccm.mpid64 = in.u64();
    ccm.opdown = in.u8();
    in.skip(kReserved);
    if (!in.ok()) return std::nullopt;
    return ccm;
}

Ccm::Maid ovs_maid() {
    ByteWriter out;
    for (uint8_t format : {kNameIsString, kShortNameIsString}) {
        out.u8(format);
        out.u8(kName.size());
        out.bytes(as_bytes(kName));
    }
    Ccm::Maid maid{};
    std::copy(out.view().begin(), out.view().end(), maid.begin());
    return maid;
}

int64_t ccm_interval_ms(uint8_t code) {
    return code < std::size(kIntervalsMs) ? kIntervalsMs[code] : 0;
}

uint8_t ccm_interval_code(int64_t ms) {
    uint8_t code = 1;
    while (code + 1u < std::size(kIntervalsMs) && kIntervalsMs[code + 1] <= ms) ++code;
    return code;
}

}  // namespace weft::packet
