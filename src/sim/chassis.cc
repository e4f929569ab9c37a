#include "sim/chassis.h"

#include <utility>

#include "base/clock.h"
#include "json/text.h"
#include "schema/sb.h"

namespace weft::sim {

namespace sb = schema::sb;
using json::Array;
using json::Object;
using json::Value;
using ovsdb::client::Condition;

namespace {

constexpr const char* kDatabase = "OVN_Southbound";
constexpr int64_t kMonitorId = 0;
constexpr const char* kZeroTransaction = "00000000-0000-0000-0000-000000000000";

// What every chassis hears whole, besides the tables that have conditions.
constexpr const char* kWholeTables[] = {"SB_Global",       "Chassis",          "Encap", "Datapath_Binding",
                                        "Address_Set",     "Port_Group",       "Meter", "Meter_Band",
                                        "HA_Chassis",      "HA_Chassis_Group", "BFD",   "DNS",
                                        "Service_Monitor", "IP_Multicast"};
// Types of ports that can lead to another datapath: see controller/monitor_conditions.cc.
constexpr const char* kLeadingTypes[] = {"patch", "chassisredirect", "external"};

Value uuid_value(const Uuid& uuid) {
    return Array{"uuid", uuid.to_string()};
}

// ["uuid", "…"] → the uuid.
std::optional<Uuid> uuid_of(const Value* value) {
    const Array* pair = value ? value->as_array() : nullptr;
    const std::string* text = pair && pair->size() == 2 ? (*pair)[1].as_string() : nullptr;
    return text ? Uuid::parse(*text) : std::nullopt;
}

std::string text_of(const Object& row, std::string_view column) {
    const Value* value = row.find(column);
    const std::string* text = value ? value->as_string() : nullptr;
    return text ? *text : std::string();
}

// The value of `key` in a column of the form ["map", [[key, value], …]].
std::string map_value(const Object& row, std::string_view column, std::string_view key) {
    const Value* value = row.find(column);
    const Array* map = value ? value->as_array() : nullptr;
    const Array* pairs = map && map->size() == 2 ? (*map)[1].as_array() : nullptr;
    if (!pairs) return {};
    for (const Value& each : *pairs) {
        const Array* pair = each.as_array();
        if (!pair || pair->size() != 2 || !(*pair)[0].as_string() || *(*pair)[0].as_string() != key) continue;
        return (*pair)[1].as_string() ? *(*pair)[1].as_string() : std::string();
    }
    return {};
}

// The columns of a row that an update tells, or nullptr if it was deleted.
const Object* columns_of(const Object& update) {
    for (const char* kind : {"initial", "insert", "modify"}) {
        if (const Value* columns = update.find(kind)) return columns->as_object();
    }
    return nullptr;
}

bool is_new(const Object& update) {
    return update.find("initial") || update.find("insert");
}

Object update_row(const char* table, const char* column, const char* function, Value value, Object row) {
    Array where = json::array_of(Array{column, function, std::move(value)});
    return Object{{"op", "update"}, {"table", table}, {"where", std::move(where)}, {"row", std::move(row)}};
}

Value where_value(const Condition& condition) {
    auto parsed = json::parse(condition.to_text());
    return parsed ? *std::move(parsed) : Value();
}

}  // namespace

Chassis::Chassis(net::Loop& loop, Options options, Topology& topology, std::function<void()> progress)
    : loop_(loop),
      options_(std::move(options)),
      topology_(topology),
      progress_(std::move(progress)),
      session_(loop, {.remotes = {options_.southbound}, .probe_interval_ms = 0},
               {.on_connected = [this] { ask(); },
                .on_message = [this](const net::Message& message) { hear(message); },
                .on_disconnected =
                    [this](const std::string& reason) { trouble_ = "the connection ended: " + reason; }}) {}

void Chassis::plug(const std::string& port) {
    plugged_.insert(port);
    may_want_more_ = true;
    later();
}

void Chassis::unplug(const std::string& port) {
    plugged_.erase(port);
    may_want_more_ = true;
    later();
}

Chassis::Conditions Chassis::wanted() const {
    std::vector<Uuid> own;
    for (const auto& [uuid, port] : ports_) own.push_back(port.datapath);
    std::vector<Uuid> datapaths = topology_.around(own, options_.hops);
    Conditions wanted;
    Condition& ports = wanted["Port_Binding"];
    for (const char* type : kLeadingTypes) ports.equals(sb::PortBinding::kType, std::string(type));
    for (const char* option : {"l2gateway-chassis", "l3gateway-chassis"}) {
        ports.includes(sb::PortBinding::kOptions, ovsdb::StringMap{{option, options_.name}});
    }
    if (own_) ports.equals(sb::PortBinding::kChassis, std::optional<Uuid>(*own_));
    for (const std::string& name : plugged_) {
        ports.equals(sb::PortBinding::kLogicalPort, name);
        ports.equals(sb::PortBinding::kParentPort, std::optional<std::string>(name));
    }
    Condition &flows = wanted["Logical_Flow"], &groups = wanted["Logical_DP_Group"];
    Condition &multicast = wanted["Multicast_Group"], &macs = wanted["MAC_Binding"];
    Condition &static_macs = wanted["Static_MAC_Binding"], &balancers = wanted["Load_Balancer"];
    for (const Uuid& datapath : datapaths) {
        ports.equals(sb::PortBinding::kDatapath, datapath);
        flows.equals(sb::LogicalFlow::kLogicalDatapath, std::optional<Uuid>(datapath));
        groups.includes(sb::LogicalDPGroup::kDatapaths, ovsdb::Set<Uuid>{datapath});
        multicast.equals(sb::MulticastGroup::kDatapath, datapath);
        macs.equals(sb::MACBinding::kDatapath, datapath);
        static_macs.equals(sb::StaticMACBinding::kDatapath, datapath);
        balancers.includes(sb::LoadBalancer::kDatapaths, ovsdb::Set<Uuid>{datapath});
    }
    for (const Uuid& group : groups_)
        flows.equals(sb::LogicalFlow::kLogicalDpGroup, std::optional<Uuid>(group));
    Condition& self = wanted["Chassis_Private"];
    self.equals(sb::ChassisPrivate::kName, options_.name);
    return wanted;
}

void Chassis::ask() {
    asked_ = wanted();
    may_want_more_ = false;
    Object tables;
    for (const char* table : kWholeTables) tables.add(table, json::array_of(Object()));
    for (const auto& [table, condition] : asked_) {
        tables.add(table, json::array_of(Object{{"where", where_value(condition)}}));
    }
    session_.send(net::Message::request(
        "monitor_cond_since", Array{kDatabase, "sim", std::move(tables), kZeroTransaction}, kMonitorId));
}

void Chassis::hear(const net::Message& message) {
    using Type = net::Message::Type;
    if (message.type == Type::kNotification && message.method == "update3") {
        const Array* params = message.params.as_array();
        if (params && params->size() == 3) apply((*params)[2]);
    } else if (message.type == Type::kError) {
        trouble_ = json::to_text(message.error);
        return progress_();
    } else if (message.type == Type::kReply) {
        const int64_t* id = message.id.as_integer();
        const Array* result = message.result.as_array();
        if (id && *id == kMonitorId && result && result->size() == 3) apply((*result)[2]);
        if (id && condition_ids_.erase(*id)) --unanswered_;
        if (id && *id != kMonitorId && result) {
            for (const Value& each : *result) {
                const Object* outcome = each.as_object();
                if (outcome && outcome->find("error")) trouble_ = json::to_text(each);
            }
        }
    }
    later();
}

void Chassis::apply(const Value& updates) {
    const Object* tables = updates.as_object();
    if (!tables) return;
    for (const auto& [table, value] : *tables) {
        const Object* rows = value.as_object();
        if (!rows) continue;
        rows_ += rows->size();
        for (const auto& [id, row] : *rows) {
            const Object* update = row.as_object();
            std::optional<Uuid> uuid = Uuid::parse(id);
            if (!update || !uuid) continue;
            if (table == "Port_Binding") {
                apply_port(*uuid, *update);
            } else if (table == "SB_Global") {
                apply_global(*update);
            } else if (table == "Chassis") {
                apply_chassis(*uuid, *update);
            } else if (table == "Logical_DP_Group") {
                if (is_new(*update)) may_want_more_ |= groups_.insert(*uuid).second;
                if (!columns_of(*update)) may_want_more_ |= groups_.erase(*uuid) > 0;
            } else {
                break;  // only counted
            }
        }
    }
}

void Chassis::apply_global(const Object& update) {
    const Object* columns = columns_of(update);
    const Value* value = columns ? columns->find("nb_cfg") : nullptr;
    if (value && value->as_integer()) nb_cfg_ = *value->as_integer();
}

void Chassis::apply_chassis(const Uuid& uuid, const Object& update) {
    if (is_new(update) && text_of(*columns_of(update), "name") == options_.name) {
        own_ = uuid;
        may_want_more_ = true;
    }
}

void Chassis::apply_port(const Uuid& uuid, const Object& update) {
    const Object* columns = columns_of(update);
    if (!columns) {
        auto port = ports_.find(uuid);
        if (port == ports_.end()) return;
        up_ -= port->second.up;
        ports_.erase(port);
        may_want_more_ = true;
        return;
    }
    if (is_new(update)) {
        std::string name = text_of(*columns, "logical_port");
        std::optional<Uuid> datapath = uuid_of(columns->find("datapath"));
        if (!datapath) return;
        if (options_.hops > 0 && text_of(*columns, "type") == "patch") {
            topology_.add_patch(name, *datapath, map_value(*columns, "options", "peer"));
            may_want_more_ = true;
        }
        if (plugged_.contains(name)) {
            ports_[uuid] = {name, *datapath};
            may_want_more_ = true;
        }
    }
    auto port = ports_.find(uuid);
    if (port == ports_.end()) return;
    if (own_ && uuid_of(columns->find("chassis")) == own_) port->second.bound = true;
}

void Chassis::later() {
    if (flush_pending_) return;
    flush_pending_ = true;
    loop_.defer([this] {
        flush_pending_ = false;
        flush();
    });
}

void Chassis::flush() {
    if (!session_.connected()) return;
    change_conditions();
    transact();
    progress_();
}

void Chassis::change_conditions() {
    if (!std::exchange(may_want_more_, false)) return;
    Conditions now = wanted();
    Object tables;
    for (const auto& [table, condition] : now) {
        if (condition == asked_[table]) continue;
        tables.add(table, json::array_of(Object{{"where", where_value(condition)}}));
    }
    if (tables.empty()) return;
    asked_ = std::move(now);
    ++unanswered_;
    condition_ids_.insert(next_id_);
    session_.send(
        net::Message::request("monitor_cond_change", Array{"sim", "sim", std::move(tables)}, next_id_++));
}

void Chassis::transact() {
    Array operations{kDatabase};
    if (!own_ && !registering_) {
        registering_ = true;
        Object encap{{"type", "geneve"},
                     {"ip", options_.address},
                     {"chassis_name", options_.name},
                     {"options", Array{"map", json::array_of(Array{"csum", "true"})}}};
        Array features;
        for (const char* feature :
             {"port-up-notif", "ct-no-masked-label", "mac-binding-timestamp", "ovn-ct-lb-related"}) {
            features.emplace_back(Array{feature, "true"});
        }
        Object chassis{{"name", options_.name},
                       {"hostname", options_.name},
                       {"encaps", Array{"named-uuid", "encap"}},
                       {"other_config", Array{"map", std::move(features)}}};
        Object own{{"name", options_.name}, {"chassis", Array{"named-uuid", "chassis"}}};
        operations.emplace_back(
            Object{{"op", "insert"}, {"table", "Encap"}, {"uuid-name", "encap"}, {"row", std::move(encap)}});
        operations.emplace_back(Object{
            {"op", "insert"}, {"table", "Chassis"}, {"uuid-name", "chassis"}, {"row", std::move(chassis)}});
        operations.emplace_back(
            Object{{"op", "insert"}, {"table", "Chassis_Private"}, {"row", std::move(own)}});
    }
    for (auto& [uuid, port] : ports_) {
        bool plugged = plugged_.contains(port.name);
        if (!own_ || (plugged ? port.up : !port.bound)) continue;
        Object row;
        if (!plugged) {
            port.bound = false;
            up_ -= std::exchange(port.up, false);
            row.add("chassis", Array{"set", Array()});
        } else if (!port.bound) {
            port.bound = true;
            row.add("chassis", uuid_value(*own_));
        } else {
            if (unanswered_) continue;  // its flows are not all here
            port.up = true;
            ++up_;
            row.add("up", true);
        }
        operations.emplace_back(update_row("Port_Binding", "_uuid", "==", uuid_value(uuid), std::move(row)));
    }
    if (own_ && nb_cfg_ != acknowledged_ && unanswered_ == 0) {
        acknowledged_ = nb_cfg_;
        operations.emplace_back(
            update_row("Chassis_Private", "name", "==", options_.name,
                       Object{{"nb_cfg", nb_cfg_}, {"nb_cfg_timestamp", clock::wall_ms()}}));
    }
    if (operations.size() > 1)
        session_.send(net::Message::request("transact", std::move(operations), next_id_++));
}

}  // namespace weft::sim
