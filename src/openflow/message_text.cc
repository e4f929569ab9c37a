// Messages as `ovs-ofctl` prints them.

#include <fmt/format.h>

#include "openflow/flag_text.h"
#include "openflow/message.h"
#include "openflow/messages/codec.h"
#include "openflow/messages/print.h"
#include "openflow/names.h"
#include "openflow/text.h"

namespace weft::openflow {
namespace messages {

void print_flow_mod(const FlowMod& mod, const Names* names, int, std::string& out) {
    static constexpr const char* kCommands[] = {"ADD", "MOD", "MOD_STRICT", "DEL", "DEL_STRICT"};
    text::append(out, " {}", kCommands[static_cast<size_t>(mod.command)]);
    if (mod.table != 0) {
        out += " table:";
        format_table(mod.table, names, out);
    }
    out += ' ';
    size_t before = out.size();
    format_match(mod.match, {names, mod.priority}, out);
    if (out.size() != before) out += ' ';
    bool gives_cookie = mod.command == FlowMod::Command::kAdd || mod.modify_cookie;
    if (gives_cookie && mod.new_cookie && mod.new_cookie != ~0ull)
        text::append(out, "cookie:0x{:x} ", mod.new_cookie);
    if (mod.cookie_mask) text::append(out, "cookie:0x{:x}/0x{:x} ", mod.cookie, mod.cookie_mask);
    if (mod.idle_timeout) text::append(out, "idle:{} ", mod.idle_timeout);
    if (mod.hard_timeout) text::append(out, "hard:{} ", mod.hard_timeout);
    if (mod.importance) text::append(out, "importance:{} ", mod.importance);
    if (mod.buffer_id != kNoBuffer) text::append(out, "buf:0x{:x} ", mod.buffer_id);
    if (mod.out_port != kPortNone && mod.is_delete()) {
        out += "out_port:";
        format_port(mod.out_port, names, out);
        out += ' ';
    }
    static constexpr FlagName kFlags[] = {{kFlowSendRemoved, "send_flow_rem"},
                                          {kFlowCheckOverlap, "check_overlap"},
                                          {kFlowResetCounts, "reset_counts"},
                                          {kFlowNoPacketCounts, "no_packet_counts"},
                                          {kFlowNoByteCounts, "no_byte_counts"}};
    if (mod.flags) {
        format_flags(kFlags, mod.flags, " ", "", out);
        out += ' ';
    }
    out += "actions=";
    format_actions(mod.actions, names, out);
    out += '\n';
}

}  // namespace messages

namespace {

using namespace messages;  // NOLINT

struct Printer {
    const Message& message;
    const Names* names;
    int verbosity;
    std::string& out;

    void line() { out += '\n'; }

    void operator()(const Hello& h) const {
        text::append(out, "\n version bitmap: {}\n", version_bitmap_text(h.versions));
    }
    void operator()(const ErrorMessage& e) const {
        auto error = error_from_code(e.code, message.version);
        if (error) {
            text::append(out, " {}\n", error_name(*error));
        } else {
            text::append(out, " ***decode error: vendor 0x{:x} type {} code {}***\n", e.code.vendor,
                         e.code.type, e.code.code);
        }
        if (*&error && *error == OfError::OFPHFC_INCOMPATIBLE) {
            out.append(reinterpret_cast<const char*>(e.data.data()), e.data.size());
            out += '\n';
        } else if (!e.data.empty()) {
            out += print(e.data, names, verbosity);
        }
    }
    void operator()(const EchoRequest& e) const {
        text::append(out, " {} bytes of payload\n", e.data.size());
    }
    void operator()(const EchoReply& e) const { text::append(out, " {} bytes of payload\n", e.data.size()); }
    void operator()(const FeaturesReply& f) const { print_features(f, message.version, out); }
    void config(const SwitchConfig& c) const {
        static constexpr const char* kFrags[] = {"normal", "drop", "reassemble", "nx-match"};
        text::append(out, " frags={}", kFrags[c.flags & 3]);
        if (c.flags & 4) out += " invalid_ttl_to_controller";
        text::append(out, " miss_send_len={}\n", c.miss_send_len);
    }
    void operator()(const GetConfigReply& c) const { config(c); }
    void operator()(const SetConfig& c) const { config(c); }

