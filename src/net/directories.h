// Directories of the running system: the environment (OVS_RUNDIR, …) or the packaged default.

#pragma once

#include <string>
#include <string_view>

namespace weft::net {

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

// Of the family that a program belongs to: "ovn-northd" has OVN's, "ovsdb-server" OVS's.
std::string rundir_of(std::string_view program);
std::string logdir_of(std::string_view program);

// Where the program was started: a daemon that detaches leaves it.  "" if that is unknown.  First called
// before then.
const std::string& start_directory();

// `path` itself if it is absolute, else below `directory`.
std::string absolute_path(std::string_view path, std::string_view directory);

}  // namespace weft::net
