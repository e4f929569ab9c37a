// Learning of MAC addresses behind ports that accept unknown ones.

#include "northd/features.h"

namespace weft::northd {

void fdb_of_switch(Program&, FlowWriter& f, const Switch&) {
    f.add(Stage::kSwitchInLookupFdb, 0, "1", "next;");
    f.add(Stage::kSwitchInPutFdb, 0, "1", "next;");
}

void fdb_of_port(Program&, FlowWriter& f, const SwitchPort& port) {
    if (port.has_port_security || !port.unknown || !ovsdb::get_bool(port.options, "lsp_learn_fdb", true))
        return;
    bool learns = port.type == PortType::kVif || port.type == PortType::kLocalport ||
                  port.type == PortType::kSwitch ||
                  (port.type == PortType::kLocalnet && ovsdb::get_bool(port.options, "localnet_learn_fdb"));
    if (!learns) return;
    std::string in = "inport == " + port.quoted;
    FlowWriter::More about{port.name, ""};
    f.add(Stage::kSwitchInLookupFdb, 100, in, "reg0[11] = lookup_fdb(inport, eth.src); next;", about);
    f.add(Stage::kSwitchInPutFdb, 100, in + " && reg0[11] == 0", "put_fdb(inport, eth.src); next;", about);
}

}  // namespace weft::northd
