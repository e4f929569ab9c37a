#include "controller/tunnel_bfd.h"

#include "controller/tunnels.h"

namespace weft::controller {

namespace {

namespace vs = schema::vswitch;
using ovsdb::client::Replica;

ovsdb::StringMap wanted_bfd(const ovsdb::StringMap& options) {
    static constexpr std::pair<const char*, const char*> kParameters[] = {
        {"bfd-min-rx", "min_rx"},
        {"bfd-decay-min-rx", "decay_min_rx"},
        {"bfd-min-tx", "min_tx"},
        {"bfd-mult", "mult"},
    };
    ovsdb::StringMap bfd{{"enable", "true"}, {"check_tnl_key", "true"}};
    for (const auto& [option, parameter] : kParameters) {
        if (const std::string* value = options.find(option)) bfd.set(parameter, *value);
    }
    return bfd;
}

}  // namespace

void keep_tunnel_bfd(const Replica& vswitch, const vs::Bridge& bridge, const std::set<std::string>& watched,
                     const ovsdb::StringMap& options, ovsdb::client::Transaction& txn) {
    for_each_tunnel(vswitch, bridge, [&](const std::string& chassis, const vs::Interface& interface) {
        if (watched.contains(chassis)) {
            txn.set(interface.uuid, vs::Interface::kBfd, wanted_bfd(options));
        } else if (!interface.bfd.empty()) {
            txn.set(interface.uuid, vs::Interface::kBfd, {{"enable", "false"}});
        }
    });
}

std::set<std::string> chassis_alive(const Replica& vswitch, const vs::Bridge& bridge) {
    std::set<std::string> alive;
    for_each_tunnel(vswitch, bridge, [&](const std::string& chassis, const vs::Interface& interface) {
        if (ovsdb::get_string(interface.bfd_status, "state") == "up") alive.insert(chassis);
    });
    return alive;
}

}  // namespace weft::controller
