// ovn-docker-overlay-driver.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "docker/overlay_driver.h"
#include "net/control_server.h"
#include "net/daemon.h"
#include "net/http_server.h"
#include "net/loop.h"

namespace weft::apps {

namespace {

constexpr const char* kSpecDirectory = "/etc/docker/plugins";
constexpr const char* kSpecFile = "/etc/docker/plugins/openvswitch.spec";
// Docker runs on this host.
constexpr const char* kAddress = "127.0.0.1";
constexpr uint16_t kPort = 5000;

// Where Docker finds the driver of that name.
Result<void> write_spec() {
    mkdir("/etc/docker", 0755);
    mkdir(kSpecDirectory, 0755);
    std::string spec = fmt::format("tcp://{}:{}", kAddress, kPort);
    std::FILE* file = std::fopen(kSpecFile, "we");
    bool written = file && std::fwrite(spec.data(), 1, spec.size(), file) == spec.size();
    if (file) written = std::fclose(file) == 0 && written;
    if (!written) return Error{fmt::format("{}: {}", kSpecFile, std::strerror(errno))};
    return {};
}

Result<void> serve(int argc, char** argv) {
    OptionTable table;
    net::DaemonOptions daemon("ovn-docker-overlay-driver");
    daemon.add_to(table);
    Questions questions;
    questions.add_to(table);
    WEFT_ASSIGN(auto words, table.parse(std::vector<std::string>(argv + 1, argv + argc)));
    ProgramText text{
        "ovn-docker-overlay-driver",
        "Docker network driver for OVN networks",
        "[OPTIONS]",
        "Serves Docker as the network driver \"openvswitch\": a network that Docker makes with it is a "
        "logical switch, and each container's interface in it a logical port, so that containers of several "
        "hosts are in one network.\n\n"
        "Open_vSwitch:external_ids of this host's database tells the northbound database (ovn-nb, a must) "
        "and the integration bridge (ovn-bridge, br-int if there is none, made if it is missing).  The "
        "driver listens on 127.0.0.1, port 5000, and tells Docker so in "
        "/etc/docker/plugins/openvswitch.spec.\n\n"
        "Docker's subnet and gateway become external_ids:subnet and external_ids:gateway_ip of the "
        "Logical_Switch; an endpoint's addresses become those of the Logical_Switch_Port.  When a container "
        "joins, a veth pair is made: the outer end becomes a port of the integration bridge, the inner end "
        "is for Docker to move into the container.",
        {}};
    if (auto answer = questions.answer(text, table)) {
        std::fputs(answer->c_str(), stdout);
        return {};
    }
    if (!words.empty()) return Error{"non-option argument \"" + words[0] + "\" given (use --help for help)"};
    WEFT_TRY(daemon.start());
    net::Loop loop;
    WEFT_ASSIGN(auto control, net::ControlServer::create(loop, daemon.unixctl(), daemon.program()));
    WEFT_ASSIGN(auto metrics_server, daemon.serve_metrics(loop));
    control->add("exit", "", 0, 0, [&](const net::ControlServer::Arguments&) {
        loop.stop();
        return Result<std::string>("");
    });
    auto terminate = loop.on_signal(SIGTERM, [&] { loop.stop(); });
    auto interrupt = loop.on_signal(SIGINT, [&] { loop.stop(); });
    docker::OverlayDriver driver(loop);
    std::optional<Result<void>> prepared;
    driver.prepare([&](Result<void> outcome) {
        prepared = std::move(outcome);
        loop.stop();
    });
    loop.run();
    if (!prepared) return {};  // told to end before
    WEFT_TRY(*std::move(prepared));
    WEFT_ASSIGN(auto http,
                net::HttpServer::create(loop, kAddress, kPort,
                                        [&](net::HttpRequest request, net::HttpServer::Reply reply) {
                                            driver.answer(std::move(request), std::move(reply));
                                        }));
    WEFT_TRY(write_spec());
    daemon.ready();
    loop.run();
    return {};
}

}  // namespace

int ovn_docker_overlay_driver(int argc, char** argv) {
    return net::exit_status("ovn-docker-overlay-driver", serve(argc, argv));
}

}  // namespace weft::apps
