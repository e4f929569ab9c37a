#include "cli/ofctl/switch_connection.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/directories.h"

namespace weft::cli::ofctl {
namespace {

using namespace openflow;  // NOLINT: this file speaks OpenFlow throughout

Result<int> connect_unix(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return Error{fmt::format("{}: socket name too long", path)};
    std::memcpy(address.sun_path, path.c_str(), path.size());
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return Error{std::strerror(errno)};
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) {
        int error = errno;
        close(fd);
        return Error{std::strerror(error)};
    }
    return fd;
}

Result<int> connect_tcp(std::string_view remote) {
    std::string host(remote), port = "6653";
    size_t colon = host.rfind(':');
    if (colon != host.npos && host.find(']', colon) == host.npos) {
        port = host.substr(colon + 1);
        host.resize(colon);
    }
    if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
    addrinfo hints{}, *list = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    if (int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &list)) return Error{gai_strerror(error)};
    int fd = -1, error = 0;
    for (addrinfo* a = list; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd >= 0 && ::connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
            error = errno;
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    if (fd < 0) return Error{std::strerror(error)};
    return fd;
}

bool is_socket(const std::string& path) {
    struct stat status;
    return !stat(path.c_str(), &status) && S_ISSOCK(status.st_mode);
}

}  // namespace

Result<std::unique_ptr<SwitchConnection>> SwitchConnection::open(const std::string& target, uint32_t versions,
                                                                 const char* suffix) {
    Result<int> fd = Error{""};
    if (target.rfind("unix:", 0) == 0) {
        fd = connect_unix(target.substr(5));
    } else if (target.rfind("tcp:", 0) == 0) {
        fd = connect_tcp(std::string_view(target).substr(4));
    } else if (target.rfind("ssl:", 0) == 0) {
        return Error{fmt::format("{}: only unix: and tcp: connections to switches are supported", target)};
    } else {
        std::string managed = fmt::format("{}/{}.{}", net::ovs_rundir(), target, suffix);
        if (is_socket(managed)) {
            fd = connect_unix(managed);
        } else if (is_socket(target)) {
            fd = connect_unix(target);
        } else {
            return Error{fmt::format("{} is not a bridge or a socket", target)};
        }
    }
    if (!fd.ok()) return Error{fmt::format("{}: failed to connect to socket ({})", target, fd.message())};
    std::unique_ptr<SwitchConnection> out(new SwitchConnection(*fd, target, versions));
    WEFT_TRY(out->flush());
    while (!out->connection_.version()) {
        WEFT_TRY(out->fill());
        out->connection_.next();
        if (!out->connection_.fault().empty())
            return Error{fmt::format("{}: {}", target, out->connection_.fault())};
    }
    return out;
}

SwitchConnection::~SwitchConnection() {
    close(fd_);
}

Result<void> SwitchConnection::send(ByteView bytes) {
    while (!bytes.empty()) {
        ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return Error{fmt::format("failed to send to {} ({})", target_, std::strerror(errno))};
        bytes = bytes.subspan(static_cast<size_t>(n));
    }
    return {};
}

Result<void> SwitchConnection::flush() {
    if (!connection_.has_output()) return {};
    Bytes bytes = connection_.take_output();
    return send(bytes);
}

Result<void> SwitchConnection::fill() {
    uint8_t buffer[65536];
    ssize_t n;
    do {
        n = recv(fd_, buffer, sizeof buffer, 0);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return Error{fmt::format("OpenFlow packet receive failed ({})", std::strerror(errno))};
    if (n == 0) return Error{"OpenFlow packet receive failed (End of file)"};
    connection_.receive({buffer, static_cast<size_t>(n)});
    return {};
}

Result<Bytes> SwitchConnection::receive() {
    while (true) {
        std::optional<Bytes> message = connection_.next();
        WEFT_TRY(flush());
        if (message) return std::move(*message);
        if (!connection_.fault().empty()) return Error{fmt::format("{}: {}", target_, connection_.fault())};
        WEFT_TRY(fill());
    }
}

Result<std::vector<Message>> SwitchConnection::request(Body body) {
    uint32_t xid = next_xid();
    Bytes bytes = encode(version(), xid, std::move(body));
    if (bytes.empty()) return Error{fmt::format("{} has no such request", version_name(version()))};
    WEFT_TRY(send(bytes));
    std::vector<Message> out;
    while (true) {
        WEFT_ASSIGN(Bytes reply, receive());
        Header header;
        peek_header(reply, header);
        if (header.xid != xid) continue;
        Message message;
        if (OfError error = decode(reply, {}, message); error != OfError::kNone) return Error{print(reply)};
        if (message.get_if<ErrorMessage>()) return Error{openflow::to_string(message)};
        out.push_back(std::move(message));
        // The flag of a multipart reply that more parts follow.
        bool multipart = header.type == (header.version == 1 ? 17 : 19);
        if (!multipart || !(load_be16(reply.data() + kHeaderBytes + 2) & 1)) return out;
    }
}

Result<void> SwitchConnection::transact(const std::vector<Bytes>& messages) {
    Bytes batch;
    for (const Bytes& message : messages) {
        batch.insert(batch.end(), message.begin(), message.end());
        if (batch.size() > 1 << 20) {
            WEFT_TRY(send(batch));
            batch.clear();
        }
    }
    uint32_t xid = next_xid();
    Bytes barrier = encode(version(), xid, BarrierRequest{});
    batch.insert(batch.end(), barrier.begin(), barrier.end());
    WEFT_TRY(send(batch));
    std::string errors;
    while (true) {
        WEFT_ASSIGN(Bytes reply, receive());
        Message message;
        if (decode(reply, {}, message) != OfError::kNone) continue;
        if (message.get_if<ErrorMessage>()) errors += openflow::to_string(message);
        if (message.get_if<BarrierReply>() && message.xid == xid) break;
    }
    if (!errors.empty()) return Error{errors};
    return {};
}

}  // namespace weft::cli::ofctl
