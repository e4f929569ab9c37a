#include "ovsdb/server/limits.h"

#include <sys/resource.h>

#include <algorithm>

namespace weft::ovsdb {

namespace {

// For files, control sockets, remotes and whatever libraries open.
constexpr size_t kOtherFiles = 64;

}  // namespace

size_t sessions_that_fit(size_t wanted) {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) < 0) return wanted;
    const rlim_t needed = static_cast<rlim_t>(wanted) + kOtherFiles;
    if (files.rlim_cur < needed && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = std::min(files.rlim_max, needed);
        if (::setrlimit(RLIMIT_NOFILE, &files) < 0 && ::getrlimit(RLIMIT_NOFILE, &files) < 0) return wanted;
    }
    // With very few files half of them go to sessions.
    size_t limit = static_cast<size_t>(std::min<rlim_t>(files.rlim_cur, needed));
    return std::min(wanted, std::max(limit / 2, limit > kOtherFiles ? limit - kOtherFiles : 0));
}

}  // namespace weft::ovsdb
