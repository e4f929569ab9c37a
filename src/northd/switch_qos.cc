// QoS rules: DSCP and packet marks, and rate limits.

#include <fmt/core.h>

#include "northd/features.h"

namespace weft::northd {

void qos_of_switch(Program& p, const Switch& sw) {
    FlowWriter defaults(p.flows, sw.uuid);
    for (Stage stage : {Stage::kSwitchInQosMark, Stage::kSwitchOutQosMark, Stage::kSwitchInQosMeter,
                        Stage::kSwitchOutQosMeter}) {
        defaults.add(stage, 0, "1", "next;");
    }
    for (const Uuid& uuid : p.in.switches.get(sw.uuid)->qos_rules) {
        const nb::QoS* qos = p.in.qos.get(uuid);
        if (!qos) continue;
        FlowWriter f(p.flows, sw.uuid, uuid);
        bool in = qos->direction == "from-lport";
        auto priority = static_cast<uint16_t>(qos->priority);
        std::string action;
        if (const int64_t* mark = qos->action.find(std::string("mark"))) {
            action += fmt::format("pkt.mark = {}; ", *mark);
        }
        if (const int64_t* dscp = qos->action.find(std::string("dscp"))) {
            action += fmt::format("ip.dscp = {}; ", *dscp);
        }
        if (!action.empty()) {
            f.add(in ? Stage::kSwitchInQosMark : Stage::kSwitchOutQosMark, priority, qos->match,
                  action + "next;");
        }
        const int64_t* rate = qos->bandwidth.find(std::string("rate"));
        if (!rate || !*rate) continue;
        const int64_t* burst = qos->bandwidth.find(std::string("burst"));
        f.add(in ? Stage::kSwitchInQosMeter : Stage::kSwitchOutQosMeter, priority, qos->match,
              burst && *burst ? fmt::format("set_meter({}, {}); next;", *rate, *burst)
                              : fmt::format("set_meter({}); next;", *rate));
    }
}

}  // namespace weft::northd
