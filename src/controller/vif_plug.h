// Plugging of interfaces (ovn-nb(5), Logical_Switch_Port:options:vif-plug-type): a logical port that asks for
// it gets its interface on the integration bridge from the chassis that it is requested on
// (requested-chassis), and loses it when that ends.  What is ours has external_ids:ovn-plugged.
//
// Providers, by the option's value:
// - representor: the device that stands for a virtual function of an adapter in switchdev mode
//   (representors.h), which options vif-plug:representor:pf-mac and vif-plug:representor:vf-num name.
// - dummy: an interface of type dummy, for tests.
//
// What may go wrong: a device that is not there (yet) is looked for again every second.

#pragma once

#include <map>
#include <optional>
#include <string>

#include "controller/southbound_view.h"
#include "ovsdb/client/replica.h"
#include "schema/vswitch.h"

namespace weft::controller {

class VifPlugs {
  public:
    // Of external_ids, where interfaces that are ours have the provider.
    static constexpr const char* kMark = "ovn-plugged";

    // `root`: where the kernel shows network devices.
    explicit VifPlugs(std::string root = "/sys/class/net") : root_(std::move(root)) {}

    // Plugs and unplugs.  When to call it again, at the latest; nullopt: when something changes.
    std::optional<int64_t> keep(SouthboundView& view, const ovsdb::client::Replica& vswitch,
                                const SwitchPorts& ports, const schema::vswitch::Bridge& bridge,
                                ovsdb::client::Transaction& txn, int64_t now_ms);

  private:
    struct Plug {
        std::string provider, device, type;
        std::optional<int64_t> mtu;
    };
    std::optional<Plug> plug_of(const schema::sb::PortBinding& port, int64_t now_ms);

    std::string root_;
    struct Search {
        std::string device;  // "": not found at the time
        int64_t again_ms = 0;
    };
    std::map<std::string, Search> searches_;  // by the options that say what is wanted
};

}  // namespace weft::controller
