// A question to the kernel about one network device, or a change of it, by its name: the requests of
// netdevice(7), for what rtnetlink (links.h) has no answer to, or where nobody keeps its table.

#pragma once

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <string_view>

#include "base/descriptor.h"

namespace weft::datapath {

class DeviceRequest {
  public:
    explicit DeviceRequest(std::string_view device)
        : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), fits_(device.size() < IFNAMSIZ) {
        if (fits_) device.copy(request_.ifr_name, IFNAMSIZ - 1);
    }
    // `what`: SIOCGIFMTU or the like, whose value is in request().  False: errno tells why.
    bool make(unsigned long what) {
        if (fits_) return ioctl(socket_.get(), what, &request_) == 0;
        errno = ENODEV;
        return false;
    }
    ifreq& request() { return request_; }
    int socket() const { return socket_.get(); }

  private:
    Descriptor socket_;
    ifreq request_ = {};
    bool fits_;  // longer names no device has
};

}  // namespace weft::datapath
