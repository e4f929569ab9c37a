#include "net/datagram.h"

#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/address.h"

namespace weft::net {

namespace {

Result<int> connected_socket(const std::string& target, uint16_t default_port) {
    WEFT_ASSIGN(HostPort place, parse_active_address(target));
    bool has_port = target.find(':', target.starts_with('[') ? target.find(']') : 0) != std::string::npos;
    if (!has_port) place.port = default_port;
    auto address = numeric_address(place.host, place.port);
    if (!address) return Error{"the address must be numeric"};
    if (!place.port) return Error{"a port is required, as in 192.0.2.1:2055"};
    int fd = socket(address->ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return Error{std::strerror(errno)};
    if (connect(fd, reinterpret_cast<const sockaddr*>(&*address), address_size(*address)) < 0) {
        Error error{std::strerror(errno)};
        close(fd);
        return error;
    }
    return fd;
}

}  // namespace

Datagrams::~Datagrams() {
    close_all();
}

void Datagrams::close_all() {
    for (int fd : sockets_) close(fd);
    sockets_.clear();
}

void Datagrams::set_targets(std::vector<std::string> targets, uint16_t default_port,
                            std::vector<std::string>& problems) {
    // A target that could not be reached before may be now.
    if (targets == targets_ && sockets_.size() == targets_.size()) return;
    close_all();
    targets_ = std::move(targets);
    for (const std::string& target : targets_) {
        auto fd = connected_socket(target, default_port);
        if (fd)
            sockets_.push_back(*fd);
        else
            problems.push_back(fmt::format("{}: cannot send to this collector: {}", target, fd.message()));
    }
}

Bytes Datagrams::local_address() const {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (sockets_.empty() || getsockname(sockets_.front(), reinterpret_cast<sockaddr*>(&address), &size) < 0)
        return {};
    const uint8_t* bytes = nullptr;
    if (address.ss_family == AF_INET) {
        bytes = reinterpret_cast<const uint8_t*>(&reinterpret_cast<const sockaddr_in&>(address).sin_addr);
        return {bytes, bytes + 4};
    }
    bytes = reinterpret_cast<const uint8_t*>(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
    return {bytes, bytes + 16};
}

Datagrams::Outcome Datagrams::send(ByteView datagram) {
    Outcome out;
    for (int fd : sockets_) {
        ssize_t size = ::send(fd, datagram.data(), datagram.size(), MSG_NOSIGNAL);
        // What a collector that was not there answered to an earlier one is reported once, on the next.
        if (size < 0 && errno == ECONNREFUSED)
            size = ::send(fd, datagram.data(), datagram.size(), MSG_NOSIGNAL);
        size < 0 ? ++out.failed : ++out.sent;
    }
    return out;
}

}  // namespace weft::net
