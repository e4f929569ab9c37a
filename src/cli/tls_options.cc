#include "cli/tls_options.h"

#include <functional>

namespace weft::cli {
namespace {

using Config = net::TlsConfig;

void add_all(OptionTable& options, Config& config, std::function<void()> changed) {
    auto add = [&](const char* name, char letter, const char* argument, const char* help,
                   std::string Config::*member, bool bootstrap = false) {
        options.add(name, letter, argument, help,
                    [&config, changed, member, bootstrap](std::string_view value) {
                        config.*member = value;
                        config.bootstrap_ca_cert = config.bootstrap_ca_cert || bootstrap;
                        if (changed) changed();
                        return Result<void>();
                    });
    };
    options.section("Public key infrastructure options");
    add("private-key", 'p', "FILE", "File with the private key.", &Config::private_key);
    add("certificate", 'c', "FILE", "File with the certificate of that key.", &Config::certificate);
    add("ca-cert", 'C', "FILE", "File with the certificate that the peer's is checked against.",
        &Config::ca_cert);
    add("bootstrap-ca-cert", 0, "FILE",
        "The same, taken from the first peer and kept in FILE if it does not exist.", &Config::ca_cert, true);
    add("peer-ca-cert", 0, "FILE", "File with the CA certificates that are sent to peers that bootstrap.",
        &Config::peer_ca_cert);
    add("ssl-protocols", 0, "PROTOCOLS", "TLS versions that may be used.", &Config::protocols);
    add("ssl-ciphers", 0, "CIPHERS", "Cipher suites that may be used.", &Config::ciphers);
    add("ssl-server-name", 0, "NAME", "Server name to ask for.", &Config::server_name);
}

}  // namespace

void add_tls_options(OptionTable& options) {
    static Config config;
    add_all(options, config, [] { net::set_tls_config(config); });
}

void add_tls_options(OptionTable& options, Config& config) {
    add_all(options, config, nullptr);
}

}  // namespace weft::cli
