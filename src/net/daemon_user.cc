#include "net/daemon_user.h"

#include <cap-ng.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace weft::net {

namespace {

bool has_member(const group& g, const passwd& user) {
    if (g.gr_gid == user.pw_gid) return true;
    for (char** name = g.gr_mem; *name; ++name) {
        if (std::strcmp(*name, user.pw_name) == 0) return true;
    }
    return false;
}

}  // namespace

Result<DaemonUser> DaemonUser::parse(std::string_view text) {
    if (geteuid() != 0) return Error{"only root can use --user option"};
    size_t colon = text.find(':');
    std::string name(text.substr(0, colon));
    std::string group_name(colon == text.npos ? "" : text.substr(colon + 1));
    const passwd* user = name.empty() ? getpwuid(getuid()) : getpwnam(name.c_str());
    if (!user) return Error{fmt::format("user {} not found, aborting.", name)};
    DaemonUser out;
    out.uid_ = user->pw_uid;
    out.gid_ = name.empty() ? getgid() : user->pw_gid;
    if (group_name.empty()) return out;
    const group* wanted = getgrnam(group_name.c_str());
    if (!wanted) return Error{fmt::format("group {} not found, aborting.", group_name)};
    if (!has_member(*wanted, *user)) {
        return Error{fmt::format("Invalid --user option {} (user {} is not in group {}), aborting.", text,
                                 user->pw_name, group_name)};
    }
    out.gid_ = wanted->gr_gid;
    return out;
}

Result<void> DaemonUser::give(const std::string& file) const {
    if (chown(file.c_str(), uid_, gid_) == 0) return {};
    return Error{fmt::format("{}: changing its owner failed ({})", file, std::strerror(errno))};
}

Result<void> DaemonUser::become(bool with_network) const {
    capng_clear(CAPNG_SELECT_BOTH);
    auto keep = [](unsigned power) {
        capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED), power);
    };
    for (unsigned power : {CAP_IPC_LOCK, CAP_NET_BIND_SERVICE}) keep(power);
    if (with_network) {
        for (unsigned power : {CAP_NET_ADMIN, CAP_NET_BROADCAST, CAP_NET_RAW, CAP_BPF, CAP_PERFMON})
            keep(power);
    }
    int failed = capng_change_id(static_cast<int>(uid_), static_cast<int>(gid_),
                                 static_cast<capng_flags_t>(CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING));
    if (failed)
        return Error{fmt::format("becoming user {}:{} failed (step {} of libcap-ng)", uid_, gid_, -failed)};
    return {};
}

}  // namespace weft::net
