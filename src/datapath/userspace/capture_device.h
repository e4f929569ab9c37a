// The device on which tcpdump shows what goes through a tunnel: genev_sys_6081, vxlan_sys_4789, gre_sys.
//
// Operators know these devices from the kernel's switch, where tunnels are devices.  Here tunnels are
// sockets, and this is a window beside them: a TAP device of that name, to which copies of the inner packets
// go while somebody listens, received ones as received, sent ones as sent.  Nothing else happens on it: the
// host's stack does not see the packets, and what the host might send out of it vanishes.
//
// Listeners in promiscuous mode (tcpdump's way) are known from the device's own count, which the kernel tells
// by rtnetlink before the listener can say that it listens.  Others (tcpdump -p, -i any) are asked for when
// packets pass, at most every kAskIntervalMs.  Without listeners a packet costs a comparison.
//
// It outlives the process, as the kernel's device does, and goes with remove().

#pragma once

#include <memory>
#include <string>

#include "base/descriptor.h"
#include "datapath/netdev/ingress_block.h"
#include "datapath/netdev/links.h"
#include "packet/packet.h"

namespace weft::datapath {

class CaptureDevice {
  public:
    static constexpr int64_t kAskIntervalMs = 10;

    // Errors: no /dev/net/tun, or the name is another device's.  `links` must outlive the device.
    static Result<std::unique_ptr<CaptureDevice>> create(Links& links, const std::string& name);

    bool listened();  // does anybody look?
    void received(const packet::Packet& packet);
    void sent(const packet::Packet& packet);
    void remove();

  private:
    CaptureDevice(Links& links, int ifindex) : links_(links), ifindex_(ifindex) {}
    void drain();

    Links& links_;
    const int ifindex_;
    Descriptor tap_, sender_;
    TcFilter block_;
    uint64_t generation_ = 0;  // of the links, when `promiscuous_` was read
    bool promiscuous_ = false, heard_ = false;
    int64_t ask_at_ms_ = 0;
};

}  // namespace weft::datapath
