#include "switch/protocols/sflow.h"

#include <algorithm>
#include <utility>

namespace weft::vswitch {

namespace {

constexpr uint32_t kVersion = 5;
constexpr uint32_t kFlowSample = 1, kCountersSample = 2;
constexpr uint32_t kSampledHeader = 1, kExtendedSwitch = 1001;
constexpr uint32_t kIfCounters = 1, kEthernetCounters = 2, kOfPort = 1004, kPortName = 1005,
                   kAppResources = 2203, kOvsDpStats = 2207;
constexpr uint32_t kEthernetProtocol = 1, kEthernetInterface = 6;
constexpr uint32_t kFrameCheckSequence = 4;  // bytes that the packet had on the wire and has no more
constexpr uint32_t kBridgeSource = 2u << 24 | 1000;
constexpr uint32_t kUnknown = UINT32_MAX;
constexpr int64_t kFlushMs = 1000;

// A structure of `type`: its length is filled in when it ends.
class Structure {
  public:
    Structure(ByteWriter& out, uint32_t type) : out_(out) {
        out_.u32(type);
        at_ = out_.size();
        out_.u32(0);
    }
    ~Structure() {
        out_.pad(4, at_);
        out_.patch_u32(at_, static_cast<uint32_t>(out_.size() - at_ - 4));
    }

  private:
    ByteWriter& out_;
    size_t at_;
};

void if_counters(ByteWriter& out, const SflowPort& port) {
    Structure record(out, kIfCounters);
    out.u32(port.ifindex);
    out.u32(kEthernetInterface);
    out.u64(port.speed);
    out.u32(port.full_duplex ? 1 : 2);
    out.u32((port.admin_up ? 1u : 0u) | (port.link_up ? 2u : 0u));
    out.u64(port.rx_bytes);
    out.u32(port.rx_packets);
    out.u32(port.rx_multicast);
    out.u32(kUnknown);  // broadcasts
    out.u32(port.rx_dropped);
    out.u32(port.rx_errors);
    out.u32(kUnknown);  // protocols
    out.u64(port.tx_bytes);
    out.u32(port.tx_packets);
    out.u32(kUnknown);
    out.u32(kUnknown);
    out.u32(port.tx_dropped);
    out.u32(port.tx_errors);
    out.u32(0);  // promiscuous
}

void ethernet_counters(ByteWriter& out) {
    Structure record(out, kEthernetCounters);
    out.u32(0);  // alignment errors
    out.u32(0);  // checksum errors
    for (int i = 0; i < 11; ++i) out.u32(kUnknown);
}

}  // namespace

Sflow::Sflow(const SflowOptions& options, int64_t now_ms)
    : options_(options), boot_ms_(now_ms), next_poll_ms_(now_ms) {}

void Sflow::configure(const SflowOptions& options, int64_t now_ms) {
    if (options.polling_ms != options_.polling_ms) next_poll_ms_ = now_ms;
    options_ = options;
}

void Sflow::add(Bytes sample, int64_t now_ms) {
    size_t header = 24 + options_.agent.size();
    if (header + pending_.size() + sample.size() > kMaxDatagram) flush(now_ms);
    if (pending_.empty()) flush_ms_ = now_ms + kFlushMs;
    pending_.insert(pending_.end(), sample.begin(), sample.end());
    ++pending_count_;
}

void Sflow::flush(int64_t now_ms) {
    if (!pending_count_) return;
    ByteWriter out;
    out.u32(kVersion);
    out.u32(options_.agent.size() == 4 ? 1 : 2);
    out.bytes(options_.agent);
    out.u32(options_.sub_agent);
    out.u32(++sequence_);
    out.u32(static_cast<uint32_t>(now_ms - boot_ms_));
    out.u32(pending_count_);
    out.bytes(pending_);
    datagrams_.push_back(out.take());
    pending_.clear();
    pending_count_ = 0;
}

void Sflow::sample(const SflowSample& sample, int64_t now_ms) {
    pool_ += options_.sampling;
    ByteWriter out;
    {
        Structure flow(out, kFlowSample);
        out.u32(++flow_samples_);
        out.u32(kBridgeSource);
        out.u32(options_.sampling);
        out.u32(pool_);
        out.u32(0);  // drops
        out.u32(sample.input);
        out.u32(sample.output);
        out.u32(2);
        {
            Structure record(out, kExtendedSwitch);
            out.u32(sample.vlan_in);
            out.u32(sample.priority_in);
            out.u32(sample.vlan_out);
            out.u32(sample.priority_out);
        }
        {
            Structure record(out, kSampledHeader);
            size_t header = std::min<size_t>(sample.packet.size(), options_.header);
            // What can be sent must fit a datagram.
            header = std::min<size_t>(header, kMaxDatagram - 200);
            out.u32(kEthernetProtocol);
            out.u32(static_cast<uint32_t>(sample.packet.size()) + kFrameCheckSequence);
            out.u32(kFrameCheckSequence);
            out.u32(static_cast<uint32_t>(header));
            out.bytes(sample.packet.first(header));
        }
    }
    add(out.take(), now_ms);
}

void Sflow::count(const std::vector<SflowPort>& ports, const SflowTotals& totals, int64_t now_ms) {
    next_poll_ms_ = now_ms + options_.polling_ms;
    ++counter_samples_;
    ByteWriter bridge;
    {
        Structure sample(bridge, kCountersSample);
        bridge.u32(counter_samples_);
        bridge.u32(kBridgeSource);
        bridge.u32(2);
        {
            Structure record(bridge, kAppResources);
            bridge.u32(totals.user_ms);
            bridge.u32(totals.system_ms);
            bridge.u64(totals.memory_used);
            bridge.u64(totals.memory_max);
            for (int i = 0; i < 4; ++i) bridge.u32(0);  // descriptors and connections: not told
        }
        {
            Structure record(bridge, kOvsDpStats);
            bridge.u32(totals.hits);
            bridge.u32(totals.misses);
            bridge.u32(totals.lost);
            bridge.u32(kUnknown);
            bridge.u32(totals.flows);
            bridge.u32(kUnknown);
        }
    }
    add(bridge.take(), now_ms);
    for (const SflowPort& port : ports) {
        ByteWriter out;
        {
            Structure sample(out, kCountersSample);
            out.u32(counter_samples_);
            out.u32(port.ifindex);
            out.u32(4);
            ethernet_counters(out);
            {
                Structure record(out, kOfPort);
                out.u64(port.datapath_id);
                out.u32(port.of_port);
            }
            {
                Structure record(out, kPortName);
                out.u32(static_cast<uint32_t>(port.name.size()));
                out.bytes(as_bytes(port.name));
            }
            if_counters(out, port);
        }
        add(out.take(), now_ms);
    }
}

std::vector<Bytes> Sflow::run(int64_t now_ms) {
    if (pending_count_ && now_ms >= flush_ms_) flush(now_ms);
    return std::exchange(datagrams_, {});
}

int64_t Sflow::next_wakeup_ms() const {
    int64_t at = options_.polling_ms > 0 ? next_poll_ms_ : INT64_MAX;
    if (!datagrams_.empty()) return 0;
    return pending_count_ ? std::min(at, flush_ms_) : at;
}

}  // namespace weft::vswitch
