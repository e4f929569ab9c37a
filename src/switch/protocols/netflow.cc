#include "switch/protocols/netflow.h"

#include <algorithm>
#include <utility>

namespace weft::vswitch {

namespace {

constexpr uint16_t kVersion = 5;
constexpr int64_t kRunIntervalMs = 1000;
constexpr int64_t kIdleMs = 10000;  // as long as a flow of the datapath lives without packets

}  // namespace

Netflow::Netflow(const NetflowOptions& options, int64_t now_ms) : options_(options), boot_ms_(now_ms) {}

void Netflow::count(const NetflowKey& key, uint16_t output, uint64_t packets, uint64_t bytes,
                    uint16_t tcp_flags, int64_t used_ms) {
    auto it = by_key_.find(key);
    if (it == by_key_.end()) {
        if (flows_.size() >= kMaxFlows) {
            tell(flows_.front(), used_ms);
            by_key_.erase(flows_.front().key);
            flows_.pop_front();
        }
        flows_.emplace_back();
        flows_.back().key = key;
        flows_.back().output = output;
        flows_.back().told_ms = used_ms;
        it = by_key_.emplace(key, std::prev(flows_.end())).first;
    }
    flows_.splice(flows_.end(), flows_, it->second);
    Flow& flow = *it->second;
    if (flow.output != output) {
        tell(flow, used_ms);
        flow.output = output;
    }
    if (!packets) return;
    if (!flow.packets) flow.first_ms = used_ms;
    flow.packets += packets;
    flow.bytes += bytes;
    flow.tcp_flags |= tcp_flags;
    flow.used_ms = std::max(flow.used_ms, used_ms);
}

// 508 ports are told apart when the engine's number goes along.
uint16_t Netflow::interface(uint32_t port) const {
    auto number = static_cast<uint16_t>(port);
    if (!options_.add_id_to_interface) return number;
    return static_cast<uint16_t>((options_.engine_id & 0x7f) << 9 | (number & 0x1ff));
}

void Netflow::tell(Flow& flow, int64_t now_ms) {
    flow.told_ms = now_ms;
    // Counters of the format have 32 bits.
    while (flow.packets) {
        uint64_t packets = std::min<uint64_t>(flow.packets, UINT32_MAX);
        uint64_t bytes = std::min<uint64_t>(flow.bytes, UINT32_MAX);
        if (flow.bytes > UINT32_MAX && packets == flow.packets && packets > 1) packets /= 2;
        ByteWriter out;
        out.u32(flow.key.nw_src);
        out.u32(flow.key.nw_dst);
        out.u32(0);  // next hop
        out.u16(interface(flow.key.in_port));
        out.u16(interface(flow.output));
        out.u32(static_cast<uint32_t>(packets));
        out.u32(static_cast<uint32_t>(bytes));
        out.u32(static_cast<uint32_t>(flow.first_ms - boot_ms_));
        out.u32(static_cast<uint32_t>(flow.used_ms - boot_ms_));
        out.u16(flow.key.tp_src);
        out.u16(flow.key.tp_dst);
        out.u8(0);
        out.u8(static_cast<uint8_t>(flow.tcp_flags));
        out.u8(flow.key.nw_proto);
        out.u8(flow.key.nw_tos);
        out.zeros(8);  // autonomous systems, prefix lengths
        records_.push_back(out.take());
        flow.packets -= packets;
        flow.bytes -= bytes;
    }
    flow.bytes = 0;
    flow.tcp_flags = 0;
}

std::vector<Bytes> Netflow::run(int64_t now_ms, int64_t wall_ms) {
    std::vector<Bytes> out;
    if (now_ms >= next_run_ms_) {
        next_run_ms_ = now_ms + kRunIntervalMs;
        for (auto it = flows_.begin(); it != flows_.end();) {
            bool ended = now_ms - it->used_ms >= kIdleMs;
            bool active = options_.active_timeout_ms > 0 && now_ms - it->told_ms > options_.active_timeout_ms;
            if (ended || (active && it->packets)) tell(*it, now_ms);
            if (ended) {
                by_key_.erase(it->key);
                it = flows_.erase(it);
            } else {
                ++it;
            }
        }
    }
    for (size_t at = 0; at < records_.size(); at += kRecordsPerDatagram)
        out.push_back(datagram(at, std::min(kRecordsPerDatagram, records_.size() - at), now_ms, wall_ms));
    records_.clear();
    return out;
}

Bytes Netflow::datagram(size_t from, size_t count, int64_t now_ms, int64_t wall_ms) {
    ByteWriter out;
    out.u16(kVersion);
    out.u16(static_cast<uint16_t>(count));
    out.u32(static_cast<uint32_t>(now_ms - boot_ms_));
    out.u32(static_cast<uint32_t>(wall_ms / 1000));
    out.u32(static_cast<uint32_t>(wall_ms % 1000 * 1000000));
    out.u32(sequence_);
    out.u8(options_.engine_type);
    out.u8(options_.engine_id);
    out.u16(0);  // every packet counts: no sampling
    for (size_t i = 0; i < count; ++i) out.bytes(records_[from + i]);
    sequence_ += static_cast<uint32_t>(count);
    return out.take();
}

}  // namespace weft::vswitch
