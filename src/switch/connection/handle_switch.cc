// The switch as a whole and the connection: features, configuration, tables, roles, tunnel options.

#include <algorithm>
#include <bitset>

#include "base/clock.h"
#include "packet/address.h"
#include "switch/bridge/switch.h"
#include "switch/connection/connection_manager.h"
#include "switch/connection/of_connection_state.h"
#include "switch/upcall/flush_connections.h"

namespace weft::vswitch {

namespace of = openflow;
using of::OfError;

namespace {

constexpr uint32_t kAllReasons = ~0u;

}  // namespace

void OfConnection::set_default_async() {
    async_ = {};
    // Tools on the management socket get nothing unasked (but what packet-ins they ask for, by
    // miss_send_len).
    async_.packet_in[0] = reason_bit(0) | reason_bit(1) | reason_bit(3) | reason_bit(4) | reason_bit(5);
    if (version() < of::Version::k13) async_.packet_in[0] |= 0;
    async_.flow_removed[0] = kAllReasons;
    async_.port_status[0] = kAllReasons;
    async_.port_status[1] = kAllReasons;
    async_.role_status[0] = async_.role_status[1] = 7;
    async_.requestforward[0] = 0;
}

void OfConnection::handle(const of::FeaturesRequest&) {
    of::FeaturesReply out;
    out.datapath_id = bridge_.datapath_id;
    out.buffers = 0;
    out.tables = kInternalTable;
    out.capabilities = of::kCapFlowStats | of::kCapTableStats | of::kCapPortStats | of::kCapQueueStats;
    if (version() <= of::Version::k11) out.capabilities |= of::kCapArpMatchIp;
    if (version() == of::Version::k10) {
        out.actions = 0xfff;
    } else {
        out.capabilities |= of::kCapGroupStats;
        if (version() >= of::Version::k14) out.capabilities |= of::kCapBundles;
    }
    if (version() < of::Version::k13) {
        for (const auto& [number, port] : bridge_.ports()) out.ports.push_back(describe(*port));
    }
    reply(std::move(out));
}

void OfConnection::handle(const of::GetConfigRequest&) {
    of::GetConfigReply out;
    out.flags = static_cast<uint16_t>(bridge_.frag_mode);
    if (version() < of::Version::k13 && invalid_ttl_to_controller_) out.flags |= 4;
    out.miss_send_len = miss_send_len_;
    reply(out);
}

void OfConnection::handle(const of::SetConfig& config) {
    uint16_t known = version() < of::Version::k13 ? 7 : 3;
    if (config.flags & ~known) return fail(OfError::OFPSCFC_BAD_FLAGS);
    if (!may_write()) return;
    invalid_ttl_to_controller_ = config.flags & 4;
    miss_send_len_ = config.miss_send_len;
    uint16_t frags = config.flags & 3;
    FragMode wanted = frags == 1 ? FragMode::kDrop : frags == 3 ? FragMode::kNxMatch : FragMode::kNormal;
    if (frags != 2 && wanted != bridge_.frag_mode) {
        bridge_.frag_mode = wanted;
        bridge_.touch();
    }
}

void OfConnection::handle(const of::DescRequest&) {
    of::DescReply out;
    out.manufacturer = bridge_.mfr_desc.empty() ? "Weft" : bridge_.mfr_desc;
    out.hardware = bridge_.hw_desc.empty() ? "Open vSwitch" : bridge_.hw_desc;
    out.software = bridge_.sw_desc.empty() ? manager_.version() : bridge_.sw_desc;
    out.serial = bridge_.serial_desc.empty() ? "None" : bridge_.serial_desc;
    out.description = bridge_.dp_desc.empty() ? "None" : bridge_.dp_desc;
    reply(std::move(out));
}

void OfConnection::handle(const of::TableMod& mod) {
    if (mod.table != of::kTableAll && mod.table >= kInternalTable) return fail(OfError::OFPTMFC_BAD_TABLE);
    size_t first = mod.table == of::kTableAll ? 0 : mod.table;
    size_t last = mod.table == of::kTableAll ? kInternalTable - 1u : mod.table;
    for (size_t i = first; i <= last; ++i) {
        FlowTable& table = bridge_.table(static_cast<uint8_t>(i));
        if (version() <= of::Version::k12) {
            table.miss = (mod.config & 3) == 0   ? MissAction::kController
                         : (mod.config & 3) == 1 ? MissAction::kContinue
                                                 : MissAction::kDrop;
        } else if (version() >= of::Version::k14) {
            table.evict = mod.config & of::kTableEviction;
            table.vacancy_events = mod.config & of::kTableVacancy;
            table.vacancy_down = mod.vacancy_down;
            table.vacancy_up = mod.vacancy_up;
            table.vacancy_low = table.vacancy() < mod.vacancy_down;
        }
    }
    bridge_.touch();
}

void OfConnection::handle(const of::TableStatsRequest&) {
    backer_.pull_statistics();
    of::MultipartWriter writer(version(), xid_, of::MultipartWriter::Kind::kTable);
    for (size_t i = 0; i < kInternalTable; ++i) {
        const FlowTable& table = bridge_.table(static_cast<uint8_t>(i));
        of::TableStats out;
        out.table = static_cast<uint8_t>(i);
        out.name = table.name;
        out.max_entries = std::min<uint32_t>(table.max_flows, 1000000);
        out.active = static_cast<uint32_t>(table.classifier.size());
        out.matched = table.matched;
        out.lookups = table.matched + table.missed;
        if (version() < of::Version::k13) out.features = features_of(out.table);
        writer.add(out);
    }
    for (Bytes& message : writer.finish()) send_raw(message);
}

void OfConnection::handle(const of::TableDescRequest&) {
    of::TableDescReply out;
    for (size_t i = 0; i < kInternalTable; ++i) {
        out.tables.push_back(describe_table(static_cast<uint8_t>(i)));
    }
    reply(std::move(out));
}

of::TableDesc OfConnection::describe_table(uint8_t id) const {
    const FlowTable& table = bridge_.table(id);
    of::TableDesc desc;
    desc.table = id;
    desc.config = (table.evict ? of::kTableEviction : 0) | (table.vacancy_events ? of::kTableVacancy : 0);
    desc.eviction_flags = of::kEvictAll;
    desc.vacancy_down = table.vacancy_down;
    desc.vacancy_up = table.vacancy_up;
    desc.vacancy = table.vacancy();
    return desc;
}

std::string OfConnection::table_name(uint8_t id) const {
    return bridge_.table(id).name;
}

// All tables are alike, but that nothing comes after the last one.
of::TableFeatures OfConnection::features_of(uint8_t table) const {
    // Those that a version has numbers for; set_field has taken the place of 1.1's for each field.
    constexpr uint64_t kActions11 = 0x1ffe7ff, kActions12 = 0x3ff8001;
    constexpr uint32_t kGotoTable = 1 << 1, kMeter = 1 << 6, kOthers = 0x3c;  // 1.5 has an action to meter
    const bool last = table + 1u == kInternalTable;
    of::TableFeatures features;
    features.table = table;
    features.metadata_match = features.metadata_write = ~0ull;
    features.max_entries = 1000000;
    for (size_t f = 0; f < of::kFieldCount; ++f) {
        const of::Field& field = of::field(static_cast<of::FieldId>(f));
        if (!field.oxm.exists && !field.nxm.exists && version() >= of::Version::k12) continue;
        features.match.emplace_back(field.id, field.maskable);
        features.wildcards.push_back(field.id);
    }
    for (of::TableFeatures::Properties& properties : features.properties) {
        properties.instructions = kOthers | (last ? 0 : kGotoTable);
        if (version() == of::Version::k13 || version() == of::Version::k14) properties.instructions |= kMeter;
        properties.write_actions = properties.apply_actions =
            version() == of::Version::k11 ? kActions11 : kActions12;
        for (size_t f = 0; f < of::kFieldCount; ++f) {
            const of::Field& field = of::field(static_cast<of::FieldId>(f));
            if (!field.writable || (!field.oxm.exists && !field.nxm.exists)) continue;
            properties.write_set_field.push_back(field.id);
            properties.apply_set_field.push_back(field.id);
        }
        for (size_t next = table + 1u; next < kInternalTable; ++next)
            properties.next_tables.push_back(static_cast<uint8_t>(next));
    }
    return features;
}

void OfConnection::handle(const of::TableFeaturesRequest& request) {
    std::bitset<256> seen;
    for (const of::TableFeatures& table : request.tables) {
        if (seen.test(table.table)) return fail(OfError::NXTFFC_DUP_TABLE);
        seen.set(table.table);
    }
    // All tables, none, or those of OpenFlow 1.5 that are to be modified; of what they can do only their
    // names change, unless the database says these.
    bool modify = version() >= of::Version::k15;
    for (const of::TableFeatures& table : request.tables) modify = modify && table.modify;
    if (!request.tables.empty() && !modify && seen.count() != kInternalTable)
        return fail(OfError::OFPTFFC_EPERM);
    for (const of::TableFeatures& table : request.tables) {
        if (table.table >= kInternalTable) return fail(OfError::OFPTFFC_BAD_TABLE);
        if (modify && bridge_.table(table.table).named && table.name != table_name(table.table))
            return fail(OfError::OFPTFFC_EPERM);
    }
    for (const of::TableFeatures& table : request.tables) {
        FlowTable& flows = bridge_.table(table.table);
        if (!flows.named) flows.name = table.name;
    }
    constexpr size_t kTablesPerMessage = 8;
    of::TableFeaturesReply out;
    for (size_t i = 0; i < kInternalTable; ++i) {
        of::TableFeatures each = features_of(static_cast<uint8_t>(i));
        each.name = table_name(each.table);
        out.tables.push_back(std::move(each));
        bool last = i + 1u == kInternalTable;
        if (out.tables.size() < kTablesPerMessage && !last) continue;
        out.more = !last;
        reply(std::move(out));
        out = {};
    }
}

// --- roles and what comes unasked

void OfConnection::handle(const of::RoleRequest& request) {
    if (request.role != of::Role::kNoChange) {
        if (request.has_generation &&
            (request.role == of::Role::kPrimary || request.role == of::Role::kSecondary)) {
            if (!manager_.accept_generation(bridge_, request.generation)) return fail(OfError::OFPRRFC_STALE);
        }
        if (request.role == of::Role::kPrimary) manager_.demote_primaries(bridge_, this);
        role_ = request.role;
    }
    of::RoleReply out;
    out.role = role_;
    out.nicira = request.nicira;
    auto generation = manager_.generation(bridge_);
    out.has_generation = generation.has_value();
    out.generation = generation.value_or(~0ull);
    reply(out);
}

void OfConnection::handle(const of::GetAsyncRequest&) {
    of::GetAsyncReply out;
    static_cast<of::AsyncConfig&>(out) = async_;
    reply(out);
}

void OfConnection::handle(const of::SetAsync& config) {
    auto take = [&](unsigned bit, uint32_t(&into)[2], const uint32_t(&from)[2]) {
        if (!(config.present >> bit & 1)) return;
        into[0] = from[0];
        into[1] = from[1];
    };
    take(0, async_.packet_in, config.packet_in);
    take(1, async_.port_status, config.port_status);
    take(2, async_.flow_removed, config.flow_removed);
    take(3, async_.role_status, config.role_status);
    take(4, async_.table_status, config.table_status);
    take(5, async_.requestforward, config.requestforward);
    if (kind_ == Kind::kService && !miss_send_len_) miss_send_len_ = 128;
}

void OfConnection::handle(const of::BarrierRequest&) {
    flush_updates();
    reply(of::BarrierReply{});
}

void OfConnection::handle(const of::EchoReply&) {}

// --- Nicira's settings

void OfConnection::handle(const of::SetFlowFormat& format) {
    nxm_ = format.format == 2;
}

void OfConnection::handle(const of::FlowModTableId& setting) {
    flow_mod_table_id_ = setting.set;
}

void OfConnection::handle(const of::FlowAge&) {}  // ages are told in any case

void OfConnection::handle(const of::SetPacketInFormat& format) {
    packet_in_format_ = format.format;
}

void OfConnection::handle(const of::SetControllerId& id) {
    controller_id_ = id.id;
}

void OfConnection::handle(const of::TlvTableMod& mod) {
    using Command = of::TlvTableMod::Command;
    auto table = std::make_shared<of::TunnelTable>(*bridge_.tunnel_table);
    switch (mod.command) {
        case Command::kAdd:
            for (const of::TlvMapping& mapping : mod.mappings) {
                if (mapping.index >= packet::kTunnelMetadataFields)
                    return fail(OfError::NXTTMFC_BAD_FIELD_IDX);
                if (mapping.option_len == 0 || mapping.option_len > 124 || mapping.option_len % 4)
                    return fail(OfError::NXTTMFC_BAD_OPT_LEN);
                if (table->slot(mapping.index)) return fail(OfError::NXTTMFC_ALREADY_MAPPED);
                if (table->find(mapping.option_class, mapping.option_type, mapping.option_len))
                    return fail(OfError::NXTTMFC_DUP_ENTRY);
                if (!table->add(mapping)) return fail(OfError::NXTTMFC_TABLE_FULL);
            }
            break;
        case Command::kDelete:
            for (const of::TlvMapping& mapping : mod.mappings) table->remove(mapping.index);
            break;
        case Command::kClear:
            table->clear();
            break;
    }
    bridge_.tunnel_table = table;
    bridge_.touch();
    backer_.purge();  // masks and states were laid out by the old table
}

void OfConnection::handle(const of::TlvTableRequest&) {
    of::TlvTableReply out;
    out.max_option_space = packet::kTunnelMetadataBytes;
    out.max_fields = packet::kTunnelMetadataFields;
    out.mappings = bridge_.tunnel_table->mappings();
    reply(std::move(out));
}

// As many as fit a message.
static constexpr size_t kIpfixStatsPerMessage = 700;

void OfConnection::handle(const of::IpfixStatsRequest& request) {
    const Exporters& exporters = manager_.owner().exporters();
    of::IpfixStatsReply out;
    out.flow = request.flow;
    auto add = [&](uint32_t id, const Exporters::IpfixExporter& exporter) {
        if (out.exporters.size() == kIpfixStatsPerMessage) {
            out.more = true;
            reply(std::exchange(out, {}));
            out.flow = request.flow;
        }
        Ipfix::Statistics s = exporter.ipfix.statistics();
        out.exporters.push_back({s.flows, s.current_flows, s.packets, s.ipv4, s.ipv6, s.error_packets,
                                 s.ipv4_errors, s.ipv6_errors, s.tx, s.tx_errors, id});
    };
    if (request.flow) {
        for (const auto& [id, exporter] : exporters.flow_ipfix(bridge_)) add(id, *exporter);
    } else if (const Exporters::IpfixExporter* exporter = exporters.bridge_ipfix(bridge_)) {
        add(0, *exporter);
    }
    if (out.exporters.empty()) return fail(OfError::NXST_NOT_CONFIGURED);
    reply(std::move(out));
}

void OfConnection::handle(const of::CtFlushZone& flush) {
    if (auto* connections = backer_.datapath().connections()) connections->flush(flush.zone, {}, {});
}

void OfConnection::handle(const of::CtFlush& flush) {
    if (auto* connections = backer_.datapath().connections()) flush_connections(*connections, flush);
}

}  // namespace weft::vswitch
