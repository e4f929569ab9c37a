// get/del/set-connection and get/del/set-ssl, which ovn-nbctl and ovn-sbctl have alike on the root rows of
// their databases.

#pragma once

#include <fmt/format.h>

#include <cstdlib>

#include "cli/ctl/command.h"
#include "net/stream.h"

namespace weft::cli {

// Root, Connection and Ssl are the row structs of the database.
template <typename Root, typename Connection, typename Ssl>
struct ConnectionCommands {
    static const Root& root(CtlContext& context) {
        const Root* found = nullptr;
        context.transaction().for_each<Root>([&](const Root& row) { found = &row; });
        assert(found && "the program makes the root row before any command runs");
        return *found;
    }

    static Result<void> need_connections(CtlContext& context) {
        context.need(Root::kConnections);
        context.need(Connection::kTarget, Connection::kInactivityProbe);
        if constexpr (requires { Connection::kReadOnly; })
            context.need(Connection::kReadOnly, Connection::kRole);
        return {};
    }

    static Result<void> get_connection(CtlContext& context) {
        std::vector<std::string> targets;
        for (const Connection* each : context.rows<Connection>()) {
            std::string rights;
            if constexpr (requires { Connection::kReadOnly; }) {
                rights =
                    fmt::format("{} role=\"{}\" ", each->read_only ? "read-only" : "read-write", each->role);
            }
            targets.push_back(rights + each->target);
        }
        std::sort(targets.begin(), targets.end());
        for (const std::string& target : targets) context.output += target + '\n';
        return {};
    }

    static Result<void> del_connection(CtlContext& context) {
        db::Transaction& txn = context.transaction();
        ovsdb::Set<Uuid> connections = root(context).connections;
        for (const Uuid& uuid : connections) {
            if (context.row<Connection>(uuid)) txn.erase<Connection>(uuid);
        }
        txn.set(Uuid(root(context).uuid), Root::kConnections, {});
        return {};
    }

    // The leading words read-only, read-write and role=ROLE set what later targets get.
    static Result<void> set_connection(CtlContext& context) {
        WEFT_TRY(del_connection(context));
        db::Transaction& txn = context.transaction();
        ovsdb::Set<Uuid> connections;
        bool read_only = false;
        std::string role;
        for (const std::string& target : context.arguments) {
            if (target == "read-only" || target == "read-write") {
                read_only = target == "read-only";
                continue;
            }
            if (target.starts_with("role=")) {
                role = target.substr(5);
                continue;
            }
            if (!net::is_active_name(target) && !net::is_passive_name(target)) {
                context.warn("target type \"{}\" is possibly erroneous", target);
            }
            Uuid uuid = txn.insert<Connection>();
            txn.set(uuid, Connection::kTarget, target);
            if constexpr (requires { Connection::kReadOnly; }) {
                if (read_only) txn.set(uuid, Connection::kReadOnly, true);
                if (!role.empty()) txn.set(uuid, Connection::kRole, role);
            }
            if (context.has("--inactivity-probe")) {
                txn.set(uuid, Connection::kInactivityProbe,
                        std::atoll(std::string(context.option("--inactivity-probe")).c_str()));
            }
            connections.insert(uuid);
        }
        txn.set(Uuid(root(context).uuid), Root::kConnections, connections);
        return {};
    }

    static Result<void> need_ssl(CtlContext& context) {
        context.need(Root::kSsl);
        context.need(Ssl::kPrivateKey, Ssl::kCertificate, Ssl::kCaCert, Ssl::kBootstrapCaCert);
        return {};
    }

    static const Ssl* current_ssl(CtlContext& context) {
        const std::optional<Uuid>& ssl = root(context).ssl;
        return ssl ? context.row<Ssl>(*ssl) : nullptr;
    }

    static Result<void> get_ssl(CtlContext& context) {
        const Ssl* ssl = current_ssl(context);
        if (!ssl) return {};
        context.output = fmt::format("Private key: {}\nCertificate: {}\nCA Certificate: {}\nBootstrap: {}\n",
                                     ssl->private_key, ssl->certificate, ssl->ca_cert,
                                     ssl->bootstrap_ca_cert ? "true" : "false");
        return {};
    }

    static Result<void> del_ssl(CtlContext& context) {
        const Ssl* ssl = current_ssl(context);
        if (!ssl) return {};
        context.transaction().erase<Ssl>(Uuid(ssl->uuid));
        context.transaction().set(Uuid(root(context).uuid), Root::kSsl, {});
        return {};
    }

    static Result<void> set_ssl(CtlContext& context) {
        WEFT_TRY(del_ssl(context));
        db::Transaction& txn = context.transaction();
        Uuid ssl = txn.insert<Ssl>();
        txn.set(ssl, Ssl::kPrivateKey, context[0]);
        txn.set(ssl, Ssl::kCertificate, context[1]);
        txn.set(ssl, Ssl::kCaCert, context[2]);
        txn.set(ssl, Ssl::kBootstrapCaCert, context.has("--bootstrap"));
        if (context.size() > 3) txn.set(ssl, Ssl::kSslProtocols, context[3]);
        if (context.size() > 4) txn.set(ssl, Ssl::kSslCiphers, context[4]);
        if (context.size() > 5) txn.set(ssl, Ssl::kSslCiphersuites, context[5]);
        txn.set(Uuid(root(context).uuid), Root::kSsl, ssl);
        return {};
    }

    static constexpr CtlCommand kCommands[] = {
        {"get-connection", 0, 0, "", "", false, need_connections, get_connection, nullptr,
         "Print how clients reach the database."},
        {"del-connection", 0, 0, "", "", true, need_connections, del_connection, nullptr,
         "Take away the ways by which clients reach the database."},
        {"set-connection", 1, -1, "TARGET...", "--inactivity-probe=", true, need_connections, set_connection,
         nullptr, "Set how clients reach the database."},
        {"get-ssl", 0, 0, "", "", false, need_ssl, get_ssl, nullptr, "Print the files for TLS."},
        {"del-ssl", 0, 0, "", "", true, need_ssl, del_ssl, nullptr, "Take away the files for TLS."},
        {"set-ssl", 3, 6, "PRIVATE-KEY CERTIFICATE CA-CERT [PROTOCOLS [CIPHERS [CIPHERSUITES]]]",
         "--bootstrap", true, need_ssl, set_ssl, nullptr, "Set the files for TLS."},
    };
};

}  // namespace weft::cli
