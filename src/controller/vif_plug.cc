#include "controller/vif_plug.h"

#include <fmt/core.h>

#include <charconv>

#include "base/log.h"
#include "controller/representors.h"
#include "packet/address.h"

namespace weft::controller {

namespace sb = schema::sb;
namespace vs = schema::vswitch;
using ovsdb::get_string;
using ovsdb::client::Replica;
using ovsdb::client::Transaction;

namespace {

log::Module lg("vif_plug");
constexpr const char* kType = "vif-plug-type";
constexpr int64_t kSearchAgainMs = 1000;
constexpr size_t kLongestDevice = 15;

std::optional<int64_t> parse_number(std::string_view text, int64_t low, int64_t high) {
    int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < low || value > high)
        return std::nullopt;
    return value;
}

template <typename... T>
void complain(fmt::format_string<T...> format, T&&... values) {
    static log::RateLimit limit(5, 5);
    if (limit.pass(lg)) lg.warn("{}", fmt::format(format, std::forward<T>(values)...));
}

void plug(const Replica& vswitch, const vs::Bridge& bridge, const std::string& lport,
          const std::string& device, const std::string& type, const std::string& provider,
          std::optional<int64_t> mtu, Transaction& txn) {
    if (vswitch.table<vs::Port>().find_by(vs::Port::kName, device)) {
        return complain("{}: the switch has a port {} already; it is not plugged", lport, device);
    }
    lg.info("Plugging port {} for lport {} ({})", device, lport, provider);
    Uuid interface = txn.insert<vs::Interface>();
    txn.set(interface, vs::Interface::kName, device);
    txn.set(interface, vs::Interface::kType, type);
    txn.set(interface, vs::Interface::kExternalIds, {{"iface-id", lport}, {VifPlugs::kMark, provider}});
    if (mtu) txn.set(interface, vs::Interface::kMtuRequest, mtu);
    Uuid port = txn.insert<vs::Port>();
    txn.set(port, vs::Port::kName, device);
    txn.set(port, vs::Port::kInterfaces, {interface});
    txn.add(bridge.uuid, vs::Bridge::kPorts, port);
}

}  // namespace

// What is to be plugged for the port; nullopt: nothing now, and the log says why.
std::optional<VifPlugs::Plug> VifPlugs::plug_of(const sb::PortBinding& port, int64_t now_ms) {
    Plug out;
    out.provider = get_string(port.options, kType);
    std::string_view mtu = get_string(port.options, "vif-plug-mtu-request");
    if (!mtu.empty()) {
        out.mtu = parse_number(mtu, 68, 65535);
        if (!out.mtu)
            complain("{}: options:vif-plug-mtu-request '{}' is not between 68 and 65535", port.logical_port,
                     mtu);
    }
    if (out.provider == "dummy") {
        out.type = "dummy";
        out.device = port.logical_port.substr(0, kLongestDevice);
        return out;
    }
    if (out.provider != "representor") {
        complain("{}: options:vif-plug-type '{}' is neither representor nor dummy", port.logical_port,
                 out.provider);
        return std::nullopt;
    }
    std::string_view mac_text = get_string(port.options, "vif-plug:representor:pf-mac"),
                     vf_text = get_string(port.options, "vif-plug:representor:vf-num");
    auto mac = packet::parse_eth(mac_text);
    auto vf = parse_number(vf_text, 0, UINT16_MAX);
    if (!mac || !vf) {
        complain(
            "{}: options:vif-plug:representor:pf-mac '{}' and vf-num '{}' do not name a virtual function",
            port.logical_port, mac_text, vf_text);
        return std::nullopt;
    }
    Search& search = searches_[fmt::format("{} {}", mac_text, vf_text)];
    if (search.device.empty() && now_ms >= search.again_ms) {
        auto found = find_representor(root_, *mac, static_cast<uint32_t>(*vf));
        if (found) {
            search.device = *found;
        } else {
            complain("{}: {}", port.logical_port, found.message());
        }
        search.again_ms = now_ms + kSearchAgainMs;
    }
    if (search.device.empty()) return std::nullopt;
    out.device = search.device;
    return out;
}

std::optional<int64_t> VifPlugs::keep(SouthboundView& view, const Replica& vswitch, const SwitchPorts& ports,
                                      const vs::Bridge& bridge, Transaction& txn, int64_t now_ms) {
    std::map<std::string, const sb::PortBinding*> wanted;
    if (const Uuid* own = view.own_chassis.find({})) {
        for (const Uuid& uuid : view.requested[*own]) {
            const sb::PortBinding* port = view.port(uuid);
            if (port && port->type.empty() && port->options.contains(kType) &&
                !ports.is_taken(port->logical_port))
                wanted[port->logical_port] = port;
        }
    }
    std::map<std::string, Uuid> plugged;  // interfaces, by logical port
    for (const auto& [uuid, port_uuid] : ports.plugged()) {
        const vs::Interface* interface = vswitch.find<vs::Interface>(uuid);
        if (!interface) continue;
        std::string lport(get_string(interface->external_ids, "iface-id"));
        auto it = wanted.find(lport);
        if (it != wanted.end() &&
            get_string(it->second->options, kType) == get_string(interface->external_ids, kMark)) {
            plugged[lport] = uuid;
            continue;
        }
        lg.info("Unplugging port {} of lport {}", interface->name, lport);
        txn.remove(bridge.uuid, vs::Bridge::kPorts, port_uuid);
        searches_.clear();
    }
    std::optional<int64_t> again;
    for (const auto& [lport, port] : wanted) {
        auto plan = plug_of(*port, now_ms);
        if (auto it = plugged.find(lport); it != plugged.end()) {
            if (plan) txn.set(it->second, vs::Interface::kMtuRequest, plan->mtu);
        } else if (plan) {
            plug(vswitch, bridge, lport, plan->device, plan->type, plan->provider, plan->mtu, txn);
        } else {
            again = now_ms + kSearchAgainMs;
        }
    }
    return again;
}

}  // namespace weft::controller
