// Who the switch talks to: get/del/set-controller, get/del/set-fail-mode, get/del/set-manager,
// get/del/set-ssl.

#include <fmt/format.h>

#include "cli/ctl/managers.h"
#include "cli/vsctl/commands.h"
#include "net/stream.h"

namespace weft::cli::vsctl {
namespace {

log::Module lg("vsctl");

void check_target(const std::string& target) {
    if (!net::is_active_name(target) && !net::is_passive_name(target)) {
        lg.warn("target type \"{}\" is possibly erroneous", target);
    }
}

void print_sorted(CtlContext& context, std::vector<std::string> lines) {
    std::sort(lines.begin(), lines.end());
    for (const std::string& line : lines) context.output += line + '\n';
}

// --- controllers

Result<void> need_controllers(CtlContext& context) {
    context.need(vs::Bridge::kController, vs::Bridge::kFailMode);
    context.need(vs::Controller::kTarget);
    return need_layout(context);
}

Result<void> run_get_controller(CtlContext& context) {
    Layout layout(context);
    WEFT_ASSIGN(const BridgeView* bridge, layout.bridge(context[0]));
    std::vector<std::string> targets;
    for (const Uuid& uuid : context.row<vs::Bridge>(bridge->uuid)->controller) {
        if (const vs::Controller* controller = context.row<vs::Controller>(uuid))
            targets.push_back(controller->target);
    }
    print_sorted(context, std::move(targets));
    return {};
}

void delete_controllers(CtlContext& context, const Uuid& bridge) {
    ovsdb::Set<Uuid> controllers = context.row<vs::Bridge>(bridge)->controller;
    for (const Uuid& uuid : controllers) {
        if (context.row<vs::Controller>(uuid)) context.transaction().erase<vs::Controller>(uuid);
    }
    context.transaction().set(bridge, vs::Bridge::kController, {});
}

Result<void> run_del_controller(CtlContext& context) {
    Layout layout(context);
    WEFT_ASSIGN(const BridgeView* bridge, layout.real_bridge(context[0]));
    delete_controllers(context, bridge->uuid);
    return {};
}

Result<void> run_set_controller(CtlContext& context) {
    Layout layout(context);
    WEFT_ASSIGN(const BridgeView* bridge, layout.real_bridge(context[0]));
    delete_controllers(context, bridge->uuid);
    db::Transaction& txn = context.transaction();
    ovsdb::Set<Uuid> controllers;
    for (size_t i = 1; i < context.size(); i++) {
        check_target(context[i]);
        Uuid controller = txn.insert<vs::Controller>();
        txn.set(controller, vs::Controller::kTarget, context[i]);
        controllers.insert(controller);
    }
    txn.set(bridge->uuid, vs::Bridge::kController, controllers);
    return {};
}

// --- fail mode

Result<void> run_get_fail_mode(CtlContext& context) {
    Layout layout(context);
    WEFT_ASSIGN(const BridgeView* bridge, layout.bridge(context[0]));
    const std::optional<std::string>& mode = context.row<vs::Bridge>(bridge->uuid)->fail_mode;
    if (mode && !mode->empty()) context.output = *mode + '\n';
    return {};
}

Result<void> run_del_fail_mode(CtlContext& context) {
    Layout layout(context);
    WEFT_ASSIGN(const BridgeView* bridge, layout.real_bridge(context[0]));
    context.transaction().set(bridge->uuid, vs::Bridge::kFailMode, {});
    return {};
}

Result<void> run_set_fail_mode(CtlContext& context) {
    Layout layout(context);
    WEFT_ASSIGN(const BridgeView* bridge, layout.real_bridge(context[0]));
    if (context[1] != "standalone" && context[1] != "secure") {
        return Error{"fail-mode must be \"standalone\" or \"secure\""};
    }
    context.transaction().set(bridge->uuid, vs::Bridge::kFailMode, context[1]);
    return {};
}

// --- managers

void check_manager(CtlContext&, const std::string& target) {
    check_target(target);
}

using Managers =
    ManagerCommands<vs::OpenVSwitch, vs::Manager, &vs::OpenVSwitch::kManagerOptions, check_manager>;

// --- SSL

Result<void> need_ssl(CtlContext& context) {
    context.need(vs::OpenVSwitch::kSsl);
    context.need(vs::SSL::kPrivateKey, vs::SSL::kCertificate, vs::SSL::kCaCert, vs::SSL::kBootstrapCaCert);
    return {};
}

const vs::SSL* current_ssl(CtlContext& context) {
    const std::optional<Uuid>& ssl = context.row<vs::OpenVSwitch>(root(context.transaction()))->ssl;
    return ssl ? context.row<vs::SSL>(*ssl) : nullptr;
}

Result<void> run_get_ssl(CtlContext& context) {
    const vs::SSL* ssl = current_ssl(context);
    if (!ssl) return {};
    context.output =
        fmt::format("Private key: {}\nCertificate: {}\nCA Certificate: {}\nBootstrap: {}\n", ssl->private_key,
                    ssl->certificate, ssl->ca_cert, ssl->bootstrap_ca_cert ? "true" : "false");
    return {};
}

Result<void> run_del_ssl(CtlContext& context) {
    const vs::SSL* ssl = current_ssl(context);
    if (!ssl) return {};
    Uuid uuid = ssl->uuid;
    context.transaction().erase<vs::SSL>(uuid);
    context.transaction().set(root(context.transaction()), vs::OpenVSwitch::kSsl, {});
    return {};
}

Result<void> run_set_ssl(CtlContext& context) {
    WEFT_TRY(run_del_ssl(context));
    db::Transaction& txn = context.transaction();
    Uuid ssl = txn.insert<vs::SSL>();
    txn.set(ssl, vs::SSL::kPrivateKey, context[0]);
    txn.set(ssl, vs::SSL::kCertificate, context[1]);
    txn.set(ssl, vs::SSL::kCaCert, context[2]);
    txn.set(ssl, vs::SSL::kBootstrapCaCert, context.has("--bootstrap"));
    txn.set(root(txn), vs::OpenVSwitch::kSsl, ssl);
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"get-controller", 1, 1, "BRIDGE", "", false, need_controllers, run_get_controller, nullptr,
     "Print the OpenFlow controllers of a bridge."},
    {"del-controller", 1, 1, "BRIDGE", "", true, need_controllers, run_del_controller, nullptr,
     "Take away a bridge's controllers."},
    {"set-controller", 1, -1, "BRIDGE TARGET...", "", true, need_controllers, run_set_controller, nullptr,
     "Set a bridge's controllers."},
    {"get-fail-mode", 1, 1, "BRIDGE", "", false, need_controllers, run_get_fail_mode, nullptr,
     "Print a bridge's fail mode."},
    {"del-fail-mode", 1, 1, "BRIDGE", "", true, need_controllers, run_del_fail_mode, nullptr,
     "Take away a bridge's fail mode."},
    {"set-fail-mode", 2, 2, "BRIDGE MODE", "", true, need_controllers, run_set_fail_mode, nullptr,
     "Set a bridge's fail mode: standalone or secure."},
    {"get-manager", 0, 0, "", "", false, Managers::need, Managers::get, nullptr,
     "Print the database's managers."},
    {"del-manager", 0, 0, "", "", true, Managers::need, Managers::del, nullptr,
     "Take away the database's managers."},
    {"set-manager", 1, -1, "TARGET...", "--inactivity-probe=", true, Managers::need, Managers::set, nullptr,
     "Set the database's managers."},
    {"get-ssl", 0, 0, "", "", false, need_ssl, run_get_ssl, nullptr, "Print the files for TLS."},
    {"del-ssl", 0, 0, "", "", true, need_ssl, run_del_ssl, nullptr, "Take away the files for TLS."},
    {"set-ssl", 3, 3, "PRIVATE-KEY CERTIFICATE CA-CERT", "--bootstrap", true, need_ssl, run_set_ssl, nullptr,
     "Set the files for TLS."},
};

}  // namespace

std::span<const CtlCommand> connection_commands() {
    return kCommands;
}

}  // namespace weft::cli::vsctl
