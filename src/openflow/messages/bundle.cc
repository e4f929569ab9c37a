#include "openflow/messages/bundle.h"

#include "openflow/messages/codec.h"
#include "openflow/messages/form.h"

namespace weft::openflow::messages {

void encode(const BundleControl& b, EncodeContext& c) {
    if (c.version >= Version::k14) {
        c.type(kBundleControl);
    } else {
        c.vendor(kVendorOnf, kOnfBundleControl);
    }
    c.out.u32(b.bundle_id);
    c.out.u16(static_cast<uint16_t>(b.type));
    c.out.u16(b.flags);
}

void encode(const BundleAdd& b, EncodeContext& c) {
    if (c.version >= Version::k14) {
        c.type(kBundleAdd);
    } else {
        c.vendor(kVendorOnf, kOnfBundleAdd);
    }
    c.out.u32(b.bundle_id);
    c.out.zeros(2);
    c.out.u16(b.flags);
    c.out.bytes(b.message);
}

bool decode_bundle(uint8_t type, ByteReader& in, DecodeContext& c, Body& body, OfError& error) {
    if (type == kBundleControl) {
        BundleControl& b = body.emplace<BundleControl>();
        b.bundle_id = in.u32();
        uint16_t kind = in.u16();
        b.flags = in.u16();
        b.type = static_cast<BundleControl::Type>(kind);
        error = !in.ok() ? OfError::OFPBRC_BAD_LEN : kind > 7 ? OfError::OFPBFC_BAD_TYPE : OfError::kNone;
        return true;
    }
    if (type == kBundleAdd) {
        BundleAdd& b = body.emplace<BundleAdd>();
        b.bundle_id = in.u32();
        in.skip(2);
        b.flags = in.u16();
        Header header;
        if (!in.ok() || !peek_header(in.rest(), header)) {
            error = OfError::OFPBFC_MSG_BAD_LEN;
            return true;
        }
        if (header.version != static_cast<uint8_t>(c.version)) {
            error = OfError::OFPBFC_BAD_VERSION;
            return true;
        }
        if (header.length < kHeaderBytes || header.length > in.size()) {
            error = OfError::OFPBFC_MSG_BAD_LEN;
            return true;
        }
        ByteView message = in.bytes(header.length);
        b.message.assign(message.begin(), message.end());
        return true;
    }
    return false;
}

// Flow monitors: Nicira's statistics in 1.0 to 1.2, ONF's extension 187 in 1.3 (Nicira's with OXM matches,
// instructions and wide port numbers), OpenFlow's own in 1.4+.

namespace {

// The standard's flags count alike up to "instructions" (16).  Open vSwitch says the standard's "only own"
// (64) for Nicira's "own": one's own changes in full; "no abbreviation" (32) asks for the same.
constexpr uint16_t kCommonFlags =
    kMonitorInitial | kMonitorAdd | kMonitorDelete | kMonitorModify | kMonitorActions;
constexpr uint16_t kStandardNoAbbrev = 32, kStandardOnlyOwn = 64;

uint16_t to_standard(uint16_t flags) {
    return static_cast<uint16_t>((flags & kCommonFlags) | (flags & kMonitorOwn ? kStandardOnlyOwn : 0));
}
uint16_t from_standard(uint16_t flags) {
    bool own = flags & (kStandardNoAbbrev | kStandardOnlyOwn);
    return static_cast<uint16_t>((flags & kCommonFlags) | (own ? kMonitorOwn : 0));
}

void put_nxm(const Match& match, ByteWriter& out, size_t length_at) {
    ByteWriter nxm;
    encode_nxm(match, Version::k10, nxm);
    out.patch_u16(length_at, static_cast<uint16_t>(nxm.size()));
    out.bytes(nxm.view());
    out.zeros((8 - nxm.size() % 8) % 8);
}

// A match with its length in front.
void put_oxm(const Match& match, Version version, ByteWriter& out, size_t length_at) {
    ByteWriter oxm;
    encode_oxm_match(match, version, oxm);
    out.patch_u16(length_at, load_be16(oxm.view().data() + 2));
    out.bytes(oxm.view());
}

void put_monitor_stats(bool reply, bool more, EncodeContext& c) {
    if (c.version >= Version::k14) return c.stats(kStatsFlowMonitor, reply, more);
    if (c.version < Version::k13) return c.nicira_stats(2, reply, more);
    c.stats(kStatsVendor, reply, more);
    c.out.u32(kVendorOnf);
    c.out.u32(kOnfFlowMonitor);
}

void put_monitor(const FlowMonitor& m, EncodeContext& c) {
    ByteWriter& out = c.out;
    if (c.version == Version::k13) {
        out.u32(m.id);
        out.u16(m.flags);
        size_t length_at = out.size();
        out.u16(0);
        out.u32(m.out_port);
        out.u8(m.table);
        out.zeros(3);
        put_oxm(m.match, c.version, out, length_at);
        return;
    }
    if (c.version < Version::k14) {
        out.u32(m.id);
        out.u16(m.flags);
        out.u16(port_to_of10(m.out_port));
        size_t length_at = out.size();
        out.u16(0);
        out.u8(m.table);
        out.zeros(5);
        put_nxm(m.match, out, length_at);
        return;
    }
    out.u32(m.id);
    out.u32(m.out_port);
    out.u32(m.out_group);
    out.u16(to_standard(m.flags));
    out.u8(m.table);
    out.u8(static_cast<uint8_t>(m.command));
    encode_oxm_match(m.match, c.version, out);
}

// Events: Nicira counts added 0, deleted 1, modified 2, abbreviated 3; the standard initial 0, added 1,
// removed 2, modified 3, abbreviated 4.
void put_update(const FlowUpdate& u, EncodeContext& c) {
    ByteWriter& out = c.out;
    size_t start = out.size();
    out.u16(0);
    bool standard = c.version >= Version::k14;
    bool initial = u.event == FlowUpdate::Event::kInitial;
    out.u16(initial ? 0 : static_cast<uint16_t>(static_cast<uint16_t>(u.event) + (standard ? 1 : 0)));
    if (u.event == FlowUpdate::Event::kAbbrev) {
        out.u32(u.xid);
    } else if (standard) {
        out.u8(u.table);
        out.u8(static_cast<uint8_t>(u.reason));
        out.u16(u.idle_timeout);
        out.u16(u.hard_timeout);
        out.u16(u.priority);
        out.zeros(4);
        out.u64(u.cookie);
        encode_oxm_match(u.match, c.version, out);
        encode_instructions(u.actions, c.version, out);
    } else {
        out.u16(static_cast<uint16_t>(u.reason));
        out.u16(u.priority);
        out.u16(u.idle_timeout);
        out.u16(u.hard_timeout);
        size_t length_at = out.size();
        out.u16(0);
        out.u8(u.table);
        out.u8(0);
        out.u64(u.cookie);
        if (c.version == Version::k13) {
            put_oxm(u.match, c.version, out, length_at);
            encode_instructions(u.actions, c.version, out);
        } else {
            put_nxm(u.match, out, length_at);
            encode_actions(u.actions, c.version, out);
        }
    }
    out.patch_u16(start, static_cast<uint16_t>(out.size() - start));
}

OfError take_nxm(ByteReader& in, uint16_t length, DecodeContext& c, Match& match) {
    size_t padded = (length + 7u) / 8 * 8;
    if (in.size() < padded) return OfError::OFPBRC_BAD_LEN;
    return decode_nxm(in.bytes(padded).first(length), c.nxm(), match);
}

OfError take_monitor(ByteReader& in, DecodeContext& c, bool nicira, FlowMonitor& m) {
    m.id = in.u32();
    if (nicira && c.version == Version::k13) {
        m.flags = in.u16();
        in.skip(2);  // the match has its length
        m.out_port = in.u32();
        m.table = in.u8();
        in.skip(3);
        if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
        if (!(m.flags & (kMonitorInitial | kMonitorAdd | kMonitorDelete | kMonitorModify)) || m.flags & ~0x3f)
            return OfError::OFPMOFC_BAD_FLAGS;
        return decode_oxm_match(in, c.nxm(), m.match);
    }
    if (nicira) {
        m.flags = in.u16();
        m.out_port = port_from_of10(in.u16());
        uint16_t length = in.u16();
        m.table = in.u8();
        in.skip(5);
        if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
        if (!(m.flags & (kMonitorInitial | kMonitorAdd | kMonitorDelete | kMonitorModify)) ||
            m.flags & ~0x3f) {
            return OfError::OFPMOFC_BAD_FLAGS;
        }
        return take_nxm(in, length, c, m.match);
    }
    m.out_port = in.u32();
    m.out_group = in.u32();
    m.flags = from_standard(in.u16());
    m.table = in.u8();
    uint8_t command = in.u8();
    if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
    if (command > 2) return OfError::OFPMOFC_BAD_COMMAND;
    m.command = static_cast<FlowMonitor::Command>(command);
    return decode_oxm_match(in, c.nxm(), m.match);
}

OfError take_update(ByteReader& in, DecodeContext& c, bool nicira, FlowUpdate& u) {
    size_t before = in.size();
    uint16_t length = in.u16();
    if (!in.ok() || length < 8 || length > before) return OfError::OFPBRC_BAD_LEN;
    ByteReader entry = in.sub(length - 2u);
    uint16_t event = entry.u16();
    bool initial = !nicira && event == 0;
    if (!nicira && event) event--;
    if (event > 3) return OfError::NXBRC_FM_BAD_EVENT;
    u.event = initial ? FlowUpdate::Event::kInitial : static_cast<FlowUpdate::Event>(event);
    if (u.event == FlowUpdate::Event::kAbbrev) {
        u.xid = entry.u32();
        return length_error(entry);
    }
    OfError error;
    if (nicira) {
        u.reason = static_cast<FlowRemovedReason>(entry.u16());
        u.priority = entry.u16();
        u.idle_timeout = entry.u16();
        u.hard_timeout = entry.u16();
        uint16_t match_length = entry.u16();
        u.table = entry.u8();
        entry.skip(1);
        u.cookie = entry.u64();
        if (!entry.ok()) return OfError::OFPBRC_BAD_LEN;
        if (c.version == Version::k13) {
            error = decode_oxm_match(entry, c.nxm(), u.match);
            return error == OfError::kNone
                       ? decode_instructions(entry.rest(), c.version, c.actions(), u.actions)
                       : error;
        }
        error = take_nxm(entry, match_length, c, u.match);
        return error == OfError::kNone ? decode_actions(entry.rest(), c.version, c.actions(), u.actions)
                                       : error;
    }
    u.table = entry.u8();
    u.reason = static_cast<FlowRemovedReason>(entry.u8());
    u.idle_timeout = entry.u16();
    u.hard_timeout = entry.u16();
    u.priority = entry.u16();
    entry.skip(4);
    u.cookie = entry.u64();
    if (!entry.ok()) return OfError::OFPBRC_BAD_LEN;
    error = decode_oxm_match(entry, c.nxm(), u.match);
    return error == OfError::kNone ? decode_instructions(entry.rest(), c.version, c.actions(), u.actions)
                                   : error;
}

}  // namespace

void encode(const FlowMonitorRequest& r, EncodeContext& c) {
    put_monitor_stats(false, false, c);
    for (const FlowMonitor& m : r.monitors) put_monitor(m, c);
}
void encode(const FlowMonitorReply& r, EncodeContext& c) {
    put_monitor_stats(true, r.more, c);
    for (const FlowUpdate& u : r.updates) put_update(u, c);
}
void encode(const FlowMonitorCancel& m, EncodeContext& c) {
    if (c.version == Version::k13)
        c.vendor(kVendorOnf, kOnfMonitorCancel);
    else
        c.vendor(kVendorNicira, kNxMonitorCancel);
    c.out.u32(m.id);
}
void encode(const FlowMonitorPaused&, EncodeContext& c) {
    if (c.version == Version::k13) return c.vendor(kVendorOnf, kOnfMonitorPaused);
    c.vendor(kVendorNicira, kNxMonitorPaused);
}
void encode(const FlowMonitorResumed&, EncodeContext& c) {
    if (c.version == Version::k13) return c.vendor(kVendorOnf, kOnfMonitorResumed);
    c.vendor(kVendorNicira, kNxMonitorResumed);
}

bool decode_flow_monitor(bool nicira, bool reply, ByteReader& in, DecodeContext& c, Body& body,
                         OfError& error) {
    if (!nicira && c.version < Version::k14) return false;
    if (reply) {
        FlowMonitorReply& r = body.emplace<FlowMonitorReply>();
        r.more = c.more;
        while (!in.empty() && error == OfError::kNone) {
            r.updates.emplace_back();
            error = take_update(in, c, nicira, r.updates.back());
        }
    } else {
        FlowMonitorRequest& r = body.emplace<FlowMonitorRequest>();
        while (!in.empty() && error == OfError::kNone) {
            r.monitors.emplace_back();
            error = take_monitor(in, c, nicira, r.monitors.back());
        }
    }
    return true;
}

}  // namespace weft::openflow::messages
