// --user of daemons: the process becomes another user and gives up root's powers, all but those that its work
// needs (ovs-vswitchd(8), "--user").
//
// Every daemon keeps CAP_IPC_LOCK (memory that is locked) and CAP_NET_BIND_SERVICE (ports below 1024).  One
// that works on the host's network keeps CAP_NET_ADMIN, CAP_NET_BROADCAST and CAP_NET_RAW as well, and
// CAP_BPF and CAP_PERFMON for the programs of the eBPF datapath.  No power can be got back, not even by a
// program that it starts.
//
// What may go wrong: files and directories that root made stay root's.  The log file, which is open by then,
// is given to the user; run directories, databases, keys and /sys/fs/bpf are the administrator's to hand
// over.

#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace weft::net {

class DaemonUser {
  public:
    // "USER", whose own group is meant, "USER:GROUP" with a group that the user is in, ":GROUP", or nothing:
    // who it is now. Error: no such user or group, the user is not in the group, or this process is not
    // root's.
    static Result<DaemonUser> parse(std::string_view text);

    Result<void> give(const std::string& file) const;  // to the user
    // With no other groups than its own.  Of the calling thread, hence before there are others.
    Result<void> become(bool with_network) const;

  private:
    uid_t uid_ = 0;
    gid_t gid_ = 0;
};

}  // namespace weft::net
