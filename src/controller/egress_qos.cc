#include "controller/egress_qos.h"

#include <charconv>
#include <optional>

#include "base/log.h"

namespace weft::controller {

namespace {

namespace sb = schema::sb;
namespace vs = schema::vswitch;
using ovsdb::client::Replica;
using ovsdb::client::Transaction;
using Queues = std::map<int64_t, ovsdb::StringMap>;  // other_config by number

log::Module lg("binding");

constexpr const char* kMark = "ovn-egress-qos";

Queues wanted_queues(OwnPorts& own) {
    static constexpr std::pair<const char*, const char*> kRates[] = {
        {"qos_min_rate", "min-rate"}, {"qos_max_rate", "max-rate"}, {"qos_burst", "burst"}};
    Queues queues;
    for (const Uuid& uuid : own.with[OwnPorts::Trait::kQueue]) {
        const sb::PortBinding* port = own.view.port(uuid);
        const std::string* text = port->options.find("qdisc_queue_id");
        if (!text) continue;
        int64_t number = 0;
        auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
        ovsdb::StringMap config;
        for (const auto& [option, key] : kRates) {
            if (const std::string* rate = port->options.find(option)) config.set(key, *rate);
        }
        if (error == std::errc() && number > 0 && !config.empty()) queues[number] = config;
    }
    return queues;
}

bool is_egress(const Replica& vswitch, const vs::Port& port) {
    for (const Uuid& uuid : port.interfaces) {
        const vs::Interface* interface = vswitch.find<vs::Interface>(uuid);
        if (interface && ovsdb::get_bool(interface->external_ids, "ovn-egress-iface")) return true;
    }
    return false;
}

bool is_ours(const vs::QoS& qos) {
    return ovsdb::get_bool(qos.external_ids, kMark);
}

bool is_as_wanted(const Replica& vswitch, const vs::QoS& qos, const Queues& wanted) {
    if (qos.queues.size() != wanted.size()) return false;
    for (const auto& [number, uuid] : qos.queues) {
        auto it = wanted.find(number);
        const vs::Queue* queue = vswitch.find<vs::Queue>(uuid);
        if (it == wanted.end() || !queue || queue->other_config != it->second) return false;
    }
    return true;
}

void remove(const vs::Port& port, const vs::QoS& qos, Transaction& txn) {
    txn.set(port.uuid, vs::Port::kQos, std::nullopt);
    for (const auto& [number, uuid] : qos.queues) txn.erase<vs::Queue>(uuid);
    txn.erase<vs::QoS>(qos.uuid);
}

void create(const vs::Port& port, const Queues& wanted, Transaction& txn) {
    Uuid uuid = txn.insert<vs::QoS>();
    txn.set(uuid, vs::QoS::kType, "linux-htb");
    txn.set(uuid, vs::QoS::kExternalIds, {{kMark, "true"}});
    ovsdb::Map<int64_t, Uuid> queues;
    for (const auto& [number, config] : wanted) {
        Uuid queue = txn.insert<vs::Queue>();
        txn.set(queue, vs::Queue::kOtherConfig, config);
        txn.set(queue, vs::Queue::kExternalIds, {{kMark, "true"}});
        queues.set(number, queue);
    }
    txn.set(uuid, vs::QoS::kQueues, queues);
    txn.set(port.uuid, vs::Port::kQos, uuid);
}

}  // namespace

void keep_egress_qos(const Replica& vswitch, OwnPorts& own, Transaction& txn) {
    Queues wanted = wanted_queues(own);
    own.view.depend_on({Outside::kQueues});
    bool any = !wanted.empty();
    for (const vs::QoS& qos : vswitch.table<vs::QoS>()) any |= is_ours(qos);
    if (!any) return;
    own.view.depend_on({Outside::kTunnelPorts, Outside::kPatchPorts, Outside::kOtherPorts});
    for (const vs::Port& port : vswitch.table<vs::Port>()) {
        const vs::QoS* qos = port.qos ? vswitch.find<vs::QoS>(*port.qos) : nullptr;
        if (qos && !is_ours(*qos)) {
            static log::RateLimit limit(1, 1);
            if (!wanted.empty() && is_egress(vswitch, port) && limit.pass(lg)) {
                lg.warn("port {} has a QoS of its own, so the rates of logical ports are not kept there",
                        port.name);
            }
            continue;
        }
        bool needed = !wanted.empty() && is_egress(vswitch, port);
        if (qos && needed && is_as_wanted(vswitch, *qos, wanted)) continue;
        if (qos) remove(port, *qos, txn);
        if (needed) create(port, wanted, txn);
    }
}

}  // namespace weft::controller
