#include "ovsdb/server/tls_columns.h"

namespace weft::ovsdb {

std::array<std::string*, 7> TlsColumns::settings(net::TlsConfig& config) {
    return {&config.private_key, &config.certificate, &config.ca_cert,    &config.peer_ca_cert,
            &config.protocols,   &config.ciphers,     &config.server_name};
}

Result<void> TlsColumns::apply() {
    net::TlsConfig config = given_;
    std::string errors;
    tables_.clear();
    for (std::string* value : settings(config)) {
        if (!value->starts_with("db:")) continue;
        auto name = ColumnName::parse(*value);
        if (name) tables_.emplace(name->database, name->table);
        auto text = name ? read_string_column(server_, *name) : Result<std::string>(name.error());
        *value = text ? *text : std::string();
        if (!text) errors += (errors.empty() ? "" : "\n") + text.message();
    }
    if (!(config == applied_)) {
        applied_ = config;
        net::set_tls_config(std::move(config));
    }
    if (!errors.empty()) return Error{errors};
    return {};
}

bool TlsColumns::concerns(const ServedDatabase& database, const ChangeSet& changes) const {
    if (tables_.empty()) return false;
    if (changes.tables.empty()) return true;  // converted
    for (const TableChange& table : changes.tables) {
        if (tables_.count({database.name(), table.table->name})) return true;
    }
    return false;
}

}  // namespace weft::ovsdb
