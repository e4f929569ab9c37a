// What every daemon shares: detaching, the monitor process, pid file, log flags, control socket path.
//
//     DaemonOptions daemon("ovsdb-server");
//     daemon.add_to(options);                       // --detach --pidfile ... -v ...
//     WEFT_TRY(daemon.start());                     // forks if asked; only the child returns
//     ... open files, sockets, control server ...
//     daemon.ready();                               // the parent now exits 0; before, it exits as the child
//     does, with its message
//
// fork() happens in start(), so nothing that does not survive it (loops, threads) may exist before.

#pragma once

#include <string>

#include "base/options.h"
#include "base/result.h"

namespace weft::net {

class DaemonOptions {
  public:
    explicit DaemonOptions(std::string program);
    void add_to(OptionTable& options);

    Result<void> start();
    void ready();

    const std::string& program() const { return program_; }
    const std::string& unixctl() const { return unixctl_; }  // --unixctl as given, or ""

  private:
    std::string program_, unixctl_, pidfile_, log_file_;
    bool detach_ = false, chdir_ = true, monitor_ = false, overwrite_pidfile_ = false, want_pidfile_ = false;
    int ready_fd_ = -1;
};

// Directories of the running system: the environment (OVS_RUNDIR, ...) or the packaged default.
std::string ovs_rundir();      // /var/run/openvswitch
std::string ovs_logdir();      // /var/log/openvswitch
std::string ovs_dbdir();       // /etc/openvswitch
std::string ovs_sysconfdir();  // /etc
std::string ovs_pkgdatadir();  // ../share/openvswitch beside the program's bin, else /usr/share/openvswitch
std::string ovn_rundir();      // /var/run/ovn
std::string ovn_logdir();      // /var/log/ovn
std::string ovn_dbdir();       // /var/lib/ovn
std::string ovn_sysconfdir();  // /etc
std::string ovn_pkgdatadir();  // ../share/ovn beside the program's bin, else /usr/share/ovn

}  // namespace weft::net
