// The options by which a program is told its keys and certificates for ssl: connections, ovs-vsctl(8) "Public
// Key Infrastructure Options".

#pragma once

#include "base/options.h"
#include "net/stream.h"

namespace weft::cli {

// What is given is put in force at once (net::set_tls_config).
void add_tls_options(OptionTable& options);
// What is given goes to `config`, which must live as long as `options`: for programs that learn more from a
// database.
void add_tls_options(OptionTable& options, net::TlsConfig& config);

}  // namespace weft::cli
