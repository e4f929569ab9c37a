// ovs-testcontroller: a simple OpenFlow controller for tests (ovs-testcontroller(8)).

#include <fmt/format.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/options.h"
#include "cli/ofctl/ofctl.h"
#include "cli/testcontroller/controller.h"
#include "cli/tls_options.h"
#include "net/common_commands.h"
#include "net/control_server.h"
#include "net/daemon.h"
#include "net/loop.h"
#include "openflow/connection.h"

namespace weft::apps {

namespace {

log::Module lg("controller");

using Controller = cli::testcontroller::Controller;
using Policy = cli::testcontroller::Policy;

template <typename T>
bool read_number(std::string_view text, T& out, int base = 10) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
    return error == std::errc() && end == text.data() + text.size();
}

Result<void> set_max_idle(Policy& policy, std::string_view text) {
    if (text == "permanent") {
        policy.idle_timeout_s = 0;
        return {};
    }
    uint16_t seconds = 0;
    if (!read_number(text, seconds) || !seconds)
        return Error{"--max-idle argument must be between 1 and 65535 or the word 'permanent'"};
    policy.idle_timeout_s = seconds;
    return {};
}

Result<void> set_wildcards(Policy& policy, std::string_view text) {
    policy.wildcards = Policy::kL2Only;
    if (text.empty()) return {};
    if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
    if (!read_number(text, policy.wildcards, 16) || policy.wildcards >> 22)
        return Error{
            fmt::format("--wildcards takes a bitmask of OpenFlow 1.0, at most 0x3fffff, not \"{}\"", text)};
    return {};
}

Result<void> set_queue(Policy& policy, std::string_view text) {
    uint32_t id = 0;
    if (!read_number(text, id)) return Error{fmt::format("\"{}\" is not the number of a queue", text)};
    policy.queue = id;
    return {};
}

Result<void> set_port_queue(Policy& policy, std::string_view text) {
    size_t colon = text.rfind(':');
    uint32_t id = 0;
    if (colon == text.npos || !colon || !read_number(text.substr(colon + 1), id))
        return Error{"argument to -Q or --port-queue should take the form \"<port-name>:<queue-id>\""};
    if (!policy.port_queues.emplace(text.substr(0, colon), id).second)
        return Error{
            fmt::format("port {} has two queues: --port-queue names each port once", text.substr(0, colon))};
    return {};
}

Result<void> read_flows(Policy& policy, const std::string& file) {
    return cli::ofctl::for_each_line(file, [&](std::string_view line) -> Result<void> {
        WEFT_ASSIGN(auto flow, openflow::parse_flow_mod(line, openflow::FlowMod::Command::kAdd));
        policy.flows.push_back(std::move(flow));
        return {};
    });
}

void add_options(OptionTable& table, Controller::Options& options) {
    Policy& policy = options.policy;
    table.section("Options");
    table.add_flag("hub", 'H', "Be a hub, which floods each packet, instead of a switch that learns.",
                   policy.hub);
    table.add_flag("noflow", 'n', "Pass packets on without setting up flows.", policy.set_up_flows, false);
    table.add(
        "max-idle", 0, "SECS",
        "Flows end after so many seconds without packets, or never, if SECS is permanent (default: 60).",
        [&](std::string_view text) { return set_max_idle(policy, text); });
    table.add_flag("normal", 'N',
                   "Direct packets whose receiver is known to OFPP_NORMAL instead of the receiver's port.",
                   policy.normal);
    table.add(
        "wildcards", 'w', "[MASK]",
        "Set up flows that leave out the fields of this bitmask of OpenFlow 1.0, in hexadecimal (default: "
        "0x2820f0, everything beyond Ethernet).",
        [&](std::string_view text) { return set_wildcards(policy, text); });
    table.add("queue", 'q', "ID", "Send packets through this queue of the port where they leave.",
              [&](std::string_view text) { return set_queue(policy, text); });
    table.add(
        "port-queue", 'Q', "PORT-NAME:ID",
        "The same for packets that come from the port of this name, in place of --queue.  May be repeated.",
        [&](std::string_view text) { return set_port_queue(policy, text); });
    table.add("with-flows", 0, "FILE",
              "Push the flows of FILE, lines as of `ovs-ofctl add-flows`, to each switch.  May be repeated.",
              [&](std::string_view file) { return read_flows(policy, std::string(file)); });
    table.add_flag("mute", 0, "Answer nothing that switches send, to try how they \"fail open\".",
                   options.mute);
    table.add("protocols", 'O', "VERSIONS",
              "OpenFlow versions to speak, such as OpenFlow10,OpenFlow13 (default: all).",
              [&](std::string_view text) -> Result<void> {
                  WEFT_ASSIGN(options.versions, openflow::parse_versions(text));
                  return {};
              });
}

ProgramText program_text() {
    return {
        "ovs-testcontroller",
        "simple OpenFlow controller for testing",
        "[OPTIONS] METHOD [METHOD]...",
        "Controls any number of OpenFlow switches, each as a switch that learns which addresses are on which "
        "port, or as a hub.  It serves for first tests of OpenFlow networks.\n\nEach METHOD is an OpenFlow "
        "connection method: ptcp:[PORT][:HOST], pssl:[PORT][:HOST] and punix:FILE wait for switches; "
        "tcp:HOST[:PORT], ssl:HOST[:PORT] and unix:FILE call one.  The default PORT is 6653.",
        {}};
}

// Queues are of single ports: whatever has no single port gives way to them.
void settle_conflicts(Policy& policy) {
    if (!policy.uses_queues()) return;
    if (policy.normal)
        std::fputs(
            "ovs-testcontroller: queue IDs are incompatible with -N or --normal; not using OFPP_NORMAL\n",
            stderr);
    if (policy.hub)
        std::fputs("ovs-testcontroller: queue IDs are incompatible with -H or --hub; not acting as hub\n",
                   stderr);
    policy.normal = policy.hub = false;
}

Result<int> serve(net::DaemonOptions& daemon, const Controller::Options& options,
                  const std::vector<std::string>& methods) {
    WEFT_TRY(daemon.start());
    net::Loop loop;
    Controller controller(loop, options);
    size_t usable = 0;
    for (const std::string& method : methods) {
        Result<void> added = controller.add_method(method);
        usable += added.ok();
        if (!added.ok()) lg.err("{}", added.message());
    }
    if (!usable) return Error{"no active or passive switch connections"};
    WEFT_ASSIGN(auto control, net::ControlServer::create(loop, daemon.unixctl(), "ovs-testcontroller"));
    WEFT_ASSIGN(auto metrics_server, daemon.serve_metrics(loop));
    control->add("exit", "", 0, 0, [&](const net::ControlServer::Arguments&) -> Result<std::string> {
        loop.stop();
        return std::string();
    });
    auto terminate = loop.on_signal(SIGTERM, [&] { loop.stop(); });
    auto interrupt = loop.on_signal(SIGINT, [&] { loop.stop(); });
    daemon.ready();
    loop.run();
    return 0;
}

}  // namespace

int ovs_testcontroller(int argc, char** argv) {
    net::DaemonOptions daemon("ovs-testcontroller");
    Controller::Options options;
    for (openflow::Version version : openflow::kAllVersions)
        options.versions |= openflow::version_bit(version);
    OptionTable table;
    add_options(table, options);
    cli::add_tls_options(table);
    daemon.add_to(table);
    Questions questions;
    questions.add_to(table);
    auto fail = [](const std::string& message) {
        std::fprintf(stderr, "ovs-testcontroller: %s\n", message.c_str());
        return 1;
    };
    auto methods = table.parse(std::vector<std::string>(argv + 1, argv + argc));
    if (!methods) return fail(methods.message());
    if (auto answer = questions.answer(program_text(), table, "OpenFlow versions 0x1:0x6\n"))
        return std::fputs(answer->c_str(), stdout), 0;
    if (methods->empty()) return fail("at least one vconn argument required; use --help for usage");
    settle_conflicts(options.policy);
    std::signal(SIGPIPE, SIG_IGN);
    auto result = serve(daemon, options, *methods);
    return result.ok() ? *result : fail(result.message());
}

}  // namespace weft::apps
