#include "controller/local_interfaces.h"

#include "base/log.h"

namespace weft::controller {

namespace {

namespace vs = schema::vswitch;
log::Module lg("binding");

}  // namespace

std::map<std::string, LocalInterface> find_local_interfaces(const ovsdb::client::Replica& vswitch,
                                                            const vs::Bridge& bridge) {
    std::map<std::string, LocalInterface> found;
    for (const Uuid& port_uuid : bridge.ports) {
        const vs::Port* port = vswitch.find<vs::Port>(port_uuid);
        if (!port) continue;
        for (const Uuid& uuid : port->interfaces) {
            const vs::Interface* interface = vswitch.find<vs::Interface>(uuid);
            if (!interface || interface->ofport.value_or(0) <= 0) continue;
            const std::string* id = interface->external_ids.find("iface-id");
            if (!id || id->empty()) continue;
            LocalInterface candidate{uuid, interface->name, static_cast<uint32_t>(*interface->ofport),
                                     std::string(ovsdb::get_string(interface->external_ids, "iface-id-ver")),
                                     std::string(ovsdb::get_string(interface->external_ids, "encap-ip"))};
            auto [it, inserted] = found.emplace(*id, candidate);
            if (inserted) continue;
            static log::RateLimit limit(5, 5);
            if (limit.pass(lg)) {
                lg.warn("interfaces {} and {} both have iface-id \"{}\"; the first by name is taken",
                        it->second.name, interface->name, *id);
            }
            if (candidate.name < it->second.name) it->second = candidate;
        }
    }
    return found;
}

}  // namespace weft::controller
