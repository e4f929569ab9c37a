#include "datapath/userspace/tap_device.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "datapath/userspace/vnet.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

namespace weft::datapath {

Result<Descriptor> open_tap_device(const std::string& name) {
    if (name.empty() || name.size() >= IFNAMSIZ) {
        return Error{
            fmt::format("\"{}\" cannot name a network device: 1 to {} bytes can", name, IFNAMSIZ - 1)};
    }
    auto fail = [&](std::string_view what) {
        return Error{fmt::format("{}: {}: {}", name, what, std::strerror(errno))};
    };
    Descriptor tap(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (!tap.open()) return fail("/dev/net/tun");
    ifreq request = {};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    if (ioctl(tap.get(), TUNSETIFF, &request) < 0) return fail("creating a TAP device");
    int header = static_cast<int>(kVnetHeader);
    if (ioctl(tap.get(), TUNSETVNETHDRSZ, &header) < 0) return fail("setting the offload header's size");
    unsigned offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
    if (ioctl(tap.get(), TUNSETOFFLOAD, offloads | TUN_F_USO4 | TUN_F_USO6) < 0)
        ioctl(tap.get(), TUNSETOFFLOAD, offloads);
    return tap;
}

void keep_tap_device(const Descriptor& tap, bool keep) {
    ioctl(tap.get(), TUNSETPERSIST, keep ? 1 : 0);
}

void disable_ipv6(const std::string& device) {
    int fd = open(("/proc/sys/net/ipv6/conf/" + device + "/disable_ipv6").c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    (void)!write(fd, "1", 1);
    close(fd);
}

}  // namespace weft::datapath
