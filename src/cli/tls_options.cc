#include "cli/tls_options.h"

#include "net/stream.h"

namespace weft::cli {
namespace {

net::TlsConfig& config() {
    static net::TlsConfig config;
    return config;
}

// An option that sets one member.
template <typename Member>
void add(OptionTable& options, const char* name, char letter, const char* argument, const char* help,
         Member member) {
    options.add(name, letter, argument, help, [member](std::string_view value) {
        member(config(), value);
        net::set_tls_config(config());
        return Result<void>();
    });
}

}  // namespace

void add_tls_options(OptionTable& options) {
    using Config = net::TlsConfig;
    options.section("Public key infrastructure options");
    add(options, "private-key", 'p', "FILE", "File with the private key.",
        [](Config& c, std::string_view v) { c.private_key = v; });
    add(options, "certificate", 'c', "FILE", "File with the certificate of that key.",
        [](Config& c, std::string_view v) { c.certificate = v; });
    add(options, "ca-cert", 'C', "FILE", "File with the certificate that the peer's is checked against.",
        [](Config& c, std::string_view v) { c.ca_cert = v; });
    add(options, "bootstrap-ca-cert", 0, "FILE",
        "The same, taken from the first peer and kept in FILE if it does not exist.",
        [](Config& c, std::string_view v) {
            c.ca_cert = v;
            c.bootstrap_ca_cert = true;
        });
    add(options, "peer-ca-cert", 0, "FILE",
        "File with the CA certificate that is sent to peers that bootstrap.",
        [](Config& c, std::string_view v) { c.peer_ca_cert = v; });
    add(options, "ssl-protocols", 0, "PROTOCOLS", "TLS versions that may be used.",
        [](Config& c, std::string_view v) { c.protocols = v; });
    add(options, "ssl-ciphers", 0, "CIPHERS", "Cipher suites that may be used.",
        [](Config& c, std::string_view v) { c.ciphers = v; });
    add(options, "ssl-server-name", 0, "NAME", "Server name to ask for.",
        [](Config& c, std::string_view v) { c.server_name = v; });
}

}  // namespace weft::cli
