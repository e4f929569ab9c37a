// Addresses of TCP peers: the HOST and PORT of connection methods, and socket addresses as text.

#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weft::net {

constexpr uint16_t kDefaultPort = 6640;  // OVSDB's, by IANA

struct HostPort {
    std::string host;  // without brackets; "" for any
    uint16_t port = kDefaultPort;
};

// `HOST[:PORT]`; an IPv6 address is in brackets, with its zone if it has one.
Result<HostPort> parse_active_address(std::string_view text);
// `[PORT][:HOST]`.
Result<HostPort> parse_passive_address(std::string_view text);

// The socket address if `host` is a numeric one; nothing for names.
std::optional<sockaddr_storage> numeric_address(const std::string& host, uint16_t port);
socklen_t address_size(const sockaddr_storage& address);
// "10.0.0.1" or "[2001:db8::1]", with a zone where there is one.
std::string address_text(const sockaddr_storage& address);
uint16_t address_port(const sockaddr_storage& address);

}  // namespace weft::net
