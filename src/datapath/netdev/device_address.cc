#include "datapath/netdev/device_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "datapath/netdev/device_request.h"

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

}  // namespace

std::optional<DeviceAddress> device_address(const std::string& name) {
    DeviceRequest device(name);
    if (!device.make(SIOCGIFADDR)) return std::nullopt;
    DeviceAddress out;
    out.address = address_of(device.request().ifr_addr);
    if (!device.make(SIOCGIFNETMASK)) return std::nullopt;
    out.netmask = address_of(device.request().ifr_netmask);
    return out;
}

Result<void> set_device_address(const std::string& name, const DeviceAddress& address) {
    DeviceRequest device(name);
    device.request().ifr_addr = socket_address(address.address);
    if (!device.make(SIOCSIFADDR)) return os_error(name, "setting the address");
    device.request().ifr_netmask = socket_address(address.netmask);
    if (!device.make(SIOCSIFNETMASK)) return os_error(name, "setting the netmask");
    if (!device.make(SIOCGIFFLAGS)) return os_error(name, "asking for the flags");
    device.request().ifr_flags = static_cast<short>(device.request().ifr_flags | IFF_UP);
    if (!device.make(SIOCSIFFLAGS)) return os_error(name, "setting the device up");
    return {};
}

Result<void> add_default_gateway(const std::string& name, uint32_t gateway) {
    DeviceRequest device(name);
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
    DeviceRequest device(name);
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
