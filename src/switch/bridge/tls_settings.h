// Keys and certificates for `ssl:` and `pssl:`: the SSL row that the Open_vSwitch row names goes before what
// the command line said (ovs-vswitchd.conf.db(5), "SSL Table").

#pragma once

#include "net/stream.h"
#include "ovsdb/client/replica.h"
#include "schema/vswitch.h"

namespace weft::vswitch {

class TlsSettings {
  public:
    // In force from here on.
    explicit TlsSettings(net::TlsConfig command_line);

    // `root` may be nullptr.
    void follow(const schema::vswitch::OpenVSwitch* root, const ovsdb::client::Replica& replica);

  private:
    net::TlsConfig command_line_, applied_;
};

}  // namespace weft::vswitch
