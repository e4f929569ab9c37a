// Quality of service of ports: QoS and Queue rows, and ingress policing of Interface rows, carried out on
// devices (datapath/netdev/qos.h) and in the datapath (Datapath::set_policing()).
//
// configure() follows a Port row for each of its interfaces that are devices of the kernel.  What the kernel
// cannot do is said in `warnings` and leaves the device as it was.  A device that is no port any more gets
// the kernel's default discipline back.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "datapath/netdev/qos.h"
#include "ovsdb/client/replica.h"
#include "schema/vswitch.h"
#include "switch/ofproto/bridge.h"
#include "switch/upcall/backer.h"

namespace weft::vswitch {

class Shaping {
  public:
    void configure(const schema::vswitch::Port& row, Bundle& bundle, Bridge& bridge,
                   const ovsdb::client::Replica& replica, std::vector<std::string>& warnings);
    // Interface:ingress_policing_...
    void police(const schema::vswitch::Interface& row, const OfPort& port, Backer& backer,
                std::vector<std::string>& warnings);
    void remove_port(const OfPort& port);

    struct Device {
        datapath::QosConfig config;
        bool installed = false;
        int64_t since_ms = 0;
        std::map<uint32_t, int64_t> queues_since_ms;  // of every queue that there is
    };
    const Device* find(std::string_view interface) const;
    std::string show(const OfPort& port) const;  // qos/show

  private:
    std::map<std::string, Device, std::less<>> devices_;  // by interface
};

}  // namespace weft::vswitch
