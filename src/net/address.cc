#include "net/address.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <net/if.h>
#include <netdb.h>

#include <cassert>
#include <cstring>

namespace weft::net {

namespace {

Result<uint16_t> parse_port(std::string_view text, std::string_view whole) {
    unsigned port = 0;
    for (char c : text) {
        if (c < '0' || c > '9' || port > 65535) port = 65536;
        if (port <= 65535) port = port * 10 + static_cast<unsigned>(c - '0');
    }
    if (text.empty() || port > 65535) {
        return Error{fmt::format("{}: \"{}\" is not a port number from 0 to 65535", whole, text)};
    }
    return static_cast<uint16_t>(port);
}

// Splits at the first colon outside brackets.
std::pair<std::string_view, std::optional<std::string_view>> split(std::string_view text) {
    size_t from = 0;
    if (text.starts_with('[')) from = std::min(text.find(']'), text.size());
    size_t colon = text.find(':', from);
    if (colon == std::string_view::npos) return {text, std::nullopt};
    return {text.substr(0, colon), text.substr(colon + 1)};
}

Result<std::string> unbracket(std::string_view host, std::string_view whole) {
    if (!host.starts_with('[')) {
        if (host.find(':') == std::string_view::npos) return std::string(host);
    } else if (host.size() > 2 && host.ends_with(']')) {
        return std::string(host.substr(1, host.size() - 2));
    }
    return Error{
        fmt::format("{}: \"{}\" is not a host: IPv6 addresses are written in brackets", whole, host)};
}

}  // namespace

Result<HostPort> parse_active_address(std::string_view text) {
    auto [host, port] = split(text);
    HostPort out;
    WEFT_ASSIGN(out.host, unbracket(host, text));
    if (out.host.empty()) return Error{fmt::format("{}: host name must be specified", text)};
    if (port) {
        WEFT_ASSIGN(out.port, parse_port(*port, text));
    }
    return out;
}

Result<HostPort> parse_passive_address(std::string_view text) {
    auto [port, host] = split(text);
    HostPort out;
    if (!port.empty()) {
        WEFT_ASSIGN(out.port, parse_port(port, text));
    }
    if (host && !host->empty()) {
        WEFT_ASSIGN(out.host, unbracket(*host, text));
    }
    return out;
}

std::optional<sockaddr_storage> numeric_address(const std::string& host, uint16_t port) {
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return std::nullopt;
    sockaddr_storage out{};
    std::memcpy(&out, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return out;
}

socklen_t address_size(const sockaddr_storage& address) {
    return address.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

std::string address_text(const sockaddr_storage& address) {
    char text[INET6_ADDRSTRLEN];
    if (address.ss_family == AF_INET) {
        return inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof text);
    }
    if (address.ss_family != AF_INET6) return "";
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    std::string out = inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    char zone[IF_NAMESIZE];
    if (v6.sin6_scope_id && if_indextoname(v6.sin6_scope_id, zone)) out += std::string("%") + zone;
    return "[" + out + "]";
}

uint16_t address_port(const sockaddr_storage& address) {
    if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
    if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
    return 0;
}

}  // namespace weft::net
