// Port security is checked by ovn-controller from Port_Binding:port_security; the flows only ask for it.

#include <fmt/core.h>

#include "northd/features.h"

namespace weft::northd {

void port_security_of_switch(Program&, FlowWriter& f, const Switch& sw) {
    if (!sw.vlan_passthru) f.add(Stage::kSwitchInCheckPortSec, 100, "vlan.present", "drop;");
    f.add(Stage::kSwitchInCheckPortSec, 100, "eth.src[40]", "drop;");
    f.add(Stage::kSwitchInCheckPortSec, 50, "1", "reg0[15] = check_in_port_sec(); next;");
    f.add(Stage::kSwitchInApplyPortSec, 50, "reg0[15] == 1", "drop;");
    f.add(Stage::kSwitchInApplyPortSec, 0, "1", "next;");

    f.add(Stage::kSwitchOutCheckPortSec, 100, "eth.mcast", "reg0[15] = 0; next;");
    f.add(Stage::kSwitchOutCheckPortSec, 0, "1", "reg0[15] = check_out_port_sec(); next;");
    f.add(Stage::kSwitchOutApplyPortSec, 50, "reg0[15] == 1", "drop;");
    f.add(Stage::kSwitchOutApplyPortSec, 0, "1", "output;");
}

void port_security_of_port(Program&, FlowWriter& f, const SwitchPort& port) {
    if (port.type == PortType::kExternal) return;  // nothing comes in by it
    std::string in = "inport == " + port.quoted, out = "outport == " + port.quoted;
    FlowWriter::More about{port.name, ""};
    if (!port.enabled) {
        f.add(Stage::kSwitchInCheckPortSec, 100, in, "reg0[15] = 1; next;", about);
        return;
    }
    if (port.type == PortType::kVtep) {
        f.add(Stage::kSwitchInCheckPortSec, 70, in, "reg0[14] = 1; next(pipeline=ingress, table=16);", about);
    } else if (port.queue) {
        f.add(Stage::kSwitchInCheckPortSec, 70, in,
              fmt::format("set_queue({}); reg0[15] = check_in_port_sec(); next;", port.queue), about);
        if (port.type == PortType::kLocalnet) {
            f.add(Stage::kSwitchOutApplyPortSec, 100, out, fmt::format("set_queue({}); output;", port.queue),
                  about);
        }
    }
}

}  // namespace weft::northd
