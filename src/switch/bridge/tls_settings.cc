#include "switch/bridge/tls_settings.h"

namespace weft::vswitch {

namespace db = schema::vswitch;

TlsSettings::TlsSettings(net::TlsConfig command_line)
    : command_line_(std::move(command_line)), applied_(command_line_) {
    net::set_tls_config(applied_);
}

void TlsSettings::follow(const db::OpenVSwitch* root, const ovsdb::client::Replica& replica) {
    net::TlsConfig config = command_line_;
    if (const db::SSL* row = root && root->ssl ? replica.find<db::SSL>(*root->ssl) : nullptr) {
        config.private_key = row->private_key;
        config.certificate = row->certificate;
        config.ca_cert = row->ca_cert;
        config.bootstrap_ca_cert = row->bootstrap_ca_cert;
    }
    if (config == applied_) return;
    applied_ = config;
    net::set_tls_config(std::move(config));
}

}  // namespace weft::vswitch
