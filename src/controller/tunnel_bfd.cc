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

void keep_tunnel_bfd(const Replica& vswitch, const SwitchPorts& ports, const std::set<std::string>& watched,
                     const ovsdb::StringMap& options, ovsdb::client::Transaction& txn) {
    auto for_each_interface = [&](const std::string& chassis, auto&& function) {
        for (const Uuid& uuid : ports.tunnels_to(chassis)) {
            const vs::Port* port = vswitch.find<vs::Port>(uuid);
            if (const vs::Interface* interface = port ? only_interface(vswitch, *port) : nullptr)
                function(*interface);
        }
    };
    for (const std::string& chassis : watched) {
        for_each_interface(chassis, [&](const vs::Interface& interface) {
            txn.set(interface.uuid, vs::Interface::kBfd, wanted_bfd(options));
        });
    }
    for (const std::string& chassis : ports.with_bfd()) {
        if (watched.contains(chassis)) continue;
        for_each_interface(chassis, [&](const vs::Interface& interface) {
            if (!interface.bfd.empty()) txn.set(interface.uuid, vs::Interface::kBfd, {{"enable", "false"}});
        });
    }
}

}  // namespace weft::controller
