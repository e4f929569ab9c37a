#include "docker_driver.h"

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

#include "net/control_server.h"
#include "net/daemon.h"
#include "net/http_server.h"

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

}  // namespace

Result<void> serve_docker(int argc, char** argv, const DockerDriver& driver) {
    OptionTable table;
    net::DaemonOptions daemon(driver.text.name);
    if (driver.add_options) driver.add_options(table);
    daemon.add_to(table);
    Questions questions;
    questions.add_to(table);
    WEFT_ASSIGN(auto words, table.parse(std::vector<std::string>(argv + 1, argv + argc)));
    if (auto answer = questions.answer(driver.text, table)) {
        std::fputs(answer->c_str(), stdout);
        return {};
    }
    if (!words.empty()) return Error{"non-option argument \"" + words[0] + "\" given (use --help for help)"};
    if (driver.begin) WEFT_TRY(driver.begin());
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
    std::unique_ptr<docker::RemoteDriver> served = driver.make(loop);
    std::optional<Result<void>> prepared;
    served->prepare([&](Result<void> outcome) {
        prepared = std::move(outcome);
        loop.stop();
    });
    loop.run();
    if (!prepared) return {};  // told to end before
    WEFT_TRY(*std::move(prepared));
    WEFT_ASSIGN(auto http,
                net::HttpServer::create(loop, kAddress, kPort,
                                        [&](net::HttpRequest request, net::HttpServer::Reply reply) {
                                            served->answer(std::move(request), std::move(reply));
                                        }));
    WEFT_TRY(write_spec());
    daemon.ready();
    loop.run();
    return {};
}

}  // namespace weft::apps