    void packet_in(const PacketIn& p) const {
        if (p.format != PacketInFormat::kStandard || message.version != Version::k10) {
            text::append(out, " table_id={}", p.table);
            if (p.cookie != ~0ull) text::append(out, " cookie=0x{:x}", p.cookie);
        }
        text::append(out, " total_len={} ", p.total_len);
        format_match(p.metadata, {names, -1}, out);
        text::append(out, " (via {})", packet_in_reason_name(p.reason));
        text::append(out, " data_len={}", p.packet.size());
        if (p.buffer_id == kNoBuffer) {
            out += " (unbuffered)";
        } else {
            text::append(out, " buffer=0x{:08x}", p.buffer_id);
        }
        out += '\n';
        if (!p.userdata.empty()) {
            out += " userdata=";
            for (size_t i = 0; i < p.userdata.size(); i++)
                text::append(out, "{}{:02x}", i ? "." : "", p.userdata[i]);
            out += '\n';
        }
        if (!p.continuation.empty()) text::append(out, " continuation={} bytes\n", p.continuation.size());
        hex_dump(p.packet);
    }
    void hex_dump(const Bytes& bytes) const {
        if (verbosity < 1) return;
        for (size_t at = 0; at < bytes.size(); at += 16) {
            text::append(out, "{:08x} ", at);
            for (size_t i = at; i < std::min(at + 16, bytes.size()); i++)
                text::append(out, " {:02x}", bytes[i]);
            out += '\n';
        }
    }
    void operator()(const PacketIn& p) const { packet_in(p); }
    void operator()(const Resume& r) const { packet_in(r.packet_in); }
    void operator()(const PacketOut& p) const {
        out += ' ';
        format_match(p.metadata, {names, -1}, out);
        out += " actions=";
        format_actions(p.actions, names, out);
        if (p.buffer_id == kNoBuffer) {
            text::append(out, " data_len={}\n", p.packet.size());
            hex_dump(p.packet);
        } else {
            text::append(out, " buffer=0x{:08x}\n", p.buffer_id);
        }
    }
    void operator()(const FlowMod& mod) const { print_flow_mod(mod, names, verbosity, out); }
    void operator()(const FlowRemoved& r) const {
        static constexpr const char* kReasons[] = {"idle",         "hard",         "delete",
                                                   "group_delete", "meter_delete", "eviction"};
        out += ' ';
        size_t before = out.size();
        format_match(r.match, {names, r.priority}, out);
        if (out.size() != before) out += ' ';
        size_t reason = static_cast<size_t>(r.reason);
        text::append(out, "reason={}", reason < std::size(kReasons) ? kReasons[reason] : "unknown");
        if (r.table != 0xff) text::append(out, " table_id={}", r.table);
        if (r.cookie) text::append(out, " cookie:0x{:x}", r.cookie);
        out += " duration";
        print_duration(r.duration_sec, r.duration_nsec, out);
        text::append(out, " idle{}", r.idle_timeout);
        if (r.hard_timeout) text::append(out, " hard{}", r.hard_timeout);
        text::append(out, " pkts{} bytes{}\n", r.packets, r.bytes);
    }
    void operator()(const PortStatus& s) const {
        static constexpr const char* kReasons[] = {"ADD", "DEL", "MOD"};
        text::append(out, " {}:", kReasons[static_cast<size_t>(s.reason) % 3]);
        print_port(s.port, message.version, out);
    }
    void operator()(const PortMod& m) const {
        out += " port: ";
        format_port(m.number, names, out);
        out += ": addr:";
        text::format_mac(m.address, out);
        text::append(out, "\n     config: 0x{:x}\n     mask:   0x{:x}\n     advertise: 0x{:x}\n", m.config,
                     m.mask, m.advertise);
    }
    static std::string bucket_place(uint32_t id) {
        return id == Bucket::kAll     ? "all"
               : id == Bucket::kFirst ? "first"
               : id == Bucket::kLast  ? "last"
                                      : std::to_string(id);
    }
    void operator()(const GroupMod& m) const {
        const char* command = "UNKNOWN";
        switch (m.command) {
            case GroupMod::Command::kAdd:
                command = "ADD";
                break;
            case GroupMod::Command::kModify:
                command = "MOD";
                break;
            case GroupMod::Command::kDelete:
                command = "DEL";
                break;
            case GroupMod::Command::kInsertBucket:
                command = "INSERT_BUCKET";
                break;
            case GroupMod::Command::kRemoveBucket:
                command = "REMOVE_BUCKET";
                break;
            case GroupMod::Command::kAddOrModify:
                command = "ADD_OR_MOD";
                break;
        }
        text::append(out, "\n {} ", command);
        // A change of buckets names its place, and goes without the group's type.
        const bool of_buckets =
            m.command == GroupMod::Command::kInsertBucket || m.command == GroupMod::Command::kRemoveBucket;
        if (of_buckets) text::append(out, "command_bucket_id:{},", bucket_place(m.command_bucket_id));
        format_group(m.group_id, of_buckets ? std::nullopt : std::optional(m.type), m.selection, m.buckets,
                     message.version, names, out);
        out += '\n';
    }
    void operator()(const MeterMod& m) const {
        static constexpr const char* kCommands[] = {"ADD", "MOD", "DEL"};
        text::append(out, " {} ", kCommands[static_cast<size_t>(m.command)]);
        format_meter(m.meter, out);
    }
    void operator()(const DescReply& d) const {
        text::append(out,
                     "\nManufacturer: {}\nHardware: {}\nSoftware: {}\nSerial Num: {}\nDP Description: {}\n",
                     d.manufacturer, d.hardware, d.software, d.serial, d.description);
    }
    void operator()(const FlowStatsReply& r) const {
        out += '\n';
        FlowTextOptions options;
        options.names = names;
        for (const FlowStats& flow : r.flows) {
            out += ' ';
            format_flow_stats(flow, options, out);
            out += '\n';
        }
    }
    void operator()(const AggregateStatsReply& r) const {
        text::append(out, " packet_count={} byte_count={} flow_count={}\n", r.packets, r.bytes, r.flows);
    }
    void operator()(const TableStatsReply& r) const { print_table_stats(r.tables, message.version, out); }
    void operator()(const TableFeaturesReply& r) const {
        out += '\n';
        print_table_features(r.tables, message.version, out);
    }
    void operator()(const PortDescReply& r) const {
        out += '\n';
        print_ports(r.ports, message.version, out);
    }
    void operator()(const PortStatsRequest& r) const {
        out += " port_no=";
        format_port(r.port, names, out);
        out += '\n';
    }
    void operator()(const PortStatsReply& r) const { print_port_stats(r, names, out); }
    void operator()(const QueueStatsReply& r) const {
        text::append(out, " {} queues\n", r.queues.size());
        auto counter = [&](const char* name, uint64_t value) {
            out += name;
            if (value == ~0ull) {
                out += '?';
            } else {
                text::append_decimal(out, value);
            }
            out += ", ";
        };
        for (const QueueStats& q : r.queues) {
            out += "  port ";
            format_port(q.port, names, out);
            text::append(out, " queue {}: ", q.queue);
            counter("bytes=", q.tx_bytes);
            counter("pkts=", q.tx_packets);
            counter("errors=", q.tx_errors);
            out += "duration=";
            if (q.duration_sec == ~0u) {
                out += '?';
            } else {
                print_duration(q.duration_sec, q.duration_nsec, out);
            }
            out += '\n';
        }
    }
    void operator()(const GroupDescReply& r) const {
        out += '\n';
        for (const GroupDesc& g : r.groups) {
            out += ' ';
            format_group(g.group_id, g.type, g.selection, g.buckets, message.version, names, out);
            out += '\n';
        }
    }
    void operator()(const GroupStatsReply& r) const {
        out += '\n';
        for (const GroupStats& g : r.groups) {
            text::append(out, " group_id={},", g.group_id);
            if (message.version >= Version::k13) {
                out += "duration=";
                print_duration(g.duration_sec, g.duration_nsec, out);
                out += ',';
            }
            text::append(out, "ref_count={},packet_count={},byte_count={}", g.ref_count, g.packets, g.bytes);
            for (size_t i = 0; i < g.buckets.size(); i++) {
                text::append(out, ",bucket{}:packet_count={},byte_count={}", i, g.buckets[i].packets,
                             g.buckets[i].bytes);
            }
            out += '\n';
        }
    }
    void operator()(const GroupFeaturesReply& r) const { print_group_features(r, message.version, out); }
    void operator()(const MeterConfigReply& r) const {
        out += '\n';
        for (const MeterConfig& m : r.meters) format_meter(m, out);
    }
    void operator()(const MeterStatsReply& r) const {
        out += '\n';
        for (const MeterStats& m : r.meters) {
            text::append(out,
                         "meter:{} flow_count:{} packet_in_count:{} byte_in_count:{} duration:", m.meter_id,
                         m.flow_count, m.packets, m.bytes);
            print_duration(m.duration_sec, m.duration_nsec, out);
            out += " bands:\n";
            for (size_t i = 0; i < m.bands.size(); i++) {
                text::append(out, "{}: packet_count:{} byte_count:{}\n", i, m.bands[i].packets,
                             m.bands[i].bytes);
            }
        }
    }
    void operator()(const MeterFeaturesReply& r) const {
        static constexpr FlagName kBands[] = {{2, "drop"}, {4, "dscp_remark"}};
        static constexpr FlagName kCaps[] = {
            {kMeterKbps, "kbps"}, {kMeterPktps, "pktps"}, {kMeterBurst, "burst"}, {kMeterStats, "stats"}};
        text::append(out, "\nmax_meter:{} max_bands:{} max_color:{}\nband_types: ", r.max_meters, r.max_bands,
                     r.max_color);
        format_flags(kBands, r.band_types, " ", "0", out);
        out += "\ncapabilities: ";
        format_flags(kCaps, r.capabilities, " ", "0", out);
        out += '\n';
    }
    void operator()(const TlvTableReply& r) const {
        uint32_t used = 0;
        for (const TlvMapping& m : r.mappings) used += m.option_len;
        text::append(out,
                     "\n max option space={} max fields={}\n allocated option space={}\n\n mapping table:\n"
                     "  class  type  length  match field\n ------  ----  ------  --------------\n",
                     r.max_option_space, r.max_fields, used);
        for (const TlvMapping& m : r.mappings) {
            auto hex = [](unsigned number) {
                return number ? fmt::format("{:#x}", number) : std::string("0");
            };
            text::append(out, " {:>6}  {:>4}  {:>6}  tun_metadata{}\n", hex(m.option_class),
                         hex(m.option_type), m.option_len, m.index);
        }
    }
    void operator()(const BundleControl& b) const {
        static constexpr const char* kTypes[] = {"OPEN_REQUEST",    "OPEN_REPLY",     "CLOSE_REQUEST",
                                                 "CLOSE_REPLY",     "COMMIT_REQUEST", "COMMIT_REPLY",
                                                 "DISCARD_REQUEST", "DISCARD_REPLY"};
        text::append(out, "\n bundle_id={}{:x} type={} flags=", b.bundle_id ? "0x" : "", b.bundle_id,
                     kTypes[static_cast<size_t>(b.type) & 7]);
        flags(b.flags);
        out += '\n';
    }
    void flags(uint16_t value) const {
        static constexpr FlagName kFlags[] = {{kBundleAtomic, "atomic"}, {kBundleOrdered, "ordered"}};
        format_flags(kFlags, value, " ", "0", out);
    }
    void operator()(const BundleAdd& b) const {
        text::append(out, "\n bundle_id={}{:x} flags=", b.bundle_id ? "0x" : "", b.bundle_id);
        flags(b.flags);
        out += '\n';
        out += print(b.message, names, verbosity);
    }
    void role(const RoleRequest& r) const {
        static constexpr const char* kRoles[] = {"nochange", "equal", "primary", "secondary"};
        text::append(out, " role={}", kRoles[static_cast<size_t>(r.role)]);
        if (r.has_generation) text::append(out, " generation_id={}", r.generation);
        out += '\n';
    }
    void operator()(const RoleRequest& r) const { role(r); }
    void operator()(const RoleReply& r) const { role(r); }
    void operator()(const CtFlushZone& z) const { text::append(out, " zone_id={}\n", z.zone); }
    void operator()(const SetControllerId& m) const { text::append(out, " id={}\n", m.id); }
    void operator()(const SetFlowFormat& m) const {
        text::append(out, " format={}\n", m.format == 2 ? "nxm" : m.format == 0 ? "openflow10" : "unknown");
    }
    void operator()(const FlowModTableId& m) const {
        text::append(out, " {}\n", m.set ? "enable" : "disable");
    }
    void operator()(const FlowStatsRequest& r) const {
        out += ' ';
        if (r.table != kTableAll) text::append(out, "table={} ", r.table);
        format_match(r.match, {names, -1}, out);
        out += '\n';
    }
    void operator()(const FlowMonitorCancel& m) const { text::append(out, " id={}\n", m.id); }
    void operator()(const TableStatus& s) const {
        out += s.reason == TableStatus::Reason::kVacancyDown ? " reason=VACANCY_DOWN" : " reason=VACANCY_UP";
        out += "\ntable_desc:-";
        TableDescReply one;
        one.tables.push_back(s.table);
        print_table_descs(one, out);
    }
    void operator()(const TableMod& m) const { print_table_mod(m, message.version, out); }
    void operator()(const TableDescReply& r) const { print_table_descs(r, out); }
    void operator()(const QueueConfigReply& r) const { print_queue_configs(r, message.version, names, out); }
    void operator()(const QueueConfigRequest& r) const {
        out += " port=";
        format_port(r.port, names, out);
        if (r.queue != kQueueAll) text::append(out, " queue={}", r.queue);
        out += '\n';
    }
    void operator()(const QueueStatsRequest& r) const {
        out += " port=";
        format_port(r.port, names, out);
        out += " queue=";
        if (r.queue == kQueueAll)
            out += "ALL";
        else
            text::append(out, "{}", r.queue);
        out += '\n';
    }
    void operator()(const FlowMonitorRequest& r) const { print_flow_monitors(r, names, out); }
    void operator()(const IpfixStatsReply& r) const { print_ipfix_stats(r, out); }
    void operator()(const FlowMonitorReply& r) const { print_flow_updates(r, names, out); }
    template <typename T>
    void operator()(const T&) const {
        out += '\n';
    }
};

constexpr const char* kNames[] = {"OFPT_HELLO",
                                  "OFPT_ERROR",
                                  "OFPT_ECHO_REQUEST",
                                  "OFPT_ECHO_REPLY",
                                  "OFPT_BARRIER_REQUEST",
                                  "OFPT_BARRIER_REPLY",
                                  "OFPT_FEATURES_REQUEST",
                                  "OFPT_FEATURES_REPLY",
                                  "OFPT_GET_CONFIG_REQUEST",
                                  "OFPT_GET_CONFIG_REPLY",
                                  "OFPT_SET_CONFIG",
                                  "OFPT_PACKET_IN",
                                  "OFPT_PACKET_OUT",
                                  "NXT_RESUME",
                                  "OFPT_FLOW_MOD",
                                  "OFPT_FLOW_REMOVED",
                                  "OFPT_PORT_STATUS",
                                  "OFPT_PORT_MOD",
                                  "OFPT_TABLE_MOD",
                                  "OFPT_GROUP_MOD",
                                  "OFPT_METER_MOD",
                                  "OFPST_DESC request",
                                  "OFPST_DESC reply",
                                  "OFPST_FLOW request",
                                  "OFPST_FLOW reply",
                                  "OFPST_AGGREGATE reply",
                                  "OFPST_TABLE request",
                                  "OFPST_TABLE reply",
                                  "OFPST_TABLE_DESC request",
                                  "OFPST_TABLE_DESC reply",
                                  "OFPST_TABLE_FEATURES request",
                                  "OFPST_TABLE_FEATURES reply",
                                  "OFPST_PORT_DESC request",
                                  "OFPST_PORT_DESC reply",
                                  "OFPST_PORT request",
                                  "OFPST_PORT reply",
                                  "OFPST_QUEUE request",
                                  "OFPST_QUEUE reply",
                                  "OFPT_QUEUE_GET_CONFIG_REQUEST",
                                  "OFPT_QUEUE_GET_CONFIG_REPLY",
                                  "OFPST_GROUP_DESC request",
                                  "OFPST_GROUP_DESC reply",
                                  "OFPST_GROUP request",
                                  "OFPST_GROUP reply",
                                  "OFPST_GROUP_FEATURES request",
                                  "OFPST_GROUP_FEATURES reply",
                                  "OFPST_METER_CONFIG request",
                                  "OFPST_METER_CONFIG reply",
                                  "OFPST_METER request",
                                  "OFPST_METER reply",
                                  "OFPST_METER_FEATURES request",
                                  "OFPST_METER_FEATURES reply",
                                  "OFPST_FLOW_MONITOR request",
                                  "OFPST_FLOW_MONITOR reply",
                                  "NXT_FLOW_MONITOR_CANCEL",
                                  "NXT_FLOW_MONITOR_PAUSED",
                                  "NXT_FLOW_MONITOR_RESUMED",
                                  "OFPT_ROLE_REQUEST",
                                  "OFPT_ROLE_REPLY",
                                  "OFPT_ROLE_STATUS",
                                  "OFPT_TABLE_STATUS",
                                  "OFPT_GET_ASYNC_REQUEST",
                                  "OFPT_GET_ASYNC_REPLY",
                                  "OFPT_SET_ASYNC",
                                  "OFPT_BUNDLE_CONTROL",
                                  "OFPT_BUNDLE_ADD_MESSAGE",
                                  "NXT_SET_FLOW_FORMAT",
                                  "NXT_FLOW_MOD_TABLE_ID",
                                  "NXT_FLOW_AGE",
                                  "NXT_SET_PACKET_IN_FORMAT",
                                  "NXT_SET_CONTROLLER_ID",
                                  "NXT_TLV_TABLE_MOD",
                                  "NXT_TLV_TABLE_REQUEST",
                                  "NXT_TLV_TABLE_REPLY",
                                  "NXT_CT_FLUSH_ZONE",
                                  "NXT_CT_FLUSH",
                                  "NXST_IPFIX request",
                                  "NXST_IPFIX reply",
                                  "vendor message"};
static_assert(std::size(kNames) == std::variant_size_v<BodyVariant>);

}  // namespace

const char* message_name(const Message& message) {
    if (auto* mod = message.get_if<FlowMod>(); mod && mod->nicira) return "NXT_FLOW_MOD";
    if (auto* reply = message.get_if<FlowStatsReply>(); reply && reply->nicira) return "NXST_FLOW reply";
    if (auto* reply = message.get_if<AggregateStatsReply>(); reply && reply->nicira)
        return "NXST_AGGREGATE reply";
    if (auto* request = message.get_if<FlowStatsRequest>()) {
        if (request->aggregate) return request->nicira ? "NXST_AGGREGATE request" : "OFPST_AGGREGATE request";
        if (request->nicira) return "NXST_FLOW request";
    }
    if (auto* request = message.get_if<IpfixStatsRequest>())
        return request->flow ? "NXST_IPFIX_FLOW request" : "NXST_IPFIX_BRIDGE request";
    if (auto* reply = message.get_if<IpfixStatsReply>())
        return reply->flow ? "NXST_IPFIX_FLOW reply" : "NXST_IPFIX_BRIDGE reply";
    if (auto* p = message.get_if<PacketIn>()) {
        if (p->format == PacketInFormat::kNxm) return "NXT_PACKET_IN";
        if (p->format == PacketInFormat::kNxm2) return "NXT_PACKET_IN2";
    }
    if (message.version < Version::k14) {
        bool onf = message.version == Version::k13;
        if (message.get_if<FlowMonitorRequest>())
            return onf ? "ONFST_FLOW_MONITOR request" : "NXST_FLOW_MONITOR request";
        if (message.get_if<FlowMonitorReply>())
            return onf ? "ONFST_FLOW_MONITOR reply" : "NXST_FLOW_MONITOR reply";
        if (onf && message.get_if<FlowMonitorCancel>()) return "ONFT_FLOW_MONITOR_CANCEL";
        if (onf && message.get_if<FlowMonitorPaused>()) return "ONFT_FLOW_MONITOR_PAUSED";
        if (onf && message.get_if<FlowMonitorResumed>()) return "ONFT_FLOW_MONITOR_RESUMED";
        if (message.get_if<BundleControl>()) return "ONFT_BUNDLE_CONTROL";
        if (message.get_if<BundleAdd>()) return "ONFT_BUNDLE_ADD_MESSAGE";
    }
    if (message.version == Version::k10) {  // which has no groups of its own
        if (message.get_if<GroupMod>()) return "NXT_GROUP_MOD";
        if (message.get_if<GroupDescRequest>()) return "NXST_GROUP_DESC request";
        if (message.get_if<GroupDescReply>()) return "NXST_GROUP_DESC reply";
        if (message.get_if<GroupStatsRequest>()) return "NXST_GROUP request";
        if (message.get_if<GroupStatsReply>()) return "NXST_GROUP reply";
    }
    if (message.version <= Version::k11) {  // 1.1 has groups, but no features of them
        if (message.get_if<GroupFeaturesRequest>()) return "NXST_GROUP_FEATURES request";
        if (message.get_if<GroupFeaturesReply>()) return "NXST_GROUP_FEATURES reply";
    }
    if (message.version >= Version::k14) {
        if (message.get_if<QueueConfigRequest>()) return "OFPST_QUEUE_DESC request";
        if (message.get_if<QueueConfigReply>()) return "OFPST_QUEUE_DESC reply";
    }
    return kNames[message.body.index()];
}

namespace {

std::string heading(const Message& message) {
    std::string out = message_name(message);
    if (message.version != Version::k10)
        text::append(out, " (OF1.{})", static_cast<int>(message.version) - 1);
    text::append(out, " (xid=0x{:x}):", message.xid);
    return out;
}

}  // namespace

std::string to_string(const Message& message, const Names* names, int verbosity) {
    std::string out = heading(message);
    std::visit(Printer{message, names, verbosity, out}, message.body);
    return out;
}

std::string print(ByteView bytes, const Names* names, int verbosity) {
    Message message;
    DecodeOptions options;
    options.flow_mod_table_id = true;  // as if it were on: without it the table is 0
    OfError error = decode(bytes, options, message);
    Header header;
    bool whole = peek_header(bytes, header) && header.length == bytes.size();
    if (error == OfError::kNone && whole) return to_string(message, names, verbosity);
    std::string out;
    if (!whole && bytes.size() >= kHeaderBytes && header.length > bytes.size()) {
        text::append(out, "(***truncated to {} bytes from {}***)\n", bytes.size(), header.length);
    } else if (!whole && bytes.size() >= kHeaderBytes) {
        text::append(out, "(***only uses {} bytes out of {}***)\n", header.length, bytes.size());
    } else if (bytes.size() < kHeaderBytes) {
        text::append(out, "OpenFlow packet too short (only {} bytes):\n", bytes.size());
    } else {
        // What it is was told, unless not even that could be read.
        if (message.body.index()) out = heading(message) + ' ';
        text::append(out, "***decode error: {}***\n", error_name(error));
    }
    for (size_t at = 0; at < bytes.size(); at += 16) {
        text::append(out, "{:08x} ", at);
        for (size_t i = at; i < at + 16; i++) {
            if (i < bytes.size()) {
                text::append(out, "{}{:02x}", i % 16 == 8 ? '-' : ' ', bytes[i]);
            } else {
                out += i % 16 == 8 ? "-  " : "   ";
            }
        }
        out += " |";
        for (size_t i = at; i < at + 16; i++) {
            out += i >= bytes.size()                  ? ' '
                   : bytes[i] >= 32 && bytes[i] < 127 ? static_cast<char>(bytes[i])
                                                      : '.';
        }
        out += "|\n";
    }
    return out;
}

}  // namespace weft::openflow
