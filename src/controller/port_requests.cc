#include "controller/port_requests.h"

#include <algorithm>
#include <string_view>

#include "base/log.h"
#include "controller/physical/physical_flows.h"

namespace weft::controller {

namespace sb = schema::sb;

namespace {
log::Module lg("pinctrl");

// options:virtual-parents lists who may have the address.
bool may_be_parent(const sb::PortBinding& port, std::string_view parent) {
    std::string_view list = ovsdb::get_string(port.options, "virtual-parents");
    while (!list.empty()) {
        size_t comma = std::min(list.find(','), list.size());
        std::string_view each = list.substr(0, comma);
        each.remove_prefix(std::min(each.find_first_not_of(' '), each.size()));
        if (each == parent) return true;
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
}

}  // namespace

void PortRequests::bind_virtual(Keys virtual_port, uint32_t parent_key) {
    if (virtual_.size() < kMostPending) virtual_[virtual_port] = parent_key;
}

void PortRequests::activate(Keys port) {
    if (activated_.size() < kMostPending) activated_.insert(port);
}

const sb::PortBinding* PortRequests::port_with(Keys keys) {
    const Uuid* uuid = view_.port_by_keys.first(keys);
    return uuid ? view_.port(*uuid) : nullptr;
}

void PortRequests::write_virtual(const sb::PortBinding& port, const sb::PortBinding& parent, const Uuid& own,
                                 ovsdb::client::Transaction& txn) {
    if (port.type != "virtual" || !view_.is_own_chassis(parent.chassis)) return;
    if (!may_be_parent(port, parent.logical_port)) return;
    if (view_.is_own_chassis(port.chassis) && port.virtual_parent == parent.logical_port) return;
    lg.info("Claiming virtual lport {} for this chassis with the virtual parent {}", port.logical_port,
            parent.logical_port);
    txn.set(port.uuid, sb::PortBinding::kChassis, own);
    txn.set(port.uuid, sb::PortBinding::kVirtualParent, parent.logical_port);
}

void PortRequests::write(ovsdb::client::Transaction& txn) {
    const Uuid* own = view_.own_chassis.find({});
    const sb::Chassis* chassis = own ? view_.value(view_.chassis, *own) : nullptr;
    if (!chassis) return;
    for (const auto& [keys, parent_key] : virtual_) {
        const sb::PortBinding* port = port_with(keys);
        const sb::PortBinding* parent = port_with({keys.first, parent_key});
        if (port && parent) write_virtual(*port, *parent, *own, txn);
    }
    virtual_.clear();
    for (const Keys& keys : activated_) {
        const sb::PortBinding* port = port_with(keys);
        if (!port || !waits_for_activation(view_, *port)) continue;
        constexpr const char* kOption = "additional-chassis-activated";
        std::string names(ovsdb::get_string(port->options, kOption));
        names += (names.empty() ? "" : ",") + chassis->name;
        lg.info("Activated lport {} on this chassis", port->logical_port);
        txn.remove_key(port->uuid, sb::PortBinding::kOptions, kOption);
        txn.set_key(port->uuid, sb::PortBinding::kOptions, kOption, names);
    }
    activated_.clear();
}

}  // namespace weft::controller
