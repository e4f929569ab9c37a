// The options by which a program is told its keys and certificates for ssl: connections, ovs-vsctl(8) "Public
// Key Infrastructure Options".  What is given is put in force at once (net::set_tls_config).

#pragma once

#include "base/options.h"

namespace weft::cli {

void add_tls_options(OptionTable& options);

}  // namespace weft::cli
