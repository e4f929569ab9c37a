// Packets in tests of datapaths: made from text, and written down as they come out.

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/append.h"
#include "datapath/api/datapath.h"
#include "datapath/api/text.h"
#include "packet/checksum.h"
#include "packet/compose.h"
#include "packet/extract.h"
#include "packet/segment.h"

namespace weft::datapath {

using packet::Flow;
using packet::Packet;

inline std::string hex(ByteView bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    out.reserve(2 * bytes.size());
    for (uint8_t byte : bytes) {
        out.push_back(kDigits[byte >> 4]);
        out.push_back(kDigits[byte & 15]);
    }
    return out;
}

inline Packet packet_of(std::string_view key, size_t payload = 26) {
    auto parsed = parse_key(key);
    EXPECT_TRUE(parsed.ok()) << parsed.message();
    return packet::compose(*parsed, payload);
}

// Leaves the transport checksum to the receiver, as a sender on this host does; `segment`: and the cutting.
inline void leave_checksum(Packet& packet, uint16_t segment = 0) {
    Flow flow = packet::zero_flow();
    packet::Layout layout = packet::extract(packet, flow);
    if ((flow.nw_proto != 6 && flow.nw_proto != 17) || !layout.payload || flow.nw_frag) return;
    uint8_t* p = packet.data();
    uint32_t length = layout.l3_end - layout.l4;
    uint64_t sum = flow.dl_type == 0x0800
                       ? packet::pseudo_header_sum(p + layout.l3, flow.nw_proto, length)
                       : packet::pseudo_header_sum6(flow.ipv6_src, flow.ipv6_dst, flow.nw_proto, length);
    uint16_t offset = flow.nw_proto == 6 ? 16 : 6;
    store_be16(p + layout.l4 + offset, packet::checksum_fold(sum));
    packet.offload.checksum_partial = true;
    packet.offload.csum_start = layout.l4;
    packet.offload.csum_offset = offset;
    size_t payload = layout.l3_end - layout.payload;
    if (!segment || payload <= segment) return;
    packet.offload.gso_size = segment;
    packet.offload.gso_type = flow.nw_proto == 17      ? packet::GsoType::kUdp
                              : flow.dl_type == 0x0800 ? packet::GsoType::kTcp4
                                                       : packet::GsoType::kTcp6;
}

// A packet that has been seen, as on a wire, with what else is to be said about it.
struct Record {
    std::string what;
    std::string bytes;  // a string: compared at once
    Record() = default;
    Record(std::string what_, ByteView bytes_)
        : what(std::move(what_)), bytes(bytes_.begin(), bytes_.end()) {}
    auto operator<=>(const Record&) const = default;
    std::string text() const { return what + hex(as_bytes(bytes)); }
};
using Records = std::vector<Record>;

inline void record(Records& out, Packet packet) {
    for (Packet& one : packet::segment(std::move(packet))) out.emplace_back("", one.view());
}
inline void record(Records& out, Upcall up) {
    std::string what = fmt::format("{} {} {} ", up.type == Upcall::Type::kMiss ? "miss" : "action",
                                   format_key(up.key), hex(up.userdata));
    for (Packet& one : packet::segment(std::move(up.packet))) out.emplace_back(what, one.view());
}

struct Recorder : UpcallHandler {
    void handle(std::vector<Upcall> upcalls) override {
        for (Upcall& up : upcalls) record(seen, std::move(up));
    }
    Records take() { return std::exchange(seen, {}); }
    Records seen;
};

// What has become of a packet.
struct Fate {
    std::map<PortNo, Records> out;
    Records upcalls;
    size_t size() const {
        size_t sum = upcalls.size();
        for (auto& [port, records] : out) sum += records.size();
        return sum;
    }
    bool operator==(const Fate&) const = default;
    void sort() {
        for (auto& [port, records] : out) std::sort(records.begin(), records.end());
        std::sort(upcalls.begin(), upcalls.end());
    }
    std::string text() const {
        std::string result;
        for (auto& [port, records] : out) {
            for (const Record& one : records) append(result, "    port {} {}\n", port, one.text());
        }
        for (const Record& one : upcalls) append(result, "    {}\n", one.text());
        return result.empty() ? "    nothing\n" : result;
    }
};

}  // namespace weft::datapath
