// Flow changes, removals and statistics on the wire.

#include "openflow/messages/flow.h"

#include "openflow/messages/wire.h"

namespace weft::openflow::wire {

namespace {

constexpr size_t kMatch10Bytes = 40;

// OpenFlow 1.5 statistics (OXS, section 7.2.4).
constexpr uint16_t kOxsClass = 0x8002;
enum Oxs : uint8_t {
    kOxsDuration = 0,
    kOxsIdleTime = 1,
    kOxsFlowCount = 3,
    kOxsPacketCount = 4,
    kOxsByteCount = 5
};

class OxsWriter {
  public:
    explicit OxsWriter(Encoder& e) : e_(e), start_(e.out.size()) { e.out.zeros(4); }
    ~OxsWriter() {
        e_.patch_length(start_ + 2, start_);
        e_.out.pad(8, start_);
    }
    void u64(Oxs field, uint64_t value) {
        header(field, 8);
        e_.out.u64(value);
    }
    void u32(Oxs field, uint32_t value) {
        header(field, 4);
        e_.out.u32(value);
    }
    void pair(Oxs field, uint32_t a, uint32_t b) { u64(field, uint64_t{a} << 32 | b); }

  private:
    void header(Oxs field, uint8_t size) {
        e_.out.u16(kOxsClass);
        e_.out.u8(static_cast<uint8_t>(field << 1));
        e_.out.u8(size);
    }
    Encoder& e_;
    size_t start_;
};

struct OxsValues {
    uint64_t duration = 0, idle = ~uint64_t{0}, packets = ~uint64_t{0}, bytes = ~uint64_t{0};
    uint32_t flows = 0;
};

OfError get_oxs(Decoder& d, OxsValues& values) {
    d.in.skip(2);
    size_t length = d.in.u16();
    if (!d.in.ok() || length < 4) return OfError::OFPBRC_BAD_LEN;
    ByteReader fields(d.in.bytes(length - 4));
    d.in.skip(std::min((8 - length % 8) % 8, d.in.size()));
    while (fields.ok() && fields.size() >= 4) {
        uint16_t oxs_class = fields.u16();
        uint8_t field = fields.u8() >> 1, size = fields.u8();
        ByteReader value(fields.bytes(size));
        if (oxs_class != kOxsClass) continue;
        switch (field) {
            case kOxsDuration:
                values.duration = value.u64();
                break;
            case kOxsIdleTime:
                values.idle = value.u64();
                break;
            case kOxsFlowCount:
                values.flows = value.u32();
                break;
            case kOxsPacketCount:
                values.packets = value.u64();
                break;
            case kOxsByteCount:
                values.bytes = value.u64();
                break;
            default:
                break;
        }
    }
    return fields.ok() && d.in.ok() ? OfError::kNone : OfError::OFPBRC_BAD_LEN;
}

uint16_t flags_for(Version version, uint16_t flags) {
    return version == Version::k10 ? flags & 3 : version < Version::k13 ? flags & 7 : flags & 31;
}

// True if OpenFlow 1.0's own match can say it.
bool fits10(const Match& match) {
    ByteWriter scratch;
    return encode_ofp10_match(match, scratch);
}

uint64_t added_cookie(const FlowMod& m) {
    return m.command == FlowMod::Command::kAdd || m.modify_cookie ? m.new_cookie : ~uint64_t{0};
}

uint16_t command10(const FlowMod& m, bool table_id) {
    uint16_t command = static_cast<uint16_t>(m.command);
    return table_id ? static_cast<uint16_t>(m.table << 8 | command) : command;
}

void put_mod10(Encoder& e, const FlowMod& m, bool table_id) {
    e.header(kFlowMod);
    encode_ofp10_match(m.match, e.out);
    e.out.u64(added_cookie(m));
    e.out.u16(command10(m, table_id));
    e.out.u16(m.idle_timeout);
    e.out.u16(m.hard_timeout);
    e.out.u16(m.priority);
    e.out.u32(m.buffer_id);
    e.out.u16(port_to_of10(m.out_port));
    e.out.u16(flags_for(e.version, m.flags));
    encode_actions(m.actions, e.version, e.out);
}

void put_mod_nxm(Encoder& e, const FlowMod& m, bool table_id) {
    e.vendor(kVendorNicira, kNxFlowMod);
    e.out.u64(added_cookie(m));
    e.out.u16(command10(m, table_id));
    e.out.u16(m.idle_timeout);
    e.out.u16(m.hard_timeout);
    e.out.u16(m.priority);
    e.out.u32(m.buffer_id);
    e.out.u16(port_to_of10(m.out_port));
    e.out.u16(flags_for(Version::k13, m.flags));
    size_t length_at = e.out.size();
    e.out.zeros(8);
    e.nx_match(m.match, length_at, m.cookie, m.cookie_mask);
    encode_actions(m.actions, e.version, e.out);
}

void put_mod11(Encoder& e, const FlowMod& m) {
    e.header(kFlowMod);
    bool add = m.command == FlowMod::Command::kAdd;
    e.out.u64(add ? m.new_cookie : m.cookie);
    e.out.u64(add ? 0 : m.cookie_mask);
    e.out.u8(m.table == kTableAll && add ? 0 : m.table);
    e.out.u8(static_cast<uint8_t>(m.command));
    e.out.u16(m.idle_timeout);
    e.out.u16(m.hard_timeout);
    e.out.u16(m.priority);
    e.out.u32(m.buffer_id);
    e.out.u32(m.out_port);
    e.out.u32(m.out_group);
    e.out.u16(flags_for(e.version, m.flags));
    e.out.u16(e.version >= Version::k14 ? m.importance : 0);
    e.match(m.match);
    encode_instructions(m.actions, e.version, e.out);
}

void put(Encoder& e, const FlowMod& m) {
    if (!e.is10()) return put_mod11(e, m);
    // OpenFlow 1.0's own form cannot match cookies.
    m.cookie_mask || !fits10(m.match) ? put_mod_nxm(e, m, m.table != kTableAll)
                                      : put_mod10(e, m, m.table != kTableAll);
}

void put_removed15(Encoder& e, const FlowRemoved& m) {
    e.out.u8(m.table);
    e.out.u8(static_cast<uint8_t>(m.reason));
    e.out.u16(m.priority);
    e.out.u16(m.idle_timeout);
    e.out.u16(m.hard_timeout);
    e.out.u64(m.cookie);
    e.match(m.match);
    OxsWriter stats(e);
    stats.pair(kOxsDuration, m.duration_sec, m.duration_nsec);
    stats.u64(kOxsPacketCount, m.packets);
    stats.u64(kOxsByteCount, m.bytes);
}

void put(Encoder& e, const FlowRemoved& m) {
    bool nxm = e.is10() && !fits10(m.match);
    nxm ? e.vendor(kVendorNicira, kNxFlowRemoved) : e.header(kFlowRemoved);
    if (e.version == Version::k15) return put_removed15(e, m);
    if (e.is10() && !nxm) encode_ofp10_match(m.match, e.out);
    e.out.u64(m.cookie);
    e.out.u16(m.priority);
    e.out.u8(static_cast<uint8_t>(m.reason));
    e.out.u8(nxm ? static_cast<uint8_t>(m.table + 1) : e.is10() ? 0 : m.table);
    e.out.u32(m.duration_sec);
    e.out.u32(m.duration_nsec);
    e.out.u16(m.idle_timeout);
    size_t length_at = e.out.size();
    e.out.u16(e.is10() ? 0 : m.hard_timeout);
    e.out.u64(m.packets);
    e.out.u64(m.bytes);
    if (nxm) {
        e.nx_match(m.match, length_at);
    } else if (!e.is10()) {
        e.match(m.match);
    }
}

void put(Encoder& e, const FlowStatsRequest& m) {
    if (!e.is10()) {
        e.multipart(m.aggregate ? kAggregate : kFlow, false);
        e.out.u8(m.table);
        e.out.zeros(3);
        e.out.u32(m.out_port);
        e.out.u32(m.out_group);
        e.out.zeros(4);
        e.out.u64(m.cookie);
        e.out.u64(m.cookie_mask);
        return e.match(m.match);
    }
    if (!m.cookie_mask && fits10(m.match)) {
        e.multipart(m.aggregate ? kAggregate : kFlow, false);
        encode_ofp10_match(m.match, e.out);
        e.out.u8(m.table);
        e.out.zeros(1);
        return e.port(m.out_port);
    }
    e.nicira_multipart(m.aggregate ? kNxAggregate : kNxFlow, false);
    e.port(m.out_port);
    size_t length_at = e.out.size();
    e.out.u16(0);
    e.out.u8(m.table);
    e.out.zeros(3);
    e.nx_match(m.match, length_at, m.cookie, m.cookie_mask);
}

void put(Encoder& e, const FlowStatsReply& m) {
    bool nxm = e.is10() && std::any_of(m.flows.begin(), m.flows.end(),
                                       [](const FlowStats& f) { return !fits10(f.match); });
    nxm ? e.nicira_multipart(kNxFlow, true, m.more) : e.multipart(kFlow, true, m.more);
    for (const FlowStats& flow : m.flows) put_flow_stats(e, flow, nxm);
}

void put(Encoder& e, const AggregateStatsReply& m) {
    e.multipart(kAggregate, true);
    if (e.version == Version::k15) {
        OxsWriter stats(e);
        stats.u32(kOxsFlowCount, m.flows);
        stats.u64(kOxsPacketCount, m.packets);
        stats.u64(kOxsByteCount, m.bytes);
        return;
    }
    e.out.u64(m.packets);
    e.out.u64(m.bytes);
    e.out.u32(m.flows);
    e.out.zeros(4);
}

void put_stats15(Encoder& e, const FlowStats& flow) {
    size_t start = e.out.size();
    e.out.zeros(4);
    e.out.u8(flow.table);
    e.out.zeros(1);
    e.out.u16(flow.priority);
    e.out.u16(flow.idle_timeout);
    e.out.u16(flow.hard_timeout);
    e.out.u16(flow.flags);
    e.out.u16(flow.importance);
    e.out.u64(flow.cookie);
    e.match(flow.match);
    {
        OxsWriter stats(e);
        stats.pair(kOxsDuration, flow.duration_sec, flow.duration_nsec);
        if (flow.idle_age >= 0) stats.pair(kOxsIdleTime, static_cast<uint32_t>(flow.idle_age), 0);
        stats.u64(kOxsPacketCount, flow.packets);
        stats.u64(kOxsByteCount, flow.bytes);
    }
    encode_instructions(flow.actions, e.version, e.out);
    e.patch_length(start, start);
}

// An age as NXST_FLOW has it: seconds plus one, 0 if unknown.
uint16_t wire_age(int32_t age) {
    return age < 0 ? 0 : static_cast<uint16_t>(std::min(age, 65534) + 1);
}

OfError get_mod10(Decoder& d, bool nxm, FlowMod& m) {
    if (!nxm) {
        ByteReader match(d.in.bytes(kMatch10Bytes));
        if (!d.in.ok()) return OfError::OFPBRC_BAD_LEN;
        if (OfError error = decode_ofp10_match(match, m.match); error != OfError::kNone) return error;
    }
    m.new_cookie = d.in.u64();
    uint16_t command = d.in.u16();
    m.idle_timeout = d.in.u16();
    m.hard_timeout = d.in.u16();
    m.priority = d.in.u16();
    m.buffer_id = d.in.u32();
    m.out_port = port_from_of10(d.in.u16());
    uint16_t flags = d.in.u16();
    if (!nxm && flags & 4) return OfError::OFPFMFC_BAD_FLAGS;  // emergency flows
    m.flags = flags;
    if (nxm) {
        size_t length = d.in.u16();
        d.in.skip(6);
        if (OfError error = d.nx_match(length, m.match, &m.cookie, &m.cookie_mask); error != OfError::kNone)
            return error;
    }
    if (d.options.flow_mod_table_id) {
        m.table = static_cast<uint8_t>(command >> 8);
        command &= 0xff;
    }
    if (command > 4) return OfError::OFPFMFC_BAD_COMMAND;
    m.command = static_cast<FlowMod::Command>(command);
    m.modify_cookie = !m.is_delete() && m.new_cookie != ~uint64_t{0};
    if (m.command == FlowMod::Command::kAdd) m.flags |= kFlowResetCounts;
    if (!d.in.ok()) return OfError::OFPBRC_BAD_LEN;
    return decode_actions(d.in.rest(), d.version, d.action_options(), m.actions);
}

OfError get_mod11(Decoder& d, FlowMod& m) {
    uint64_t cookie = d.in.u64(), cookie_mask = d.in.u64();
    m.table = d.in.u8();
    uint8_t command = d.in.u8();
    m.idle_timeout = d.in.u16();
    m.hard_timeout = d.in.u16();
    m.priority = d.in.u16();
    m.buffer_id = d.in.u32();
    m.out_port = d.in.u32();
    m.out_group = d.in.u32();
    uint16_t flags = d.in.u16();
    m.importance = d.in.u16();
    if (d.version < Version::k14) m.importance = 0;
    if (!d.in.ok()) return OfError::OFPBRC_BAD_LEN;
    if (command > 4) return OfError::OFPFMFC_BAD_COMMAND;
    m.command = static_cast<FlowMod::Command>(command);
    if (flags_for(d.version, flags) != flags) return OfError::OFPFMFC_BAD_FLAGS;
    m.flags = flags;
    if (m.command == FlowMod::Command::kAdd) {
        m.new_cookie = cookie;
        m.modify_cookie = cookie != ~uint64_t{0};
        if (m.table == kTableAll) return OfError::OFPFMFC_BAD_TABLE_ID;
        if (d.version < Version::k12) m.flags |= kFlowResetCounts;
    } else {
        m.cookie = cookie;
        m.cookie_mask = cookie_mask;
        m.new_cookie = ~uint64_t{0};
    }
    if (OfError error = d.match(m.match); error != OfError::kNone) return error;
    return decode_instructions(d.in.rest(), d.version, d.action_options(), m.actions);
}

OfError get_stats_entry(Decoder& d, bool nxm, FlowStats& flow);

OfError get_stats15(Decoder& d, FlowStats& flow) {
    d.in.skip(2);
    flow.table = d.in.u8();
    d.in.skip(1);
    flow.priority = d.in.u16();
    flow.idle_timeout = d.in.u16();
    flow.hard_timeout = d.in.u16();
    flow.flags = d.in.u16();
    flow.importance = d.in.u16();
    flow.cookie = d.in.u64();
    if (OfError error = d.match(flow.match); error != OfError::kNone) return error;
    OxsValues values;
    if (OfError error = get_oxs(d, values); error != OfError::kNone) return error;
    flow.duration_sec = static_cast<uint32_t>(values.duration >> 32);
    flow.duration_nsec = static_cast<uint32_t>(values.duration);
    if (values.idle != ~uint64_t{0}) flow.idle_age = static_cast<int32_t>(values.idle >> 32);
    flow.packets = values.packets;
    flow.bytes = values.bytes;
    return decode_instructions(d.in.rest(), d.version, d.action_options(), flow.actions);
}

OfError get_stats11(Decoder& d, FlowStats& flow) {
    flow.table = d.in.u8();
    d.in.skip(1);
    flow.duration_sec = d.in.u32();
    flow.duration_nsec = d.in.u32();
    flow.priority = d.in.u16();
    flow.idle_timeout = d.in.u16();
    flow.hard_timeout = d.in.u16();
    flow.flags = d.in.u16();
    flow.importance = d.in.u16();
    d.in.skip(2);
    flow.cookie = d.in.u64();
    flow.packets = d.in.u64();
    flow.bytes = d.in.u64();
    if (d.version < Version::k13) flow.flags = 0;
    if (d.version < Version::k14) flow.importance = 0;
    if (OfError error = d.match(flow.match); error != OfError::kNone) return error;
    return decode_instructions(d.in.rest(), d.version, d.action_options(), flow.actions);
}

OfError get_stats10(Decoder& d, FlowStats& flow) {
    flow.table = d.in.u8();
    d.in.skip(1);
    ByteReader match(d.in.bytes(kMatch10Bytes));
    flow.duration_sec = d.in.u32();
    flow.duration_nsec = d.in.u32();
    flow.priority = d.in.u16();
    flow.idle_timeout = d.in.u16();
    flow.hard_timeout = d.in.u16();
    d.in.skip(6);
    flow.cookie = d.in.u64();
    flow.packets = d.in.u64();
    flow.bytes = d.in.u64();
    if (!d.in.ok()) return OfError::OFPBRC_BAD_LEN;
    if (OfError error = decode_ofp10_match(match, flow.match); error != OfError::kNone) return error;
    return decode_actions(d.in.rest(), d.version, d.action_options(), flow.actions);
}

OfError get_stats_nxm(Decoder& d, FlowStats& flow) {
    flow.table = d.in.u8();
    d.in.skip(1);
    flow.duration_sec = d.in.u32();
    flow.duration_nsec = d.in.u32();
    flow.priority = d.in.u16();
    flow.idle_timeout = d.in.u16();
    flow.hard_timeout = d.in.u16();
    size_t length = d.in.u16();
    flow.idle_age = static_cast<int32_t>(d.in.u16()) - 1;
    flow.hard_age = static_cast<int32_t>(d.in.u16()) - 1;
    flow.cookie = d.in.u64();
    flow.packets = d.in.u64();
    flow.bytes = d.in.u64();
    if (OfError error = d.nx_match(length, flow.match); error != OfError::kNone) return error;
    return decode_actions(d.in.rest(), d.version, d.action_options(), flow.actions);
}

OfError get_stats_entry(Decoder& d, bool nxm, FlowStats& flow) {
    if (nxm) return get_stats_nxm(d, flow);
    if (d.is10()) return get_stats10(d, flow);
    return d.version == Version::k15 ? get_stats15(d, flow) : get_stats11(d, flow);
}

}  // namespace

void put_flow_stats(Encoder& e, const FlowStats& flow, bool nxm) {
    if (e.version == Version::k15) return put_stats15(e, flow);
    size_t start = e.out.size();
    e.out.zeros(2);
    e.out.u8(flow.table);
    e.out.zeros(1);
    if (e.is10() && !nxm) encode_ofp10_match(flow.match, e.out);
    e.out.u32(flow.duration_sec);
    e.out.u32(flow.duration_nsec);
    e.out.u16(flow.priority);
    e.out.u16(flow.idle_timeout);
    e.out.u16(flow.hard_timeout);
    size_t at = e.out.size();
    if (nxm) {
        e.out.u16(0);
        e.out.u16(wire_age(flow.idle_age));
        e.out.u16(wire_age(flow.hard_age));
    } else {
        e.out.u16(e.version >= Version::k13 ? flow.flags : 0);
        e.out.u16(e.version >= Version::k14 ? flow.importance : 0);
        e.out.zeros(2);
    }
    e.out.u64(flow.cookie);
    e.out.u64(flow.packets);
    e.out.u64(flow.bytes);
    if (nxm) {
        e.nx_match(flow.match, at);
    } else if (!e.is10()) {
        e.match(flow.match);
    }
    encode_instructions(flow.actions, e.version, e.out);
    e.patch_length(start, start);
}

void put_flow(Encoder& e, const Body& body) {
    std::visit(
        [&](const auto& message) {
            if constexpr (requires { put(e, message); }) put(e, message);
        },
        body);
}

OfError get_flow_mod(Decoder& d, bool nxm, Body& body) {
    FlowMod mod;
    OfError error = nxm || d.is10() ? get_mod10(d, nxm, mod) : get_mod11(d, mod);
    body = std::move(mod);
    return error;
}

OfError get_flow_removed(Decoder& d, bool nxm, Body& body) {
    FlowRemoved m;
    OfError error = OfError::kNone;
    if (d.version == Version::k15 && !nxm) {
        m.table = d.in.u8();
        m.reason = static_cast<FlowRemovedReason>(d.in.u8());
        m.priority = d.in.u16();
        m.idle_timeout = d.in.u16();
        m.hard_timeout = d.in.u16();
        m.cookie = d.in.u64();
        error = d.match(m.match);
        OxsValues values;
        if (error == OfError::kNone) error = get_oxs(d, values);
        m.duration_sec = static_cast<uint32_t>(values.duration >> 32);
        m.duration_nsec = static_cast<uint32_t>(values.duration);
        m.packets = values.packets;
        m.bytes = values.bytes;
        body = std::move(m);
        return error;
    }
    if (d.is10() && !nxm) {
        ByteReader match(d.in.bytes(kMatch10Bytes));
        if (d.in.ok()) error = decode_ofp10_match(match, m.match);
    }
    m.cookie = d.in.u64();
    m.priority = d.in.u16();
    m.reason = static_cast<FlowRemovedReason>(d.in.u8());
    uint8_t table = d.in.u8();
    m.table = nxm ? static_cast<uint8_t>(table ? table - 1 : kTableAll) : d.is10() ? kTableAll : table;
    m.duration_sec = d.in.u32();
    m.duration_nsec = d.in.u32();
    m.idle_timeout = d.in.u16();
    uint16_t length_or_timeout = d.in.u16();
    m.packets = d.in.u64();
    m.bytes = d.in.u64();
    if (error == OfError::kNone && nxm) error = d.nx_match(length_or_timeout, m.match);
    if (!d.is10()) m.hard_timeout = length_or_timeout;
    if (error == OfError::kNone && !d.is10()) error = d.match(m.match);
    body = std::move(m);
    return error != OfError::kNone ? error : d.end();
}

OfError get_flow_request(Decoder& d, bool aggregate, bool nxm, Body& body) {
    FlowStatsRequest m;
    m.aggregate = aggregate;
    OfError error = OfError::kNone;
    if (nxm) {
        m.out_port = d.port();
        size_t length = d.in.u16();
        m.table = d.in.u8();
        d.in.skip(3);
        error = d.nx_match(length, m.match, &m.cookie, &m.cookie_mask);
    } else if (d.is10()) {
        ByteReader match(d.in.bytes(kMatch10Bytes));
        if (!d.in.ok()) return OfError::OFPBRC_BAD_LEN;
        error = decode_ofp10_match(match, m.match);
        m.table = d.in.u8();
        d.in.skip(1);
        m.out_port = d.port();
    } else {
        m.table = d.in.u8();
        d.in.skip(3);
        m.out_port = d.in.u32();
        m.out_group = d.in.u32();
        d.in.skip(4);
        m.cookie = d.in.u64();
        m.cookie_mask = d.in.u64();
        error = d.match(m.match);
    }
    body = std::move(m);
    return error != OfError::kNone ? error : d.end();
}

OfError get_flow_stats(Decoder& d, bool nxm, bool more, Body& body) {
    FlowStatsReply reply;
    reply.more = more;
    while (!d.in.empty()) {
        size_t length = d.in.u16();
        if (!d.in.ok() || length < 4 || length - 2 > d.in.size()) return OfError::OFPBRC_BAD_LEN;
        Decoder entry{d.version, d.options, ByteReader(d.in.bytes(length - 2))};
        FlowStats flow;
        if (OfError error = get_stats_entry(entry, nxm, flow); error != OfError::kNone) return error;
        reply.flows.push_back(std::move(flow));
    }
    body = std::move(reply);
    return OfError::kNone;
}

OfError get_aggregate(Decoder& d, Body& body) {
    AggregateStatsReply m;
    if (d.version == Version::k15) {
        OxsValues values;
        OfError error = get_oxs(d, values);
        body = AggregateStatsReply{values.packets, values.bytes, values.flows};
        return error;
    }
    m.packets = d.in.u64();
    m.bytes = d.in.u64();
    m.flows = d.in.u32();
    body = m;
    return d.end();
}

}  // namespace weft::openflow::wire

namespace weft::openflow {

Bytes encode_flow_mod(const FlowMod& mod, const FlowFormat& format, uint32_t xid) {
    wire::Encoder e{format.version, xid, {}};
    if (format.version != Version::k10) {
        wire::put_mod11(e, mod);
    } else if (format.nxm || mod.cookie_mask || !wire::fits10(mod.match)) {
        wire::put_mod_nxm(e, mod, format.table_id);
    } else {
        wire::put_mod10(e, mod, format.table_id);
    }
    return e.finish();
}

}  // namespace weft::openflow
