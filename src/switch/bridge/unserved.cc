#include "switch/bridge/unserved.h"

#include <fmt/core.h>

#include "schema/vswitch.h"

namespace weft::vswitch {

namespace db = schema::vswitch;

namespace {

void check(const db::Controller& row, std::vector<std::string>& out) {
    auto add = [&](const char* what, const char* why) {
        out.push_back(fmt::format("controller {}: {} says nothing: {}", row.target, what, why));
    };
    if (row.enable_async_messages && !*row.enable_async_messages)
        add("enable_async_messages=false", "a controller chooses by OpenFlow what it is told");
    if (row.other_config.contains("dscp"))
        add("other_config:dscp", "connections have the host's own code point");
}

void check(const db::Interface& row, std::vector<std::string>& out) {
    for (std::string_view key :
         {"n_rxq", "n_rxq_desc", "n_txq_desc", "xdp-mode", "use-need-wakeup", "rx-flow-ctrl", "tx-flow-ctrl",
          "flow-ctrl-autoneg", "dpdk-lsc-interrupt", "tx-steering"}) {
        bool afxdp = row.type == "afxdp" && (key == "xdp-mode" || key == "use-need-wakeup");
        bool served =
            afxdp || (key == "n_rxq" && (row.type == "afxdp" || row.type == "system" || row.type.empty()));
        if (row.options.contains(key) && !served) {
            out.push_back(fmt::format("interface {}: options:{} says nothing: there is no such thing here",
                                      row.name, key));
        }
    }
    for (auto [key, why] : {std::pair("emc-enable", "every thread has its own cache"),
                            std::pair("tx-steering", "every thread has its own queue")}) {
        if (row.other_config.contains(key))
            out.push_back(fmt::format("interface {}: other_config:{} says nothing: {}", row.name, key, why));
    }
}

}  // namespace

std::vector<std::string> unserved_settings(const ovsdb::client::Replica& replica) {
    std::vector<std::string> out;
    for (const db::Controller& row : replica.table<db::Controller>()) check(row, out);
    for (const db::Interface& row : replica.table<db::Interface>()) check(row, out);
    return out;
}

}  // namespace weft::vswitch
