// The bridges, ports and interfaces of an Open_vSwitch database as ovs-vsctl sees them: names, with fake
// bridges (a VLAN of a real bridge that looks like one of its own).
//
// A Layout is a picture of the transaction at one moment: build a new one after writing.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "cli/ctl/command.h"
#include "schema/vswitch.h"

namespace weft::cli::vsctl {

namespace vs = schema::vswitch;

struct BridgeView {
    std::string name;
    Uuid uuid;                       // of the real bridge (the parent of a fake one)
    Uuid port;                       // of a fake bridge: the Port that stands for it
    std::string parent;              // of a fake bridge; "" of a real one
    int64_t vlan = 0;                // of a fake bridge
    std::vector<std::string> ports;  // by name, without the local port and ports of fake bridges

    bool is_fake() const { return !parent.empty(); }
};

struct PortView {
    std::string name;
    Uuid uuid;
    std::string bridge;  // a fake one if the port belongs to it
    std::vector<std::string> interfaces;
};

struct InterfaceView {
    std::string name;
    Uuid uuid;
    std::string port;
};

class Layout {
  public:
    explicit Layout(CtlContext& context);

    std::map<std::string, BridgeView, std::less<>> bridges;
    std::map<std::string, PortView, std::less<>> ports;  // all of them, local ones too
    std::map<std::string, InterfaceView, std::less<>> interfaces;

    Result<const BridgeView*> bridge(std::string_view name) const;       // "no bridge named x"
    Result<const BridgeView*> real_bridge(std::string_view name) const;  // not a fake one
    Result<const PortView*> port(std::string_view name) const;
    Result<const InterfaceView*> interface(std::string_view name) const;
    // "cannot create a bridge named x because a port named x already exists on bridge br0"
    Result<void> check_free(std::string_view name, const std::string& purpose) const;
    // The bridge whose packets it carries is `bridge` itself or the parent of it.
    const BridgeView* find_fake(std::string_view parent, int64_t vlan) const;

  private:
    void add_bridge(CtlContext& context, const vs::Bridge& bridge);
    void add_ports(CtlContext& context, const vs::Bridge& bridge);
};

// What a Layout reads.
Result<void> need_layout(CtlContext& context);

// The one row of Open_vSwitch, made if there is none.
Uuid root(db::Transaction& transaction);

}  // namespace weft::cli::vsctl
