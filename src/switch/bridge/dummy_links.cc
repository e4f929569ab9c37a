// Links of dummy devices, which change by control commands and wires instead of netlink.

#include "datapath/dummy/dummy_device.h"
#include "switch/bridge/switch.h"

namespace weft::vswitch {

void Switch::refresh_dummies() {
    if (dummy_link_changes_ == datapath::dummy_link_changes()) return;
    dummy_link_changes_ = datapath::dummy_link_changes();
    for (auto& [type, backer] : backers_) {
        for (auto& [name, bridge] : backer->bridges()) {
            for (auto& [number, port] : bridge->ports()) {
                auto* device = datapath::find_dummy_device(port->name);
                if (!device) continue;
                bool down = !device->carrier() || !device->admin_up();
                if (down != ((port->state & kPortStateLinkDown) != 0)) refresh_port(*port);
            }
        }
    }
}

}  // namespace weft::vswitch
