// The transports behind connect() and listen(), a file each.  Internal to net.

#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <string_view>

#include "net/fd_stream.h"
#include "net/stream.h"

namespace weft::net {

// `name` is the remote as the user wrote it; `rest` what follows the method's colon.
Result<std::unique_ptr<Stream>> connect_unix(Loop& loop, std::string name, std::string_view rest);
Result<std::unique_ptr<Stream>> connect_tcp(Loop& loop, std::string name, std::string_view rest);
Result<std::unique_ptr<Stream>> connect_tls(Loop& loop, std::string name, std::string_view rest);
Result<std::unique_ptr<Listener>> listen_unix(Loop& loop, std::string name, std::string_view rest,
                                              AcceptCallback on_accept);
Result<std::unique_ptr<Listener>> listen_tcp(Loop& loop, std::string name, std::string_view rest,
                                             AcceptCallback on_accept);
Result<std::unique_ptr<Listener>> listen_tls(Loop& loop, std::string name, std::string_view rest,
                                             AcceptCallback on_accept);

// Accepts on a listening socket.
class FdListener : public Listener {
  public:
    using Accepted = std::function<void(int fd, const sockaddr_storage& peer)>;
    // Owns `fd`.  `unlink_path` is removed with the listener, unless "".
    FdListener(Loop& loop, std::string name, int fd, uint16_t port, std::string unlink_path, Accepted on_fd);
    ~FdListener() override;
    const std::string& name() const override { return name_; }
    uint16_t port() const override { return port_; }

  private:
    void accept_all();

    std::string name_;
    int fd_;
    uint16_t port_;
    std::string unlink_path_;
    Accepted on_fd_;
    std::unique_ptr<Loop::Watch> watch_;
    std::unique_ptr<Loop::Timer> pause_;  // until there may be a free descriptor
};

}  // namespace weft::net
