// Groups and meters as text: ovs-ofctl(8) "Group Syntax" and "Meter Syntax".

#include "openflow/action_check.h"
#include "openflow/flag_text.h"
#include "openflow/messages/group.h"
#include "openflow/messages/meter.h"
#include "openflow/names.h"
#include "openflow/text.h"

namespace weft::openflow {
namespace {

constexpr const char* kTypes[] = {"all", "select", "indirect", "ff"};

Result<uint32_t> parse_u32(std::string_view text) {
    auto value = text::parse_u64_max(text, 0xffffffff);
    if (!value) return Error{fmt::format("invalid numeric format {}", text)};
    return static_cast<uint32_t>(*value);
}

Result<Bucket> parse_bucket(std::string_view text, GroupType type, const Names* names) {
    Bucket b;
    b.id = 0xffffffff;
    b.weight = type == GroupType::kSelect ? 1 : 0;
    std::string actions;
    text::Term term;
    while (true) {
        std::string_view before = text;
        if (!text::next_term(text, term)) break;
        if (term.key == "weight") {
            auto weight = text::parse_u64_max(term.value, 0xffff);
            if (!weight) return Error{fmt::format("invalid weight \"{}\"", term.value)};
            b.weight = static_cast<uint16_t>(*weight);
        } else if (term.key == "bucket_id") {
            WEFT_ASSIGN(b.id, parse_u32(term.value));
            if (b.id > 0xffffff00) return Error{fmt::format("invalid bucket_id id {}", b.id)};
        } else if (term.key == "watch_port") {
            auto port = parse_port(term.value, names);
            if (!port) return Error{fmt::format("{}: invalid watch_port", term.value)};
            b.watch_port = *port;
        } else if (term.key == "watch_group") {
            WEFT_ASSIGN(b.watch_group, parse_u32(term.value));
        } else if (term.key == "actions" || term.key == "action") {
            // All that follows is actions.
            size_t equals = before.find('=');
            actions += std::string(before.substr(equals + 1));
            break;
        } else {
            // Actions may stand without "actions=".
            size_t start = before.find_first_not_of(", \t");
            actions +=
                std::string(before.substr(start == before.npos ? 0 : start,
                                          before.size() - text.size() - (start == before.npos ? 0 : start)));
            actions += ',';
        }
    }
    if (text::trim(actions).empty()) return Error{"bucket must specify actions"};
    ActionParseOptions options;
    options.names = names;
    options.instructions = false;
    WEFT_ASSIGN(b.actions, parse_actions(actions, options));
    Match any;
    note_vlan_state(b.actions, any);
    return b;
}

}  // namespace

const char* group_type_name(GroupType type) {
    return kTypes[static_cast<size_t>(type)];
}

Result<GroupMod> parse_group_mod(std::string_view text, GroupMod::Command command, const Names* names) {
    GroupMod m;
    m.command = command;
    bool has_id = false, has_type = false;
    size_t at = text.find("bucket=");
    while (at != text.npos && at && text[at - 1] != ',' && text[at - 1] != ' ')
        at = text.find("bucket=", at + 1);
    std::string_view head = text.substr(0, at),
                     buckets = at == text.npos ? std::string_view() : text.substr(at);
    text::Term term;
    while (text::next_term(head, term)) {
        if (term.key == "group_id") {
            if (term.value == "all" && command == GroupMod::Command::kDelete) {
                m.group_id = kGroupAll;
            } else {
                WEFT_ASSIGN(m.group_id, parse_u32(term.value));
                if (m.group_id >= kGroupMax && m.group_id != kGroupAll) {
                    return Error{fmt::format("invalid group id {}", term.value)};
                }
            }
            has_id = true;
        } else if (term.key == "type") {
            bool found = false;
            std::string_view name = term.value == "fast_failover" ? std::string_view("ff") : term.value;
            for (size_t i = 0; i < std::size(kTypes); i++) {
                if (name == kTypes[i]) {
                    m.type = static_cast<GroupType>(i);
                    found = true;
                }
            }
            if (!found) return Error{fmt::format("invalid group type {}", term.value)};
            has_type = true;
        } else if (term.key == "command_bucket_id") {
            if (term.value == "first") {
                m.command_bucket_id = Bucket::kFirst;
            } else if (term.value == "last") {
                m.command_bucket_id = Bucket::kLast;
            } else if (term.value == "all") {
                m.command_bucket_id = Bucket::kAll;
            } else {
                WEFT_ASSIGN(m.command_bucket_id, parse_u32(term.value));
            }
        } else if (term.key == "selection_method") {
            m.selection.method = std::string(term.value);
        } else if (term.key == "selection_method_param") {
            auto param = text::parse_u64(term.value);
            if (!param) return Error{fmt::format("invalid numeric format {}", term.value)};
            m.selection.param = *param;
        } else if (term.key == "fields") {
            std::string_view list = term.value;
            text::Term item;
            while (text::next_term(list, item)) {
                const Field* f = field_by_name(item.key);
                if (!f) return Error{fmt::format("unknown field {}", item.key)};
                FieldValue mask = FieldValue::all_ones(*f), unused;
                if (!item.value.empty()) WEFT_TRY(parse_value(*f, item.value, names, mask, unused));
                m.selection.fields.emplace_back(f->id, mask);
            }
        } else {
            return Error{fmt::format("unknown keyword {}", term.key)};
        }
    }
    if (!has_id) return Error{"must specify a group_id"};
    bool adds = command == GroupMod::Command::kAdd || command == GroupMod::Command::kModify ||
                command == GroupMod::Command::kAddOrModify;
    if (adds && !has_type) return Error{"must specify a type"};
    uint32_t next_id = 0;
    while (!buckets.empty()) {
        buckets.remove_prefix(7);
        size_t next = buckets.find("bucket=");
        while (next != buckets.npos && buckets[next - 1] != ',' && buckets[next - 1] != ' ') {
            next = buckets.find("bucket=", next + 1);
        }
        WEFT_ASSIGN(Bucket b, parse_bucket(buckets.substr(0, next), m.type, names));
        if (b.id == 0xffffffff) b.id = next_id;
        next_id = std::max(next_id, b.id + 1);
        m.buckets.push_back(std::move(b));
        buckets = next == buckets.npos ? std::string_view() : buckets.substr(next);
    }
    if (m.type == GroupType::kIndirect && m.buckets.size() != 1 && adds) {
        return Error{"indirect groups must have exactly one bucket"};
    }
    return m;
}

void format_group(uint32_t group_id, std::optional<GroupType> type, const Selection& selection,
                  const std::vector<Bucket>& buckets, Version version, const Names* names, std::string& out) {
    text::append(out, "group_id={}", group_id);
    if (type) text::append(out, ",type={}", group_type_name(*type));
    if (!selection.method.empty()) {
        text::append(out, ",selection_method={}", selection.method);
        if (selection.param) text::append(out, ",selection_method_param={}", selection.param);
        if (selection.fields.size() == 1) {
            text::append(out, ",fields={}", field(selection.fields[0].first).name);
        } else if (!selection.fields.empty()) {
            out += ",fields(";
            for (size_t i = 0; i < selection.fields.size(); i++) {
                text::append(out, "{}{}", i ? "," : "", field(selection.fields[i].first).name);
            }
            out += ')';
        }
    }
    for (const Bucket& b : buckets) {
        out += ",bucket=";
        if (version >= Version::k15 || version == Version::k10) text::append(out, "bucket_id:{},", b.id);
        if (b.weight != (type == GroupType::kSelect ? 1 : 0)) text::append(out, "weight:{},", b.weight);
        if (b.watch_port != kPortNone) {
            out += "watch_port:";
            format_port(b.watch_port, names, out);
            out += ',';
        }
        if (b.watch_group != kGroupAny) text::append(out, "watch_group:{},", b.watch_group);
        out += "actions=";
        format_actions(b.actions, names, out);
    }
}

Result<MeterMod> parse_meter_mod(std::string_view text, MeterMod::Command command) {
    MeterMod m;
    m.command = command;
    bool has_id = false;
    size_t at = text.find("band");
    std::string_view head = text.substr(0, at),
                     bands = at == text.npos ? std::string_view() : text.substr(at);
    text::Term term;
    while (text::next_term(head, term)) {
        if (term.key == "meter") {
            has_id = true;
            if (term.value == "all") {
                m.meter.meter_id = kMeterAll;
            } else if (term.value == "controller") {
                m.meter.meter_id = kMeterController;
            } else if (term.value == "slowpath") {
                m.meter.meter_id = kMeterSlowpath;
            } else {
                WEFT_ASSIGN(m.meter.meter_id, parse_u32(term.value));
            }
        } else if (term.key == "kbps") {
            m.meter.flags |= kMeterKbps;
        } else if (term.key == "pktps") {
            m.meter.flags |= kMeterPktps;
        } else if (term.key == "burst") {
            m.meter.flags |= kMeterBurst;
        } else if (term.key == "stats") {
            m.meter.flags |= kMeterStats;
        } else {
            return Error{fmt::format("unknown keyword {}", term.key)};
        }
    }
    if (!has_id) return Error{"must specify 'meter'"};
    if (command == MeterMod::Command::kDelete) return m;
    if (!(m.meter.flags & (kMeterKbps | kMeterPktps))) m.meter.flags |= kMeterKbps;
    size_t equals = bands.find('=');
    if (equals == bands.npos) return Error{"must specify bands"};
    bands.remove_prefix(equals + 1);
    while (text::next_term(bands, term)) {
        if (term.key == "band" || term.key == "bands") {
            // "band=type=drop": the value is the next term.
            std::string_view inner = term.value;
            if (inner.substr(0, 5) == "type=") term = {"type", inner.substr(5), '=', false};
        }
        if (term.key == "type") {
            if (term.value != "drop" && term.value != "dscp_remark") {
                return Error{fmt::format("field {} value is invalid for band type", term.value)};
            }
            m.meter.bands.emplace_back();
            m.meter.bands.back().type =
                term.value == "drop" ? MeterBand::Type::kDrop : MeterBand::Type::kDscpRemark;
            continue;
        }
        if (m.meter.bands.empty()) return Error{"expected band type first"};
        MeterBand& band = m.meter.bands.back();
        if (term.key == "rate") {
            WEFT_ASSIGN(band.rate, parse_u32(term.value));
        } else if (term.key == "burst_size") {
            WEFT_ASSIGN(band.burst_size, parse_u32(term.value));
        } else if (term.key == "prec_level") {
            WEFT_ASSIGN(uint32_t level, parse_u32(term.value));
            band.prec_level = static_cast<uint8_t>(level);
        } else {
            return Error{fmt::format("unknown keyword {}", term.key)};
        }
    }
    return m;
}

void format_meter(const MeterConfig& meter, std::string& out) {
    out += "meter=";
    if (meter.meter_id == kMeterController) {
        out += "controller";
    } else if (meter.meter_id == kMeterSlowpath) {
        out += "slowpath";
    } else if (meter.meter_id == kMeterAll) {
        out += "all";
    } else {
        text::append_decimal(out, meter.meter_id);
    }
    out += ' ';
    static constexpr FlagName kFlags[] = {
        {kMeterKbps, "kbps"}, {kMeterPktps, "pktps"}, {kMeterBurst, "burst"}, {kMeterStats, "stats"}};
    for (const FlagName& flag : kFlags) {
        if (meter.flags & flag.bit) text::append(out, "{} ", flag.name);
    }
    out += "bands=";
    for (const MeterBand& band : meter.bands) {
        text::append(out, "\ntype={} rate={}", band.type == MeterBand::Type::kDrop ? "drop" : "dscp_remark",
                     band.rate);
        if (meter.flags & kMeterBurst) text::append(out, " burst_size={}", band.burst_size);
        if (band.type == MeterBand::Type::kDscpRemark) text::append(out, " prec_level={}", band.prec_level);
    }
    out += '\n';
}

}  // namespace weft::openflow
