#include "cli/vsctl/program.h"

#include <fmt/format.h>

#include <cstdio>

#include "cli/vsctl/commands.h"
#include "net/directories.h"

namespace weft::cli::vsctl {
namespace {

// Between the callbacks of one invocation.
bool wait_for_switch = true;  // --no-wait turns it off
bool waiting = false;         // a change was sent and next_cfg counted up
int64_t wanted_cfg = 0;

void add_options(OptionTable& options, CtlSettings&) {
    options.add("no-wait", 0, "", "Do not wait until ovs-vswitchd has carried out the change.",
                [](std::string_view) {
                    wait_for_switch = false;
                    return Result<void>();
                });
}

void need(CtlSession& session) {
    db::Replica& replica = *session.replica;
    replica.monitor(vs::OpenVSwitch::table_info(), {});
    if (!wait_for_switch) return;
    replica.monitor<vs::OpenVSwitch>(vs::OpenVSwitch::kCurCfg, vs::OpenVSwitch::kNextCfg);
}

void before_run(CtlSession& session) {
    root(*session.transaction);
}

void after_run(CtlSession& session, bool) {
    db::Transaction& txn = *session.transaction;
    waiting = wait_for_switch && !txn.empty();
    if (waiting) txn.increment(root(txn), vs::OpenVSwitch::kNextCfg);
}

// What ovs-vswitchd could not do is told by the interfaces' error columns.
void report_errors(CtlSession& session) {
    std::vector<std::string> lines;
    for (const vs::Interface& interface : session.replica->table<vs::Interface>()) {
        bool is_new = std::find(session.new_names.begin(), session.new_names.end(), interface.name) !=
                      session.new_names.end();
        if (!is_new || !interface.error || interface.error->empty()) continue;
        lines.push_back(fmt::format(
            "ovs-vsctl: Error detected while setting up '{}': {}.  See ovs-vswitchd log for details.\n",
            interface.name, *interface.error));
    }
    if (lines.empty()) return;
    std::sort(lines.begin(), lines.end());
    for (const std::string& line : lines) std::fputs(line.c_str(), stderr);
    std::fprintf(stderr, "ovs-vsctl: The default log directory is \"%s\".\n", net::ovs_logdir().c_str());
}

bool carried_out(CtlSession& session) {
    if (!waiting || session.outcome.status == db::CommitStatus::kUnchanged) return true;
    wanted_cfg = session.outcome.incremented;
    for (const vs::OpenVSwitch& row : session.replica->table<vs::OpenVSwitch>()) {
        if (row.cur_cfg < wanted_cfg) return false;
    }
    report_errors(session);
    return true;
}

}  // namespace

CtlProgram program() {
    CtlProgram out{};
    out.name = "ovs-vsctl";
    out.summary = "utility for querying and configuring ovs-vswitchd";
    out.description =
        "Changes the configuration of Open vSwitch on this host by its database, and waits until "
        "ovs-vswitchd has carried it out.";
    out.database = &vs::database();
    out.default_remotes = "unix:" + net::ovs_rundir() + "/db.sock";
    out.commands = {switch_commands(), bridge_commands(), port_commands(), connection_commands()};
    out.record_names = {
        {"Bridge", "Bridge", "name", ""},
        {"Controller", "Bridge", "name", "controller"},
        {"Interface", "Interface", "name", ""},
        {"Mirror", "Mirror", "name", ""},
        {"Manager", "Manager", "target", ""},
        {"NetFlow", "Bridge", "name", "netflow"},
        {"Open_vSwitch", "Open_vSwitch", "", ""},
        {"Port", "Port", "name", ""},
        {"QoS", "Port", "name", "qos"},
        {"SSL", "Open_vSwitch", "", "ssl"},
        {"sFlow", "Bridge", "name", "sflow"},
        {"Flow_Table", "Flow_Table", "name", ""},
        {"IPFIX", "Bridge", "name", "ipfix"},
        {"AutoAttach", "Bridge", "name", "auto_attach"},
        {"Flow_Sample_Collector_Set", "Flow_Sample_Collector_Set", "id", ""},
    };
    out.whole_tables = true;
    out.show = {
        {"Open_vSwitch", "", {"manager_options", "bridges", "ovs_version"}},
        {"Bridge", "name", {"controller", "fail_mode", "datapath_type", "ports"}},
        {"Port", "name", {"tag", "trunks", "interfaces"}},
        {"Interface", "name", {"type", "options", "bfd_status", "error"}},
        {"Controller", "target", {"is_connected"}},
        {"Manager", "target", {"is_connected"}},
    };
    out.add_options = add_options;
    out.need = need;
    out.before_run = before_run;
    out.after_run = after_run;
    out.carried_out = carried_out;
    return out;
}

int run(int argc, char** argv) {
    return run_ctl(program(), argc, argv);
}

}  // namespace weft::cli::vsctl
