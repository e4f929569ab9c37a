// The switch as a whole: init emer-reset, auto-attach mappings, conntrack zones, datapath capabilities.

#include <fmt/format.h>

#include <charconv>

#include "cli/vsctl/commands.h"

namespace weft::cli::vsctl {
namespace {

Result<int64_t> parse_number(std::string_view text, int64_t low, int64_t high, const std::string& message) {
    int64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || number < low ||
        number > high) {
        return Error{message};
    }
    return number;
}

// --- init, emer-reset

Result<void> run_init(CtlContext&) {
    return {};
}  // any command makes the root row

Result<void> need_everything_to_reset(CtlContext& context) {
    context.need(vs::OpenVSwitch::kManagerOptions, vs::OpenVSwitch::kSsl, vs::OpenVSwitch::kOtherConfig);
    context.need(vs::Bridge::kController, vs::Bridge::kFailMode, vs::Bridge::kMirrors, vs::Bridge::kNetflow,
                 vs::Bridge::kSflow, vs::Bridge::kIpfix, vs::Bridge::kFloodVlans, vs::Bridge::kOtherConfig);
    context.need(vs::Port::kOtherConfig);
    context.need(vs::Interface::kOtherConfig);
    context.replica().monitor(vs::Controller::table_info(), {});
    context.replica().monitor(vs::Manager::table_info(), {});
    context.replica().monitor(vs::SSL::table_info(), {});
    context.replica().monitor(vs::NetFlow::table_info(), {});
    context.replica().monitor(vs::SFlow::table_info(), {});
    context.replica().monitor(vs::IPFIX::table_info(), {});
    context.replica().monitor(vs::Mirror::table_info(), {});
    return {};
}

void reset_bridges(CtlContext& context) {
    db::Transaction& txn = context.transaction();
    for (const vs::Bridge* row : context.rows<vs::Bridge>()) {
        Uuid uuid = row->uuid;
        ovsdb::StringMap other_config;
        if (const std::string* hwaddr = row->other_config.find("hwaddr")) other_config.set("hwaddr", *hwaddr);
        txn.set(uuid, vs::Bridge::kController, {});
        txn.set(uuid, vs::Bridge::kFailMode, {});
        txn.set(uuid, vs::Bridge::kMirrors, {});
        txn.set(uuid, vs::Bridge::kNetflow, {});
        txn.set(uuid, vs::Bridge::kSflow, {});
        txn.set(uuid, vs::Bridge::kIpfix, {});
        txn.set(uuid, vs::Bridge::kFloodVlans, {});
        txn.set(uuid, vs::Bridge::kOtherConfig, other_config);
    }
    for (const vs::Port* row : context.rows<vs::Port>()) txn.set(Uuid(row->uuid), vs::Port::kOtherConfig, {});
    for (const vs::Interface* row : context.rows<vs::Interface>()) {
        txn.set(Uuid(row->uuid), vs::Interface::kOtherConfig, {});
    }
}

template <typename Row>
void erase_all(CtlContext& context) {
    for (const Row* row : context.rows<Row>()) context.transaction().template erase<Row>(Uuid(row->uuid));
}

Result<void> run_emer_reset(CtlContext& context) {
    db::Transaction& txn = context.transaction();
    Uuid open_vswitch = root(txn);
    txn.set(open_vswitch, vs::OpenVSwitch::kManagerOptions, {});
    txn.set(open_vswitch, vs::OpenVSwitch::kSsl, {});
    txn.set(open_vswitch, vs::OpenVSwitch::kOtherConfig, {});
    reset_bridges(context);
    erase_all<vs::Mirror>(context);
    erase_all<vs::Controller>(context);
    erase_all<vs::Manager>(context);
    erase_all<vs::NetFlow>(context);
    erase_all<vs::SFlow>(context);
    erase_all<vs::IPFIX>(context);
    erase_all<vs::SSL>(context);
    return {};
}

// --- auto-attach

Result<void> need_auto_attach(CtlContext& context) {
    context.need(vs::Bridge::kAutoAttach);
    context.need(vs::AutoAttach::kMappings);
    return need_layout(context);
}

struct AutoAttachRow {
    Uuid bridge;
    std::optional<Uuid> uuid;
};

Result<AutoAttachRow> auto_attach(CtlContext& context) {
    Layout layout(context);
    WEFT_ASSIGN(const BridgeView* bridge, layout.bridge(context[0]));
    return AutoAttachRow{bridge->uuid, context.row<vs::Bridge>(bridge->uuid)->auto_attach};
}

struct Mapping {
    int64_t isid, vlan;
};

Result<Mapping> mapping_arguments(CtlContext& context) {
    WEFT_ASSIGN(int64_t isid,
                parse_number(context[1], 0, 0xffffff, fmt::format("Invalid I-SID {}", context[1])));
    WEFT_ASSIGN(int64_t vlan, parse_number(context[2], 0, 4095, fmt::format("Invalid VLAN {}", context[2])));
    return Mapping{isid, vlan};
}

Result<void> run_add_aa_mapping(CtlContext& context) {
    WEFT_ASSIGN(AutoAttachRow row, auto_attach(context));
    WEFT_ASSIGN(Mapping mapping, mapping_arguments(context));
    db::Transaction& txn = context.transaction();
    if (!row.uuid) {
        row.uuid = txn.insert<vs::AutoAttach>();
        txn.set(row.bridge, vs::Bridge::kAutoAttach, row.uuid);
    }
    txn.set_key(*row.uuid, vs::AutoAttach::kMappings, mapping.isid, mapping.vlan);
    return {};
}

Result<void> run_del_aa_mapping(CtlContext& context) {
    WEFT_ASSIGN(AutoAttachRow row, auto_attach(context));
    WEFT_ASSIGN(Mapping mapping, mapping_arguments(context));
    if (!row.uuid) return {};
    const int64_t* vlan = context.row<vs::AutoAttach>(*row.uuid)->mappings.find(mapping.isid);
    if (vlan && *vlan == mapping.vlan) {
        context.transaction().remove_key(*row.uuid, vs::AutoAttach::kMappings, mapping.isid);
    }
    return {};
}

Result<void> run_get_aa_mapping(CtlContext& context) {
    WEFT_ASSIGN(AutoAttachRow row, auto_attach(context));
    if (!row.uuid) return {};
    for (const auto& [isid, vlan] : context.row<vs::AutoAttach>(*row.uuid)->mappings) {
        context.output += fmt::format("{} {}\n", isid, vlan);
    }
    return {};
}

// --- conntrack zones and datapaths

Result<void> need_zones(CtlContext& context) {
    context.need(vs::OpenVSwitch::kDatapaths);
    context.need(vs::Datapath::kCtZones, vs::Datapath::kCapabilities);
    context.need(vs::CTZone::kTimeoutPolicy);
    context.need(vs::CTTimeoutPolicy::kTimeouts);
    return {};
}

Result<Uuid> datapath_argument(CtlContext& context) {
    const vs::OpenVSwitch* open_vswitch = context.row<vs::OpenVSwitch>(root(context.transaction()));
    const Uuid* uuid = open_vswitch->datapaths.find(context[0]);
    if (!uuid || !context.row<vs::Datapath>(*uuid))
        return Error{fmt::format("datapath {} does not exist", context[0])};
    return *uuid;
}

Result<int64_t> zone_argument(CtlContext& context) {
    std::string_view text = context[1];
    std::string message =
        fmt::format("zone_id ({}) should be of the form zone=ID with ID from 0 to 65535", text);
    if (!text.starts_with("zone=")) return Error{message};
    return parse_number(text.substr(5), 0, 65535, message);
}

// "icmp_first=30 icmp_reply=60", one or more words.
Result<ovsdb::Map<std::string, int64_t>> timeouts_argument(CtlContext& context) {
    ovsdb::Map<std::string, int64_t> out;
    for (size_t i = 2; i < context.size(); i++) {
        std::string_view rest = context[i];
        while (!rest.empty()) {
            std::string_view word = rest.substr(0, rest.find_first_of(" ,"));
            rest.remove_prefix(std::min(word.size() + 1, rest.size()));
            if (word.empty()) continue;
            size_t equals = word.find('=');
            std::string message = fmt::format("{}: not of the form NAME=SECONDS", word);
            if (equals == std::string_view::npos) return Error{message};
            WEFT_ASSIGN(int64_t seconds, parse_number(word.substr(equals + 1), 0, UINT32_MAX, message));
            out.set(std::string(word.substr(0, equals)), seconds);
        }
    }
    return out;
}

Result<void> run_add_zone_tp(CtlContext& context) {
    WEFT_ASSIGN(Uuid datapath, datapath_argument(context));
    WEFT_ASSIGN(int64_t zone, zone_argument(context));
    WEFT_ASSIGN(auto timeouts, timeouts_argument(context));
    if (context.row<vs::Datapath>(datapath)->ct_zones.contains(zone)) {
        if (context.has("--may-exist")) return {};
        return Error{fmt::format("zone id {} already exists", zone)};
    }
    db::Transaction& txn = context.transaction();
    Uuid policy = txn.insert<vs::CTTimeoutPolicy>();
    txn.set(policy, vs::CTTimeoutPolicy::kTimeouts, timeouts);
    Uuid row = txn.insert<vs::CTZone>();
    txn.set(row, vs::CTZone::kTimeoutPolicy, policy);
    txn.set_key(datapath, vs::Datapath::kCtZones, zone, row);
    return {};
}

Result<void> run_del_zone_tp(CtlContext& context) {
    WEFT_ASSIGN(Uuid datapath, datapath_argument(context));
    WEFT_ASSIGN(int64_t zone, zone_argument(context));
    if (!context.row<vs::Datapath>(datapath)->ct_zones.contains(zone)) {
        if (context.has("--if-exists")) return {};
        return Error{fmt::format("zone id {} does not exist", zone)};
    }
    context.transaction().remove_key(datapath, vs::Datapath::kCtZones, zone);
    return {};
}

Result<void> run_list_zone_tp(CtlContext& context) {
    WEFT_ASSIGN(Uuid datapath, datapath_argument(context));
    for (const auto& [zone, uuid] : context.row<vs::Datapath>(datapath)->ct_zones) {
        const vs::CTZone* row = context.row<vs::CTZone>(uuid);
        const vs::CTTimeoutPolicy* policy =
            row && row->timeout_policy ? context.row<vs::CTTimeoutPolicy>(*row->timeout_policy) : nullptr;
        std::string timeouts;
        if (policy) {
            for (const auto& [name, seconds] : policy->timeouts)
                timeouts += fmt::format("{}={} ", name, seconds);
        }
        context.output += fmt::format("Zone:{}, Timeout Policies: {}\n", zone,
                                      timeouts.empty() ? "system default" : timeouts);
    }
    return {};
}

Result<void> run_list_dp_cap(CtlContext& context) {
    WEFT_ASSIGN(Uuid datapath, datapath_argument(context));
    for (const auto& [name, value] : context.row<vs::Datapath>(datapath)->capabilities) {
        context.output += fmt::format("{}={} ", name, value);
    }
    if (!context.output.empty()) context.output.back() = '\n';
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"init", 0, 0, "", "", true, nullptr, run_init, nullptr,
     "Make the database's root row, if there is none."},
    {"emer-reset", 0, 0, "", "", true, need_everything_to_reset, run_emer_reset, nullptr,
     "Take away controllers, managers, TLS files, mirrors, flow export and other settings."},
    {"add-aa-mapping", 3, 3, "BRIDGE I-SID VLAN", "", true, need_auto_attach, run_add_aa_mapping, nullptr,
     "Add an auto-attach mapping."},
    {"del-aa-mapping", 3, 3, "BRIDGE I-SID VLAN", "", true, need_auto_attach, run_del_aa_mapping, nullptr,
     "Delete an auto-attach mapping."},
    {"get-aa-mapping", 1, 1, "BRIDGE", "", false, need_auto_attach, run_get_aa_mapping, nullptr,
     "Print a bridge's auto-attach mappings."},
    {"add-zone-tp", 2, -1, "DATAPATH zone=ID [KEY=SECONDS]...", "--may-exist", true, need_zones,
     run_add_zone_tp, nullptr, "Set the connection timeouts of a conntrack zone."},
    {"del-zone-tp", 2, 2, "DATAPATH zone=ID", "--if-exists", true, need_zones, run_del_zone_tp, nullptr,
     "Take away the connection timeouts of a conntrack zone."},
    {"list-zone-tp", 1, 1, "DATAPATH", "", false, need_zones, run_list_zone_tp, nullptr,
     "Print the connection timeouts of all conntrack zones."},
    {"list-dp-cap", 1, 1, "DATAPATH", "", false, need_zones, run_list_dp_cap, nullptr,
     "Print what a datapath supports."},
};

}  // namespace

std::span<const CtlCommand> switch_commands() {
    return kCommands;
}

}  // namespace weft::cli::vsctl
