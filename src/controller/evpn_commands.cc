// Control commands about switches in an EVPN: what this host knows of their members elsewhere.

#include "controller/controller.h"

namespace weft::controller {

void Controller::add_evpn_commands(net::ControlServer& control) {
    auto add = [&](const char* name, std::function<std::string()> text) {
        control.add(name, "", 0, 0, [text = std::move(text)](const net::ControlServer::Arguments&) {
            return Result<std::string>(text());
        });
    };
    add("evpn/remote-vtep-list", [this] { return evpn_->remotes_text(); });
    add("evpn/vtep-binding-list", [this] { return evpn_->peers_text(view_); });
    add("evpn/vtep-fdb-list", [this] { return evpn_->macs_text(view_); });
    add("evpn/vtep-arp-list", [this] { return evpn_->neighbors_text(view_); });
    add("evpn/vtep-multicast-group-list", [this] { return evpn_->floods_text(); });
}

}  // namespace weft::controller
