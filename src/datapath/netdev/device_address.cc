#include "datapath/netdev/device_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "datapath/userspace/tunnel_socket.h"

namespace weft::datapath {

namespace {

sockaddr socket_address(uint32_t address) {
    sockaddr_in in = {};
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = htonl(address);
    sockaddr out;
    std::memcpy(&out, &in, sizeof out);
    return out;
}

uint32_t address_of(const sockaddr& address) {
    sockaddr_in in;
    std::memcpy(&in, &address, sizeof in);
    return ntohl(in.sin_addr.s_addr);
}

Error os_error(const std::string& device, std::string_view what) {
    return Error{fmt::format("{}: {}: {}", device, what, std::strerror(errno))};
}

class Device {
  public:
    explicit Device(const std::string& name) : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        fits_ = name.size() < IFNAMSIZ;
        if (fits_) name.copy(request_.ifr_name, IFNAMSIZ - 1);
    }
    bool ask(unsigned long what) {
        if (fits_) return ioctl(socket_.get(), what, &request_) == 0;
        errno = ENODEV;
        return false;
    }
    ifreq& request() { return request_; }
    int socket() const { return socket_.get(); }

  private:
    Descriptor socket_;
    ifreq request_ = {};
    bool fits_;
};

}  // namespace

std::optional<DeviceAddress> device_address(const std::string& name) {
    Device device(name);
    if (!device.ask(SIOCGIFADDR)) return std::nullopt;
    DeviceAddress out;
    out.address = address_of(device.request().ifr_addr);
    if (!device.ask(SIOCGIFNETMASK)) return std::nullopt;
    out.netmask = address_of(device.request().ifr_netmask);
    return out;
}

Result<void> set_device_address(const std::string& name, const DeviceAddress& address) {
    Device device(name);
    device.request().ifr_addr = socket_address(address.address);
    if (!device.ask(SIOCSIFADDR)) return os_error(name, "setting the address");
    device.request().ifr_netmask = socket_address(address.netmask);
    if (!device.ask(SIOCSIFNETMASK)) return os_error(name, "setting the netmask");
    if (!device.ask(SIOCGIFFLAGS)) return os_error(name, "asking for the flags");
    device.request().ifr_flags = static_cast<short>(device.request().ifr_flags | IFF_UP);
    if (!device.ask(SIOCSIFFLAGS)) return os_error(name, "setting the device up");
    return {};
}

Result<void> add_default_gateway(const std::string& name, uint32_t gateway) {
    Device device(name);
    std::string text = name;
    rtentry route = {};
    route.rt_dst = route.rt_genmask = socket_address(0);
    route.rt_gateway = socket_address(gateway);
    route.rt_flags = RTF_UP | RTF_GATEWAY;
    route.rt_dev = text.data();
    if (ioctl(device.socket(), SIOCADDRT, &route) < 0 && errno != EEXIST)
        return os_error(name, "adding the default route");
    return {};
}

std::optional<packet::EthAddr> device_neighbour(const std::string& name, uint32_t address) {
    Device device(name);
    arpreq request = {};
    request.arp_pa = socket_address(address);
    if (name.size() >= sizeof request.arp_dev) return std::nullopt;
    name.copy(request.arp_dev, sizeof request.arp_dev - 1);
    if (ioctl(device.socket(), SIOCGARP, &request) < 0 || !(request.arp_flags & ATF_COM)) return std::nullopt;
    packet::EthAddr mac;
    std::memcpy(mac.data(), request.arp_ha.sa_data, mac.size());
    return mac;
}

}  // namespace weft::datapath
