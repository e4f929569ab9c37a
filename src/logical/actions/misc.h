// Queues, meters, logs, events, samples, and packets that the controller only reads.

#pragma once

#include <string>
#include <vector>

#include "logical/action.h"
#include "logical/controller_opcode.h"

namespace weft::logical {

class ActionParser;

struct SetQueue : Action {
    uint32_t queue = 0;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
// set_meter(RATE[, BURST]) in kbps and kbit.
struct SetMeter : Action {
    uint64_t rate = 0, burst = 0;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
// log(name="…", verdict=…, severity=…, meter="…").
struct Log : Action {
    std::string name, meter;
    uint8_t verdict = 0;   // kLogVerdicts
    uint8_t severity = 6;  // of syslog (RFC 5424 6.2.1)
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
inline constexpr const char* kLogVerdicts[] = {"allow", "drop", "reject"};
const char* log_severity_name(uint8_t severity);  // "info"; nullptr: not one that log() knows

// trigger_event(event = "empty_lb_backends", vip = "…", protocol = "…", load_balancer = "…").
struct TriggerEvent : Action {
    struct Option {
        uint16_t code = 0;
        std::string value;
    };
    uint32_t event = 0;
    std::vector<Option> options;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
inline constexpr const char* kEventNames[] = {"empty_lb_backends"};
inline constexpr const char* kEmptyLbOptions[] = {"", "vip", "protocol", "load_balancer"};  // by code

// igmp, handle_dhcpv6_reply, handle_bfd_msg(): the packet goes to the controller.
struct ToController : Action {
    const char* name = "";
    ControllerOpcode opcode = ControllerOpcode::kIgmp;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
// handle_svc_check(P).
struct HandleServiceCheck : Action {
    FieldRef port;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
// bind_vport("V", P).
struct BindVport : Action {
    std::string vport;
    FieldRef parent;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
// sample(probability=…, collector_set=…, obs_domain=…, obs_point=…|$cookie).
struct Sample : Action {
    uint16_t probability = 0;
    uint32_t collector_set = 0;
    uint8_t obs_domain = 0;
    uint32_t obs_point = 0;
    bool cookie = false;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};

Result<ActionPtr> parse_set_queue(ActionParser& parser);
Result<ActionPtr> parse_set_meter(ActionParser& parser);
Result<ActionPtr> parse_log(ActionParser& parser);
Result<ActionPtr> parse_trigger_event(ActionParser& parser);
Result<ActionPtr> parse_igmp(ActionParser& parser);
Result<ActionPtr> parse_handle_dhcpv6_reply(ActionParser& parser);
Result<ActionPtr> parse_handle_bfd_msg(ActionParser& parser);
Result<ActionPtr> parse_handle_svc_check(ActionParser& parser);
Result<ActionPtr> parse_bind_vport(ActionParser& parser);
Result<ActionPtr> parse_sample(ActionParser& parser);

}  // namespace weft::logical
