#include "net/stream.h"

#include <fmt/core.h>

#include "net/transport.h"

namespace weft::net {

namespace {

struct Method {
    std::string_view prefix;
    Result<std::unique_ptr<Stream>> (*connect)(Loop&, std::string, std::string_view);
    Result<std::unique_ptr<Listener>> (*listen)(Loop&, std::string, std::string_view, AcceptCallback);
};

constexpr Method kMethods[] = {
    {"unix:", connect_unix, nullptr}, {"tcp:", connect_tcp, nullptr}, {"ssl:", connect_tls, nullptr},
    {"punix:", nullptr, listen_unix}, {"ptcp:", nullptr, listen_tcp}, {"pssl:", nullptr, listen_tls},
};

const Method* find_method(std::string_view remote) {
    for (const Method& method : kMethods) {
        if (remote.starts_with(method.prefix)) return &method;
    }
    return nullptr;
}

}  // namespace

Result<std::unique_ptr<Stream>> connect(Loop& loop, std::string_view remote) {
    const Method* method = find_method(remote);
    if (method && method->connect) {
        return method->connect(loop, std::string(remote), remote.substr(method->prefix.size()));
    }
    return Error{fmt::format("\"{}\" is not a peer name: unix:FILE, tcp:HOST:PORT or ssl:HOST:PORT", remote)};
}

Result<std::unique_ptr<Listener>> listen(Loop& loop, std::string_view remote, AcceptCallback on_accept) {
    const Method* method = find_method(remote);
    if (method && method->listen) {
        return method->listen(loop, std::string(remote), remote.substr(method->prefix.size()),
                              std::move(on_accept));
    }
    return Error{fmt::format(
        "\"{}\" is not a name to listen on: punix:FILE, ptcp:[PORT][:HOST] or pssl:[PORT][:HOST]", remote)};
}

bool is_passive_name(std::string_view remote) {
    const Method* method = find_method(remote);
    return method && method->listen;
}

bool is_active_name(std::string_view remote) {
    const Method* method = find_method(remote);
    return method && method->connect;
}

std::string with_default_port(std::string_view remote, uint16_t port) {
    size_t colon = remote.find(':');
    std::string_view method = remote.substr(0, colon);
    std::string name(remote);
    if (method == "tcp" || method == "ssl") {
        std::string_view host = remote.substr(colon + 1);
        bool has_port = host.find(':', host.starts_with('[') ? host.find(']') : 0) != std::string_view::npos;
        return has_port ? name : fmt::format("{}:{}", name, port);
    }
    if (method == "ptcp" || method == "pssl") {
        std::string_view rest = remote.substr(colon + 1);
        if (rest.empty() || rest.starts_with(':')) return fmt::format("{}:{}{}", method, port, rest);
    }
    return name;
}

}  // namespace weft::net
