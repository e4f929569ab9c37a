#include "openflow/messages/flow.h"

#include <optional>

#include "openflow/messages/codec.h"

namespace weft::openflow::messages {
namespace {

// nx_match at a known length, padded to 8.
void put_nxm_padded(const ByteWriter& match, ByteWriter& out) {
    out.bytes(match.view());
    out.zeros((8 - match.size() % 8) % 8);
}

OfError take_nxm(ByteReader& in, uint16_t length, const NxmOptions& options, Match& match,
                 uint64_t* cookie = nullptr, uint64_t* cookie_mask = nullptr) {
    size_t padded = (length + 7u) / 8 * 8;
    if (in.size() < padded) return OfError::OFPBMC_BAD_LEN;
    return decode_nxm(in.bytes(padded).first(length), options, match, cookie, cookie_mask);
}

OfError take_match(ByteReader& in, DecodeContext& c, Match& match) {
    return decode_oxm_match(in, c.nxm(), match);
}

uint16_t flags_to_wire(uint16_t flags, Version version) {
    uint16_t known = kFlowSendRemoved | kFlowCheckOverlap;
    if (version >= Version::k12) known |= kFlowResetCounts;
    if (version >= Version::k13) known |= kFlowNoPacketCounts | kFlowNoByteCounts;
    return flags & known;
}

// OXS (OpenFlow 1.5 §7.2.4): a flow's statistics as type-length-value entries.
constexpr uint16_t kOxsClass = 0x8002;
enum : uint8_t {
    kOxsDuration = 0,
    kOxsIdleTime = 1,
    kOxsFlowCount = 3,
    kOxsPacketCount = 4,
    kOxsByteCount = 5
};

struct OxsStats {
    uint32_t duration_sec = 0, duration_nsec = 0;
    int32_t idle_age = -1;
    uint32_t flows = 0;
    uint64_t packets = ~0ull, bytes = ~0ull;
};

void put_oxs_header(ByteWriter& out, uint8_t number, uint8_t length) {
    out.u16(kOxsClass);
    out.u8(static_cast<uint8_t>(number << 1));
    out.u8(length);
}

void put_oxs(ByteWriter& out, const OxsStats& s, bool aggregate) {
    size_t start = out.size();
    out.u16(0);
    out.u16(0);
    if (!aggregate) {
        put_oxs_header(out, kOxsDuration, 8);
        out.u32(s.duration_sec);
        out.u32(s.duration_nsec);
        if (s.idle_age >= 0) {
            put_oxs_header(out, kOxsIdleTime, 8);
            out.u32(static_cast<uint32_t>(s.idle_age));
            out.u32(0);
        }
    }
    put_oxs_header(out, kOxsPacketCount, 8);
    out.u64(s.packets);
    put_oxs_header(out, kOxsByteCount, 8);
    out.u64(s.bytes);
    if (aggregate) {
        put_oxs_header(out, kOxsFlowCount, 4);
        out.u32(s.flows);
    }
    out.patch_u16(start + 2, static_cast<uint16_t>(out.size() - start));
    out.pad(8, start);
}

OfError take_oxs(ByteReader& in, OxsStats& s) {
    if (in.size() < 4) return OfError::OFPBRC_BAD_LEN;
    in.skip(2);
    uint16_t length = in.u16();
    size_t padded = (length + 7u) / 8 * 8;
    if (length < 4 || in.size() + 4 < padded) return OfError::OFPBRC_BAD_LEN;
    ByteReader entries(in.bytes(padded - 4).first(length - 4u));
    while (!entries.empty()) {
        uint16_t oxs_class = entries.u16();
        uint8_t number = entries.u8() >> 1, size = entries.u8();
        ByteReader body = entries.sub(size);
        if (!entries.ok()) return OfError::OFPBRC_BAD_LEN;
        if (oxs_class != kOxsClass) continue;
        if (number == kOxsDuration) {
            s.duration_sec = body.u32();
            s.duration_nsec = body.u32();
        } else if (number == kOxsIdleTime) {
            s.idle_age = static_cast<int32_t>(body.u32() & 0x7fffffff);
        } else if (number == kOxsFlowCount) {
            s.flows = body.u32();
        } else if (number == kOxsPacketCount) {
            s.packets = body.u64();
        } else if (number == kOxsByteCount) {
            s.bytes = body.u64();
        }
        if (!body.ok()) return OfError::OFPBRC_BAD_LEN;
    }
    return OfError::kNone;
}

// Priority and all that a flow's match needs Nicira's form for in OpenFlow 1.0.
bool fits_ofp10(const FlowMod& mod, ByteWriter& match) {
    return !mod.cookie_mask && encode_ofp10_match(mod.match, match);
}

uint16_t command10(const FlowMod& mod, bool table_id) {
    uint16_t command = static_cast<uint8_t>(mod.command);
    if (table_id) command = static_cast<uint16_t>(command | mod.table << 8);
    return command;
}

void encode10(const FlowMod& mod, EncodeContext& c) {
    ByteWriter match;
    bool table_id = c.flow_table_id;
    bool standard = !c.flow_nxm && !mod.nicira && fits_ofp10(mod, match);
    uint64_t cookie = mod.new_cookie;
    auto common = [&] {
        c.out.u64(cookie);
        c.out.u16(command10(mod, table_id));
        c.out.u16(mod.idle_timeout);
        c.out.u16(mod.hard_timeout);
        c.out.u16(mod.priority);
        c.out.u32(mod.buffer_id);
        c.out.u16(port_to_of10(mod.out_port));
        c.out.u16(flags_to_wire(mod.flags, Version::k10));
    };
    if (standard) {
        c.type(kFlowMod);
        c.out.bytes(match.view());
        common();
        encode_actions(mod.actions, Version::k10, c.out);
        return;
    }
    c.vendor(kVendorNicira, kNxFlowMod);
    common();
    ByteWriter nxm;
    encode_nxm(mod.match, Version::k10, nxm, mod.cookie, mod.cookie_mask);
    c.out.u16(static_cast<uint16_t>(nxm.size()));
    c.out.zeros(6);
    put_nxm_padded(nxm, c.out);
    encode_actions(mod.actions, Version::k10, c.out);
}

}  // namespace

void encode(const FlowMod& mod, EncodeContext& c) {
    if (c.version == Version::k10) return encode10(mod, c);
    c.type(kFlowMod);
    bool new_cookie = mod.command == FlowMod::Command::kAdd || mod.modify_cookie;
    c.out.u64(new_cookie ? mod.new_cookie : mod.cookie);
    c.out.u64(mod.cookie_mask);
    uint8_t table = mod.table == kTableAll && mod.command == FlowMod::Command::kAdd ? 0 : mod.table;
    c.out.u8(table);
    c.out.u8(static_cast<uint8_t>(mod.command));
    c.out.u16(mod.idle_timeout);
    c.out.u16(mod.hard_timeout);
    c.out.u16(mod.priority);
    c.out.u32(mod.buffer_id);
    c.out.u32(mod.out_port);
    c.out.u32(mod.out_group);
    c.out.u16(flags_to_wire(mod.flags, c.version));
    c.out.u16(c.version >= Version::k14 ? mod.importance : 0);
    encode_oxm_match(mod.match, c.version, c.out);
    encode_instructions(mod.actions, c.version, c.out);
}

void encode(const FlowRemoved& removed, EncodeContext& c) {
    ByteWriter match;
    if (c.version == Version::k10 && encode_ofp10_match(removed.match, match)) {
        c.type(kFlowRemoved);
        c.out.bytes(match.view());
        c.out.u64(removed.cookie);
        c.out.u16(removed.priority);
        c.out.u8(static_cast<uint8_t>(removed.reason));
        c.out.u8(0);
        c.out.u32(removed.duration_sec);
        c.out.u32(removed.duration_nsec);
        c.out.u16(removed.idle_timeout);
        c.out.u16(0);
        c.out.u64(removed.packets);
        c.out.u64(removed.bytes);
        return;
    }
    if (c.version == Version::k10) {
        c.vendor(kVendorNicira, kNxFlowRemoved);
        encode_nxm(removed.match, Version::k10, match);
        c.out.u64(removed.cookie);
        c.out.u16(removed.priority);
        c.out.u8(static_cast<uint8_t>(removed.reason));
        c.out.u8(static_cast<uint8_t>(removed.table + 1));
        c.out.u32(removed.duration_sec);
        c.out.u32(removed.duration_nsec);
        c.out.u16(removed.idle_timeout);
        c.out.u16(static_cast<uint16_t>(match.size()));
        c.out.u64(removed.packets);
        c.out.u64(removed.bytes);
        put_nxm_padded(match, c.out);
        return;
    }
    c.type(kFlowRemoved);
    if (c.version == Version::k15) {
        c.out.u8(removed.table);
        c.out.u8(static_cast<uint8_t>(removed.reason));
        c.out.u16(removed.priority);
        c.out.u16(removed.idle_timeout);
        c.out.u16(removed.hard_timeout);
        c.out.u64(removed.cookie);
        encode_oxm_match(removed.match, c.version, c.out);
        put_oxs(c.out, {removed.duration_sec, removed.duration_nsec, -1, 0, removed.packets, removed.bytes},
                false);
        return;
    }
    c.out.u64(removed.cookie);
    c.out.u16(removed.priority);
    c.out.u8(static_cast<uint8_t>(removed.reason));
    c.out.u8(removed.table);
    c.out.u32(removed.duration_sec);
    c.out.u32(removed.duration_nsec);
    c.out.u16(removed.idle_timeout);
    c.out.u16(c.version >= Version::k12 ? removed.hard_timeout : 0);
    c.out.u64(removed.packets);
    c.out.u64(removed.bytes);
    encode_oxm_match(removed.match, c.version, c.out);
}

void encode(const FlowStatsRequest& r, EncodeContext& c) {
    if (c.version != Version::k10) {
        c.stats(r.aggregate ? kStatsAggregate : kStatsFlow, false);
        c.out.u8(r.table);
        c.out.zeros(3);
        c.out.u32(r.out_port);
        c.out.u32(r.out_group);
        c.out.zeros(4);
        c.out.u64(r.cookie);
        c.out.u64(r.cookie_mask);
        encode_oxm_match(r.match, c.version, c.out);
        return;
    }
    ByteWriter match;
    if (!c.flow_nxm && !r.nicira && !r.cookie_mask && encode_ofp10_match(r.match, match)) {
        c.stats(r.aggregate ? kStatsAggregate : kStatsFlow, false);
        c.out.bytes(match.view());
        c.out.u8(r.table);
        c.out.u8(0);
        c.out.u16(port_to_of10(r.out_port));
        return;
    }
    ByteWriter nxm;
    encode_nxm(r.match, Version::k10, nxm, r.cookie, r.cookie_mask);
    c.nicira_stats(r.aggregate ? 1 : 0, false);
    c.out.u16(port_to_of10(r.out_port));
    c.out.u16(static_cast<uint16_t>(nxm.size()));
    c.out.u8(r.table);
    c.out.zeros(3);
    put_nxm_padded(nxm, c.out);
}

void encode_entry(const FlowStats& flow, const ActionList& actions, EncodeContext& c, bool nxm) {
    ByteWriter& out = c.out;
    size_t start = out.size();
    out.u16(0);
    if (c.version == Version::k15 && !nxm) {
        out.zeros(2);
        out.u8(flow.table);
        out.u8(0);
        out.u16(flow.priority);
        out.u16(flow.idle_timeout);
        out.u16(flow.hard_timeout);
        out.u16(flags_to_wire(flow.flags, c.version));
        out.u16(flow.importance);
        out.u64(flow.cookie);
        encode_oxm_match(flow.match, c.version, out);
        put_oxs(out, {flow.duration_sec, flow.duration_nsec, flow.idle_age, 0, flow.packets, flow.bytes},
                false);
        encode_instructions(actions, c.version, out);
        out.patch_u16(start, static_cast<uint16_t>(out.size() - start));
        return;
    }
    out.u8(flow.table);
    out.u8(0);
    if (c.version == Version::k10 && !nxm) {
        if (!encode_ofp10_match(flow.match, out)) {
            // OpenFlow 1.0's own statistics show such a flow as matching everything it can say.
            encode_ofp10_match(Match(), out);
        }
        out.u32(flow.duration_sec);
        out.u32(flow.duration_nsec);
        out.u16(flow.priority);
        out.u16(flow.idle_timeout);
        out.u16(flow.hard_timeout);
        out.zeros(6);
    } else {
        out.u32(flow.duration_sec);
        out.u32(flow.duration_nsec);
        out.u16(flow.priority);
        out.u16(flow.idle_timeout);
        out.u16(flow.hard_timeout);
        if (nxm) {
            ByteWriter match;
            encode_nxm(flow.match, c.version, match);
            auto age = [](int32_t seconds) {
                return static_cast<uint16_t>(seconds < 0 ? 0 : std::min(seconds + 1, 0xffff));
            };
            out.u16(static_cast<uint16_t>(match.size()));
            out.u16(age(flow.idle_age));
            out.u16(age(flow.hard_age));
            out.u64(flow.cookie);
            out.u64(flow.packets);
            out.u64(flow.bytes);
            put_nxm_padded(match, out);
            encode_actions(actions, c.version, out);
            out.patch_u16(start, static_cast<uint16_t>(out.size() - start));
            return;
        }
        out.u16(flags_to_wire(flow.flags, c.version));
        out.u16(c.version >= Version::k14 ? flow.importance : 0);
        out.zeros(2);
    }
    out.u64(flow.cookie);
    out.u64(flow.packets);
    out.u64(flow.bytes);
    if (c.version != Version::k10) encode_oxm_match(flow.match, c.version, out);
    encode_instructions(actions, c.version, out);
    out.patch_u16(start, static_cast<uint16_t>(out.size() - start));
}

void encode(const FlowStatsReply& reply, EncodeContext& c) {
    bool nxm = c.version == Version::k10 && (c.flow_nxm || reply.nicira);
    if (nxm) {
        c.nicira_stats(0, true, reply.more);
    } else {
        c.stats(kStatsFlow, true, reply.more);
    }
    for (const FlowStats& flow : reply.flows) encode_entry(flow, flow.actions, c, nxm);
}

void encode(const AggregateStatsReply& reply, EncodeContext& c) {
    if (c.version == Version::k10 && reply.nicira) {
        c.nicira_stats(1, true);
    } else {
        c.stats(kStatsAggregate, true);
    }
    if (c.version == Version::k15) {
        put_oxs(c.out, {0, 0, -1, reply.flows, reply.packets, reply.bytes}, true);
        return;
    }
    c.out.u64(reply.packets);
    c.out.u64(reply.bytes);
    c.out.u32(reply.flows);
    c.out.zeros(4);
}

// Decoding.

namespace {

constexpr uint32_t kAllWildcards10 = 0x3fffff;

OfError decode_mod10(ByteReader& in, DecodeContext& c, bool nxm, FlowMod& mod) {
    bool exact = false;
    if (!nxm) {
        ByteReader wildcards = in;
        exact = !(wildcards.u32() & kAllWildcards10);
        if (OfError error = decode_ofp10_match(in, mod.match); error != OfError::kNone) return error;
    }
    mod.new_cookie = in.u64();
    uint16_t command = in.u16();
    mod.idle_timeout = in.u16();
    mod.hard_timeout = in.u16();
    mod.priority = in.u16();
    if (exact) mod.priority = UINT16_MAX;  // OpenFlow 1.0, section 3.4: it comes before all others
    mod.buffer_id = in.u32();
    mod.out_port = port_from_of10(in.u16());
    mod.flags = in.u16();
    if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
    if (nxm) {
        uint16_t length = in.u16();
        in.skip(6);
        OfError error = take_nxm(in, length, c.nxm(), mod.match, &mod.cookie, &mod.cookie_mask);
        if (error != OfError::kNone) return error;
    }
    if (c.options.flow_mod_table_id || c.version != Version::k10) {  // 1.1+ always name tables
        mod.table = static_cast<uint8_t>(command >> 8);
        command &= 0xff;
    }
    if (command > 4) return OfError::OFPFMFC_BAD_COMMAND;
    mod.command = static_cast<FlowMod::Command>(command);
    OfError error = decode_instructions(in.rest(), c.version, c.actions(), mod.actions);
    if (error != OfError::kNone) return error;
    if (mod.flags & ~(kFlowSendRemoved | kFlowCheckOverlap | 4)) return OfError::OFPFMFC_BAD_FLAGS;
    mod.flags &= kFlowSendRemoved | kFlowCheckOverlap;
    mod.modify_cookie = mod.new_cookie != ~0ull;
    return OfError::kNone;
}

OfError decode_mod11(ByteReader& in, DecodeContext& c, FlowMod& mod) {
    uint64_t cookie = in.u64();
    mod.cookie_mask = in.u64();
    mod.table = in.u8();
    uint8_t command = in.u8();
    mod.idle_timeout = in.u16();
    mod.hard_timeout = in.u16();
    mod.priority = in.u16();
    mod.buffer_id = in.u32();
    mod.out_port = in.u32();
    mod.out_group = in.u32();
    mod.flags = in.u16();
    mod.importance = in.u16();
    if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
    if (OfError error = take_match(in, c, mod.match); error != OfError::kNone) return error;
    if (command > 4) return OfError::OFPFMFC_BAD_COMMAND;
    mod.command = static_cast<FlowMod::Command>(command);
    if (mod.command == FlowMod::Command::kAdd) {
        mod.new_cookie = cookie;
        mod.cookie_mask = 0;
    } else {
        mod.cookie = cookie;
        mod.new_cookie = cookie;
        if (mod.command <= FlowMod::Command::kModifyStrict && !mod.cookie_mask && c.version == Version::k11) {
            mod.modify_cookie = cookie != ~0ull;
        }
    }
    if (c.version < Version::k14) mod.importance = 0;
    if (!port_in_range(mod.out_port)) return OfError::OFPBAC_BAD_OUT_PORT;
    OfError error = decode_instructions(in.rest(), c.version, c.actions(), mod.actions);
    if (error != OfError::kNone) return error;
    return mod.flags & ~flags_to_wire(0xffff, c.version) ? OfError::OFPFMFC_BAD_FLAGS : OfError::kNone;
}

OfError decode_removed(ByteReader& in, DecodeContext& c, bool nxm, FlowRemoved& r) {
    if (c.version == Version::k10 && !nxm) {
        if (OfError error = decode_ofp10_match(in, r.match); error != OfError::kNone) return error;
    }
    if (c.version == Version::k15) {
        r.table = in.u8();
        r.reason = static_cast<FlowRemovedReason>(in.u8());
        r.priority = in.u16();
        r.idle_timeout = in.u16();
        r.hard_timeout = in.u16();
        r.cookie = in.u64();
        if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
        if (OfError error = take_match(in, c, r.match); error != OfError::kNone) return error;
        OxsStats stats;
        OfError error = take_oxs(in, stats);
        r.duration_sec = stats.duration_sec;
        r.duration_nsec = stats.duration_nsec;
        r.packets = stats.packets;
        r.bytes = stats.bytes;
        return error;
    }
    r.cookie = in.u64();
    r.priority = in.u16();
    r.reason = static_cast<FlowRemovedReason>(in.u8());
    r.table = in.u8();
    r.duration_sec = in.u32();
    r.duration_nsec = in.u32();
    r.idle_timeout = in.u16();
    r.hard_timeout = in.u16();
    r.packets = in.u64();
    r.bytes = in.u64();
    if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
    if (nxm) {
        uint16_t length = r.hard_timeout;
        r.hard_timeout = 0;
        r.table = r.table ? static_cast<uint8_t>(r.table - 1) : 0xff;
        return take_nxm(in, length, c.nxm(), r.match);
    }
    if (c.version == Version::k10) {
        r.table = 0xff;
        r.hard_timeout = 0;
        return OfError::kNone;
    }
    return take_match(in, c, r.match);
}

OfError decode_stats_entry(ByteReader& in, DecodeContext& c, bool nxm, FlowStats& flow) {
    size_t before = in.size();
    uint16_t length = in.u16();
    if (!in.ok() || length < 4 || length > before) return OfError::OFPBRC_BAD_LEN;
    ByteReader entry = in.sub(length - 2u);
    if (c.version == Version::k15 && !nxm) {
        entry.skip(2);
        flow.table = entry.u8();
        entry.skip(1);
        flow.priority = entry.u16();
        flow.idle_timeout = entry.u16();
        flow.hard_timeout = entry.u16();
        flow.flags = flags_to_wire(entry.u16(), c.version);
        flow.importance = entry.u16();
        flow.cookie = entry.u64();
        if (!entry.ok()) return OfError::OFPBRC_BAD_LEN;
        if (OfError error = take_match(entry, c, flow.match); error != OfError::kNone) return error;
        OxsStats stats;
        if (OfError error = take_oxs(entry, stats); error != OfError::kNone) return error;
        flow.duration_sec = stats.duration_sec;
        flow.duration_nsec = stats.duration_nsec;
        flow.idle_age = stats.idle_age;
        flow.packets = stats.packets;
        flow.bytes = stats.bytes;
        return decode_instructions(entry.rest(), c.version, c.actions(), flow.actions);
    }
    flow.table = entry.u8();
    entry.skip(1);
    if (c.version == Version::k10 && !nxm) {
        if (OfError error = decode_ofp10_match(entry, flow.match); error != OfError::kNone) return error;
    }
    flow.duration_sec = entry.u32();
    flow.duration_nsec = entry.u32();
    flow.priority = entry.u16();
    flow.idle_timeout = entry.u16();
    flow.hard_timeout = entry.u16();
    uint16_t match_length = 0;
    if (nxm) {
        match_length = entry.u16();
        flow.idle_age = static_cast<int32_t>(entry.u16()) - 1;
        flow.hard_age = static_cast<int32_t>(entry.u16()) - 1;
    } else if (c.version == Version::k10) {
        entry.skip(6);
    } else {
        flow.flags = flags_to_wire(entry.u16(), c.version);
        flow.importance = entry.u16();
        entry.skip(2);
        if (c.version < Version::k14) flow.importance = 0;
    }
    flow.cookie = entry.u64();
    flow.packets = entry.u64();
    flow.bytes = entry.u64();
    if (!entry.ok()) return OfError::OFPBRC_BAD_LEN;
    NxmOptions loose = c.nxm();
    OfError error = OfError::kNone;
    if (nxm) {
        error = take_nxm(entry, match_length, loose, flow.match);
    } else if (c.version != Version::k10) {
        error = decode_oxm_match(entry, loose, flow.match);
    }
    if (error != OfError::kNone) return error;
    return decode_instructions(entry.rest(), c.version, c.actions(), flow.actions);
}

OfError decode_stats_request(ByteReader& in, DecodeContext& c, bool nxm, FlowStatsRequest& r) {
    if (nxm) {
        r.out_port = port_from_of10(in.u16());
        uint16_t length = in.u16();
        r.table = in.u8();
        in.skip(3);
        if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
        OfError error = take_nxm(in, length, c.nxm(), r.match, &r.cookie, &r.cookie_mask);
        return error == OfError::kNone && !in.empty() ? OfError::OFPBRC_BAD_LEN : error;
    }
    if (c.version == Version::k10) {
        if (OfError error = decode_ofp10_match(in, r.match); error != OfError::kNone) return error;
        r.table = in.u8();
        in.skip(1);
        r.out_port = port_from_of10(in.u16());
        return length_error(in);
    }
    r.table = in.u8();
    in.skip(3);
    r.out_port = in.u32();
    r.out_group = in.u32();
    in.skip(4);
    r.cookie = in.u64();
    r.cookie_mask = in.u64();
    if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
    if (!port_in_range(r.out_port)) return OfError::OFPBAC_BAD_OUT_PORT;
    return take_match(in, c, r.match);
}

}  // namespace

bool decode_flow(uint8_t type, ByteReader& in, DecodeContext& c, Body& body, OfError& error) {
    if (type == kFlowMod) {
        FlowMod& mod = body.emplace<FlowMod>();
        error = c.version == Version::k10 ? decode_mod10(in, c, false, mod) : decode_mod11(in, c, mod);
        return true;
    }
    if (type == kFlowRemoved) {
        error = decode_removed(in, c, false, body.emplace<FlowRemoved>());
        return true;
    }
    return false;
}

bool decode_flow_nicira(uint32_t subtype, ByteReader& in, DecodeContext& c, Body& body, OfError& error) {
    if (subtype == kNxFlowMod) {
        FlowMod& mod = body.emplace<FlowMod>();
        mod.nicira = true;
        error = decode_mod10(in, c, true, mod);
        return true;
    }
    if (subtype == kNxFlowRemoved) {
        error = decode_removed(in, c, true, body.emplace<FlowRemoved>());
        return true;
    }
    return false;
}

bool decode_flow_monitor(bool nicira, bool reply, ByteReader& in, DecodeContext& c, Body& body,
                         OfError& error);

bool decode_flow_stats(uint16_t type, bool nicira, bool reply, ByteReader& in, DecodeContext& c, Body& body,
                       OfError& error) {
    if (type == kStatsFlowMonitor) return decode_flow_monitor(nicira, reply, in, c, body, error);
    if (type != kStatsFlow && type != kStatsAggregate) return false;
    if (!reply) {
        FlowStatsRequest& request = body.emplace<FlowStatsRequest>();
        request.aggregate = type == kStatsAggregate;
        request.nicira = nicira;
        error = decode_stats_request(in, c, nicira, request);
        return true;
    }
    if (type == kStatsAggregate) {
        AggregateStatsReply& r = body.emplace<AggregateStatsReply>();
        if (c.version == Version::k15) {
            OxsStats stats;
            error = take_oxs(in, stats);
            r = {stats.packets, stats.bytes, stats.flows, false};
            return true;
        }
        r.nicira = nicira;
        r.packets = in.u64();
        r.bytes = in.u64();
        r.flows = in.u32();
        error = length_error(in);
        return true;
    }
    FlowStatsReply& r = body.emplace<FlowStatsReply>();
    r.more = c.more;
    r.nicira = nicira;
    while (!in.empty() && error == OfError::kNone && !c.options.each_flow) {
        r.flows.emplace_back();
        error = decode_stats_entry(in, c, nicira, r.flows.back());
    }
    for (std::optional<FlowStats> flow; !in.empty() && error == OfError::kNone;) {
        error = decode_stats_entry(in, c, nicira, flow.emplace());
        if (error == OfError::kNone) c.options.each_flow(*flow);
    }
    return true;
}

}  // namespace weft::openflow::messages
