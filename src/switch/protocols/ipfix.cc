#include "switch/protocols/ipfix.h"

#include <algorithm>
#include <utility>

#include "packet/address.h"

namespace weft::vswitch {

namespace {

constexpr uint16_t kVersion = 10;
constexpr uint16_t kTemplateSet = 2, kOptionsTemplateSet = 3;
constexpr uint16_t kFirstTemplate = 256, kOptionsTemplate = 462;
constexpr size_t kMaxMessage = 1400;
constexpr size_t kMaxDomains = 1024;
constexpr uint32_t kVmware = 6876;
constexpr uint16_t kVariable = 65535;
// flowEndReason
constexpr uint8_t kActiveTimeout = 2, kForcedEnd = 4, kLackOfResources = 5;
constexpr uint8_t kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32;

struct Element {
    uint16_t id, size;
    bool vmware = false;
};

// In the order in which records have them.
constexpr Element kObservation[] = {{138, 4}, {61, 1}, {56, 6}, {80, 6}, {256, 2}, {240, 1}};
constexpr Element kIngressPort[] = {{10, 4}, {368, 4}, {82, kVariable}, {83, kVariable}};
constexpr Element kEgressPort[] = {{14, 4}, {369, 4}, {82, kVariable}, {83, kVariable}};
constexpr Element kVlan[] = {{58, 2}, {243, 2}, {244, 1}};
constexpr Element kIp[] = {{60, 1}, {192, 1}, {4, 1}, {195, 1}, {196, 1}, {5, 1}};
constexpr Element kIpv4[] = {{8, 4}, {12, 4}};
constexpr Element kIpv6[] = {{27, 16}, {28, 16}, {31, 4}};
constexpr Element kPorts[] = {{7, 2}, {11, 2}};
constexpr Element kIcmpv4[] = {{176, 1}, {177, 1}};
constexpr Element kIcmpv6[] = {{178, 1}, {179, 1}};
constexpr Element kTunnel[] = {{893, 4, true}, {894, 4, true}, {895, 1, true},        {896, 2, true},
                               {897, 2, true}, {891, 1, true}, {892, kVariable, true}};
constexpr Element kVirtualObservation[] = {{898, kVariable, true}};
constexpr Element kCounts[] = {{158, 4}, {159, 4}, {133, 8}, {135, 8}, {2, 8},   {86, 8},
                               {354, 8}, {355, 8}, {356, 8}, {357, 8}, {358, 8}, {19, 8},
                               {174, 8}, {352, 8}, {353, 8}, {136, 1}};
constexpr Element kIpCounts[] = {{132, 8}, {134, 8}, {1, 8},  {85, 8}, {198, 8},
                                 {199, 8}, {25, 8},  {26, 8}, {20, 8}, {175, 8}};
constexpr Element kTcpCounts[] = {{222, 8}, {219, 8}, {221, 8}, {220, 8}, {218, 8}, {223, 8}};

void write_text(ByteWriter& out, std::string_view text) {
    text = text.substr(0, 254);
    out.u8(static_cast<uint8_t>(text.size()));
    out.bytes(as_bytes(text));
}

void write_port(ByteWriter& out, const IpfixPort& port) {
    out.u32(port.ifindex);
    out.u32(port.type);
    write_text(out, port.name);
    write_text(out, port.description);
}

bool has_ports(Ipfix::L4 l4) {
    return l4 == Ipfix::L4::kTcp || l4 == Ipfix::L4::kUdp || l4 == Ipfix::L4::kSctp;
}

Ipfix::Layers layers_of(const IpfixSample& sample) {
    Ipfix::Layers out;
    const packet::Flow& flow = sample.flow;
    out.vlan = flow.vlans[0].tci != 0;
    bool v4 = flow.dl_type == 0x0800, v6 = flow.dl_type == 0x86dd;
    out.l3 = v4 ? Ipfix::L3::kIpv4 : v6 ? Ipfix::L3::kIpv6 : Ipfix::L3::kNone;
    if ((v4 || v6) && !(flow.nw_frag & packet::kFragLater)) {
        uint8_t proto = flow.nw_proto;
        out.l4 = proto == 6                                  ? Ipfix::L4::kTcp
                 : proto == 17                               ? Ipfix::L4::kUdp
                 : proto == 132                              ? Ipfix::L4::kSctp
                 : (v4 && proto == 1) || (v6 && proto == 58) ? Ipfix::L4::kIcmp
                                                             : Ipfix::L4::kNone;
    }
    out.egress_port = sample.out != nullptr;
    out.tunnel = sample.tunnel != nullptr;
    return out;
}

}  // namespace

uint16_t Ipfix::template_id(const Layers& layers) {
    unsigned l3 = static_cast<unsigned>(layers.l3), l4 = static_cast<unsigned>(layers.l4);
    unsigned index = ((layers.vlan ? 3u : 0u) + l3) * 5 + l4;
    return static_cast<uint16_t>(kFirstTemplate + index * 4 + (layers.tunnel ? 2 : 0) +
                                 (layers.egress_port ? 1 : 0));
}

Ipfix::Ipfix(const IpfixOptions& options) : options_(options) {}

void Ipfix::configure(const IpfixOptions& options, int64_t wall_us) {
    if (options == options_) return;
    flush(wall_us);
    // Records have other fields now.
    if (options.virtual_obs_id != options_.virtual_obs_id) templates_us_.clear();
    options_ = options;
}

Ipfix::Record Ipfix::begin(const IpfixSample& sample, int64_t wall_us) const {
    Record record;
    const packet::Flow& flow = sample.flow;
    record.layers = layers_of(sample);
    record.obs_domain_id = sample.obs_domain_id;
    record.first_us = record.last_us = wall_us;
    static const IpfixPort kNoPort;
    ByteWriter out;
    out.u32(sample.obs_point_id);
    out.u8(sample.egress ? 1 : 0);
    out.bytes(flow.dl_src);
    out.bytes(flow.dl_dst);
    out.u16(flow.dl_type);
    out.u8(static_cast<uint8_t>(sample.eth_length));
    write_port(out, sample.in ? *sample.in : kNoPort);
    if (sample.out) write_port(out, *sample.out);
    if (record.layers.vlan) {
        uint16_t tci = flow.vlans[0].tci;
        out.u16(tci & packet::kVlanVidMask);
        out.u16(tci & packet::kVlanVidMask);
        out.u8(static_cast<uint8_t>(tci >> 13));
    }
    if (record.layers.l3 != L3::kNone) {
        out.u8(record.layers.l3 == L3::kIpv4 ? 4 : 6);
        out.u8(flow.nw_ttl);
        out.u8(flow.nw_proto);
        out.u8(flow.nw_tos >> 2);  // DSCP
        out.u8(flow.nw_tos >> 5);  // precedence
        out.u8(flow.nw_tos);
    }
    if (record.layers.l3 == L3::kIpv4) {
        out.u32(flow.nw_src);
        out.u32(flow.nw_dst);
    } else if (record.layers.l3 == L3::kIpv6) {
        out.bytes(flow.ipv6_src);
        out.bytes(flow.ipv6_dst);
        out.u32(flow.ipv6_label);
    }
    if (has_ports(record.layers.l4)) {
        out.u16(flow.tp_src);
        out.u16(flow.tp_dst);
    } else if (record.layers.l4 == L4::kIcmp) {
        out.u8(static_cast<uint8_t>(flow.tp_src));
        out.u8(static_cast<uint8_t>(flow.tp_dst));
    }
    if (const IpfixTunnel* tunnel = sample.tunnel) {
        out.u32(tunnel->src);
        out.u32(tunnel->dst);
        out.u8(tunnel->protocol);
        out.u16(tunnel->tp_src);
        out.u16(tunnel->tp_dst);
        out.u8(tunnel->type);
        out.u8(static_cast<uint8_t>(tunnel->key.size()));
        out.bytes(tunnel->key);
    }
    if (!options_.virtual_obs_id.empty()) write_text(out, options_.virtual_obs_id);
    record.key = out.take();
    return record;
}

void Ipfix::sample(const IpfixSample& sample, int64_t wall_us) {
    const packet::Flow& flow = sample.flow;
    ++statistics_.packets;
    Record fresh = begin(sample, wall_us);
    if (fresh.layers.l3 == L3::kIpv4) ++statistics_.ipv4;
    if (fresh.layers.l3 == L3::kIpv6) ++statistics_.ipv6;

    bool broadcast = flow.dl_dst == packet::kEthBroadcast, multicast = packet::is_multicast(flow.dl_dst);
    ++totals_.packets;
    totals_.l2_octets += sample.size;
    if (sample.dropped) ++totals_.dropped_packets;
    bool many = sample.egress && multicast && !broadcast;
    if (many) ++totals_.multicast_packets;
    uint64_t& kind = sample.egress ? (broadcast ? totals_.out_broadcast : totals_.out_unicast)
                     : broadcast   ? totals_.in_broadcast
                     : multicast   ? totals_.in_multicast
                                   : totals_.in_unicast;
    if (!many) ++kind;
    uint64_t length = fresh.layers.l3 == L3::kNone ? 0 : sample.ip_length;
    totals_.octets += length;
    totals_.octets_squared += length * length;
    if (sample.dropped) totals_.dropped_octets += length;
    if (many) totals_.multicast_octets += length;
    if (fresh.layers.l4 == L4::kTcp) {
        uint16_t flags = flow.tcp_flags;
        totals_.ack += (flags & kAck) != 0, totals_.fin += (flags & kFin) != 0;
        totals_.psh += (flags & kPsh) != 0, totals_.rst += (flags & kRst) != 0;
        totals_.syn += (flags & kSyn) != 0, totals_.urg += (flags & kUrg) != 0;
    }

    Record* record = &fresh;
    std::string key;
    if (options_.caches()) {
        key.assign(fresh.key.begin(), fresh.key.end());
        key += static_cast<char>(template_id(fresh.layers));
        for (int i = 0; i < 4; ++i) key += static_cast<char>(fresh.obs_domain_id >> (8 * i));
        auto it = by_key_.find(key);
        if (it == by_key_.end()) {
            if (cache_.size() >= options_.cache_max_flows) {
                send(cache_.front(), kLackOfResources, wall_us);
                by_key_.erase(cache_.front().cache_key);
                cache_.pop_front();
            }
            ++statistics_.flows;
            fresh.cache_key = key;
            cache_.push_back(std::move(fresh));
            it = by_key_.emplace(key, std::prev(cache_.end())).first;
        }
        record = &*it->second;
    } else {
        ++statistics_.flows;
    }
    record->last_us = wall_us;
    ++record->packets;
    record->dropped_packets += sample.dropped;
    record->l2_octets += sample.size;
    record->multicast_packets += many;
    record->octets += length;
    record->octets_squared += length * length;
    if (sample.dropped) record->dropped_octets += length;
    if (many) record->multicast_octets += length;
    record->min_length = record->packets == 1 ? length : std::min(record->min_length, length);
    record->max_length = std::max(record->max_length, length);
    if (!options_.caches()) send(fresh, kActiveTimeout, wall_us);
}

void Ipfix::flush(int64_t wall_us) {
    for (const Record& record : cache_) send(record, kForcedEnd, wall_us);
    cache_.clear();
    by_key_.clear();
}

std::vector<Bytes> Ipfix::run(int64_t wall_us) {
    while (!cache_.empty() && wall_us - cache_.front().first_us >= options_.cache_active_timeout_ms * 1000) {
        send(cache_.front(), kActiveTimeout, wall_us);
        by_key_.erase(cache_.front().cache_key);
        cache_.pop_front();
    }
    return std::exchange(datagrams_, {});
}

int64_t Ipfix::next_wakeup_us() const {
    if (!datagrams_.empty()) return 0;
    return cache_.empty() ? INT64_MAX : cache_.front().first_us + options_.cache_active_timeout_ms * 1000;
}

Ipfix::Statistics Ipfix::statistics() const {
    Statistics out = statistics_;
    out.current_flows = cache_.size();
    return out;
}

// --- messages

// Times in records count back from the time of the message, which has whole seconds.
void Ipfix::message(uint32_t domain, int64_t wall_us, uint16_t set_id, ByteView body) {
    ByteWriter out;
    out.u16(kVersion);
    out.u16(static_cast<uint16_t>(20 + body.size()));
    out.u32(static_cast<uint32_t>((wall_us + 999999) / 1000000));
    out.u32(sequence_);
    out.u32(domain);
    out.u16(set_id);
    out.u16(static_cast<uint16_t>(4 + body.size()));
    out.bytes(body);
    datagrams_.push_back(out.take());
}

void Ipfix::send(const Record& record, uint8_t reason, int64_t wall_us) {
    send_templates(record.obs_domain_id, wall_us);
    int64_t export_us = (wall_us + 999999) / 1000000 * 1000000;
    ByteWriter out;
    out.bytes(record.key);
    out.u32(static_cast<uint32_t>(export_us - record.first_us));
    out.u32(static_cast<uint32_t>(export_us - record.last_us));
    for (uint64_t count : {record.dropped_packets, totals_.dropped_packets, record.packets, totals_.packets,
                           totals_.in_unicast, totals_.in_multicast, totals_.in_broadcast,
                           totals_.out_unicast, totals_.out_broadcast, record.multicast_packets,
                           totals_.multicast_packets, record.l2_octets, totals_.l2_octets}) {
        out.u64(count);
    }
    out.u8(reason);
    if (record.layers.l3 != L3::kNone) {
        for (uint64_t count : {record.dropped_octets, totals_.dropped_octets, record.octets, totals_.octets,
                               record.octets_squared, totals_.octets_squared, record.min_length,
                               record.max_length, record.multicast_octets, totals_.multicast_octets}) {
            out.u64(count);
        }
    }
    if (record.layers.l4 == L4::kTcp) {
        for (uint64_t count :
             {totals_.ack, totals_.fin, totals_.psh, totals_.rst, totals_.syn, totals_.urg}) {
            out.u64(count);
        }
    }
    ++sequence_;
    message(record.obs_domain_id, wall_us, template_id(record.layers), out.view());
}

void Ipfix::write_fields(ByteWriter& out, const Layers& layers) const {
    size_t start = out.size();
    uint16_t count = 0;
    out.u16(template_id(layers));
    out.u16(0);
    auto add = [&](const auto& elements) {
        for (const Element& element : elements) {
            out.u16(element.vmware ? static_cast<uint16_t>(element.id | 0x8000) : element.id);
            out.u16(element.size);
            if (element.vmware) out.u32(kVmware);
            ++count;
        }
    };
    add(kObservation);
    add(kIngressPort);
    if (layers.egress_port) add(kEgressPort);
    if (layers.vlan) add(kVlan);
    if (layers.l3 != L3::kNone) add(kIp);
    if (layers.l3 == L3::kIpv4) add(kIpv4);
    if (layers.l3 == L3::kIpv6) add(kIpv6);
    if (has_ports(layers.l4)) add(kPorts);
    if (layers.l4 == L4::kIcmp) layers.l3 == L3::kIpv4 ? add(kIcmpv4) : add(kIcmpv6);
    if (layers.tunnel) add(kTunnel);
    if (!options_.virtual_obs_id.empty()) add(kVirtualObservation);
    add(kCounts);
    if (layers.l3 != L3::kNone) add(kIpCounts);
    if (layers.l4 == L4::kTcp) add(kTcpCounts);
    out.patch_u16(start + 2, count);
}

void Ipfix::send_templates(uint32_t domain, int64_t wall_us) {
    if (templates_us_.size() > kMaxDomains) templates_us_.clear();
    auto [it, fresh] = templates_us_.try_emplace(domain, wall_us);
    if (!fresh && wall_us - it->second < options_.template_interval_ms * 1000)
        return send_statistics(wall_us);
    it->second = wall_us;
    ByteWriter body;
    for (bool vlan : {false, true}) {
        for (L3 l3 : {L3::kNone, L3::kIpv4, L3::kIpv6}) {
            for (L4 l4 : {L4::kNone, L4::kTcp, L4::kUdp, L4::kSctp, L4::kIcmp}) {
                if (l3 == L3::kNone && l4 != L4::kNone) continue;
                for (unsigned more = 0; more < 4; ++more) {
                    ByteWriter one;
                    write_fields(one, {vlan, l3, l4, (more & 1) != 0, (more & 2) != 0});
                    if (20 + body.size() + one.size() > kMaxMessage) {
                        message(domain, wall_us, kTemplateSet, body.view());
                        body = ByteWriter();
                    }
                    body.bytes(one.view());
                }
            }
        }
    }
    message(domain, wall_us, kTemplateSet, body.view());
    stats_us_ = 0;
    send_statistics(wall_us);
}

// How many packets never made it into a record, by exporting process.
void Ipfix::send_statistics(int64_t wall_us) {
    if (stats_us_ && wall_us - stats_us_ < options_.stats_interval_ms * 1000) return;
    stats_us_ = wall_us;
    ByteWriter options;
    options.u16(kOptionsTemplate);
    options.u16(2);
    options.u16(1);  // scope
    options.u16(144);
    options.u16(4);
    options.u16(167);
    options.u16(8);
    message(0, wall_us, kOptionsTemplateSet, options.view());
    ByteWriter data;
    data.u32(options_.exporter_id);
    data.u64(statistics_.tx_errors);
    message(0, wall_us, kOptionsTemplate, data.view());
}

}  // namespace weft::vswitch
