#include "net/directories.h"

#include <limits.h>
#include <unistd.h>

#include <cstdlib>

namespace weft::net {

namespace {

std::string from_environment(const char* variable, std::string fallback) {
    const char* value = std::getenv(variable);
    return value && *value ? value : fallback;
}

// The build's or installation's share folder, if it is laid out beside the binary.
std::string share_folder(const char* package) {
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    std::string fallback = std::string("/usr/share/") + package;
    if (length <= 0) return fallback;
    std::string binary(path, static_cast<size_t>(length));
    size_t slash = binary.rfind('/');
    slash = slash == std::string::npos || slash == 0 ? std::string::npos : binary.rfind('/', slash - 1);
    if (slash == std::string::npos) return fallback;
    std::string beside = binary.substr(0, slash) + "/share/" + package;
    return access(beside.c_str(), R_OK) == 0 ? beside : fallback;
}

bool is_ovn(std::string_view program) {
    // Those of Docker stand beside the switch.
    return program.starts_with("ovn") && !program.starts_with("ovn-docker");
}

}  // namespace

std::string ovs_rundir() {
    return from_environment("OVS_RUNDIR", "/var/run/openvswitch");
}
std::string ovs_logdir() {
    return from_environment("OVS_LOGDIR", "/var/log/openvswitch");
}
std::string ovs_sysconfdir() {
    return from_environment("OVS_SYSCONFDIR", "/etc");
}
std::string ovs_dbdir() {
    return from_environment("OVS_DBDIR", ovs_sysconfdir() + "/openvswitch");
}
std::string ovs_pkgdatadir() {
    return from_environment("OVS_PKGDATADIR", share_folder("openvswitch"));
}
std::string ovn_rundir() {
    return from_environment("OVN_RUNDIR", "/var/run/ovn");
}
std::string ovn_logdir() {
    return from_environment("OVN_LOGDIR", "/var/log/ovn");
}
std::string ovn_dbdir() {
    return from_environment("OVN_DBDIR", "/var/lib/ovn");
}
std::string ovn_sysconfdir() {
    return from_environment("OVN_SYSCONFDIR", "/etc");
}
std::string ovn_pkgdatadir() {
    return from_environment("OVN_PKGDATADIR", share_folder("ovn"));
}

std::string rundir_of(std::string_view program) {
    return is_ovn(program) ? ovn_rundir() : ovs_rundir();
}
std::string logdir_of(std::string_view program) {
    return is_ovn(program) ? ovn_logdir() : ovs_logdir();
}

const std::string& start_directory() {
    static const std::string directory = [] {
        char* text = getcwd(nullptr, 0);
        std::string out = text ? text : "";
        std::free(text);
        return out;
    }();
    return directory;
}

std::string absolute_path(std::string_view path, std::string_view directory) {
    if (path.starts_with('/')) return std::string(path);
    return std::string(directory) + "/" + std::string(path);
}

}  // namespace weft::net
