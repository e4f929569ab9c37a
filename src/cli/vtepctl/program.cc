#include "cli/vtepctl/program.h"

#include "cli/vtepctl/commands.h"
#include "net/directories.h"

namespace weft::cli::vtepctl {
namespace {

void need(CtlSession& session) {
    session.replica->monitor(vt::Global::table_info(), {});
}

void before_run(CtlSession& session) {
    root(*session.transaction);
}

CtlProgram program() {
    CtlProgram out{};
    out.name = "vtep-ctl";
    out.summary = "utility for querying and configuring a VTEP database";
    out.description =
        "Changes the database in which a network controller and a hardware switch that ends VXLAN tunnels "
        "meet: switches, their ports, and which addresses are behind which tunnel.";
    out.database = &vt::database();
    out.default_remotes = "unix:" + net::ovs_rundir() + "/db.sock";
    out.commands = {physical_commands(), logical_commands(), mac_commands(), manager_commands()};
    out.record_names = {
        {"Global", "Global", "", ""},
        {"Logical_Router", "Logical_Router", "name", ""},
        {"Logical_Switch", "Logical_Switch", "name", ""},
        {"Manager", "Manager", "target", ""},
        {"Physical_Switch", "Physical_Switch", "name", ""},
    };
    out.whole_tables = true;
    out.show = {
        {"Global", "", {"managers", "switches"}},
        {"Manager", "target", {"is_connected"}},
        {"Physical_Switch", "name", {"management_ips", "tunnel_ips", "ports"}},
        {"Physical_Port", "name", {"vlan_bindings"}},
        {"Logical_Switch", "name", {}},
    };
    out.need = need;
    out.before_run = before_run;
    return out;
}

}  // namespace

Uuid root(db::Transaction& transaction) {
    Uuid found;
    transaction.for_each<vt::Global>([&](const vt::Global& row) { found = row.uuid; });
    return found.is_zero() ? transaction.insert<vt::Global>() : found;
}

int run(int argc, char** argv) {
    return run_ctl(program(), argc, argv);
}

}  // namespace weft::cli::vtepctl
