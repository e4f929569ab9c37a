#include "logical/actions/misc.h"

#include <fmt/format.h>

#include "base/append.h"
#include "logical/actions/parser.h"

namespace weft::logical {

Result<ActionPtr> parse_set_queue(ActionParser& parser) {
    static constexpr uint64_t kMaxQueue = 61440;
    SetQueue set;
    WEFT_TRY(parser.left_paren());
    WEFT_ASSIGN(uint64_t queue, parser.integer(kMaxQueue, "queue number"));
    set.queue = static_cast<uint32_t>(queue);
    WEFT_TRY(parser.right_paren());
    return make_action(set);
}

void SetQueue::print(std::string& out) const {
    append(out, "set_queue({});", queue);
}

void SetQueue::encode(const EncodeContext&, openflow::ActionList& out) const {
    out.push_back(openflow::SetQueue{queue});
}

Result<ActionPtr> parse_set_meter(ActionParser& parser) {
    SetMeter set;
    WEFT_TRY(parser.left_paren());
    WEFT_ASSIGN(set.rate, parser.integer(UINT32_MAX, "rate in kbps"));
    if (parser.lexer.match(TokenType::kComma)) {
        WEFT_ASSIGN(set.burst, parser.integer(UINT32_MAX, "burst in kbit"));
    }
    WEFT_TRY(parser.right_paren());
    return make_action(set);
}

void SetMeter::print(std::string& out) const {
    append(out, "set_meter({}", rate);
    if (burst) append(out, ", {}", burst);
    out += ");";
}

void SetMeter::encode(const EncodeContext& context, openflow::ActionList& out) const {
    out.push_back(openflow::Meter{context.environment->rate_meter(rate, burst)});
}

const char* log_severity_name(uint8_t severity) {
    switch (severity) {
        case 1:
            return "alert";
        case 4:
            return "warning";
        case 5:
            return "notice";
        case 6:
            return "info";
        case 7:
            return "debug";
        default:
            return nullptr;
    }
}

namespace {

Result<void> parse_verdict(ActionParser& parser, Log& log) {
    for (uint8_t i = 0; i < std::size(kLogVerdicts); ++i) {
        if (parser.lexer.match_id(kLogVerdicts[i])) {
            log.verdict = i;
            return {};
        }
    }
    return parser.lexer.syntax_error("unknown verdict");
}

Result<void> parse_severity(ActionParser& parser, Log& log) {
    for (uint8_t i = 0; i < 8; ++i) {
        const char* name = log_severity_name(i);
        if (name && parser.lexer.match_id(name)) {
            log.severity = i;
            return {};
        }
    }
    return parser.lexer.syntax_error("expecting severity");
}

}  // namespace

Result<ActionPtr> parse_log(ActionParser& parser) {
    static constexpr size_t kMaxName = 64;
    Log log;
    bool has_verdict = false;
    WEFT_TRY(parser.left_paren());
    while (!parser.lexer.match(TokenType::kRightParen)) {
        if (parser.key("verdict")) {
            WEFT_TRY(parse_verdict(parser, log));
            has_verdict = true;
        } else if (parser.key("name")) {
            WEFT_ASSIGN(log.name, parser.string("string"));
            if (log.name.size() >= kMaxName)
                return Error{fmt::format("name of log() is longer than {} bytes.", kMaxName - 1)};
        } else if (parser.key("severity")) {
            WEFT_TRY(parse_severity(parser, log));
        } else if (parser.key("meter")) {
            WEFT_ASSIGN(log.meter, parser.string("string"));
        } else {
            return parser.lexer.syntax_error("expecting name, verdict, severity or meter");
        }
        parser.lexer.match(TokenType::kComma);
    }
    if (!has_verdict) return parser.lexer.syntax_error("expecting verdict");
    return make_action(std::move(log));
}

void Log::print(std::string& out) const {
    out += "log(";
    if (!name.empty()) {
        out += "name=";
        print_quoted(name, out);
        out += ", ";
    }
    append(out, "verdict={}, severity={}", kLogVerdicts[verdict], log_severity_name(severity));
    if (!meter.empty()) {
        out += ", meter=";
        print_quoted(meter, out);
    }
    out += ");";
}

void Log::encode(const EncodeContext& context, openflow::ActionList& out) const {
    ByteWriter userdata = begin_userdata(ControllerOpcode::kLog);
    userdata.u8(verdict);
    userdata.u8(severity);
    userdata.bytes(as_bytes(name));
    EncodeContext with_meter = context;
    if (!meter.empty()) with_meter.controller_meter = context.environment->named_meter(meter);
    put_controller(with_meter, std::move(userdata), false, out);
}

Result<ActionPtr> parse_trigger_event(ActionParser& parser) {
    TriggerEvent trigger;
    WEFT_TRY(parser.left_paren());
    if (!parser.key("event")) return parser.lexer.syntax_error("expecting `event ='");
    WEFT_ASSIGN(std::string event, parser.string("event name"));
    if (event != kEventNames[0])
        return Error{fmt::format("Unknown event {}: expecting {}.", event, kEventNames[0])};
    while (parser.lexer.match(TokenType::kComma)) {
        TriggerEvent::Option option;
        for (uint16_t code = 1; code < std::size(kEmptyLbOptions); ++code) {
            if (!option.code && parser.key(kEmptyLbOptions[code])) option.code = code;
        }
        if (!option.code) return parser.lexer.syntax_error("expecting vip, protocol or load_balancer");
        WEFT_ASSIGN(option.value, parser.string("string"));
        trigger.options.push_back(std::move(option));
    }
    WEFT_TRY(parser.right_paren());
    return make_action(std::move(trigger));
}

void TriggerEvent::print(std::string& out) const {
    append(out, "trigger_event(event = \"{}\"", kEventNames[event]);
    for (const Option& option : options) {
        append(out, ", {} = ", kEmptyLbOptions[option.code]);
        print_quoted(option.value, out);
    }
    out += ");";
}

void TriggerEvent::encode(const EncodeContext& context, openflow::ActionList& out) const {
    ByteWriter userdata = begin_userdata(ControllerOpcode::kEvent);
    userdata.u32(event);
    for (const Option& option : options) {
        userdata.u16(option.code);
        userdata.u16(static_cast<uint16_t>(option.value.size()));
        userdata.bytes(as_bytes(option.value));
    }
    EncodeContext with_meter = context;
    if (std::optional<uint32_t> meter = context.environment->named_meter("event-elb"))
        with_meter.controller_meter = meter;
    put_controller(with_meter, std::move(userdata), false, out);
}

Result<ActionPtr> parse_igmp(ActionParser& parser) {
    WEFT_TRY(parser.require("igmp || (ip6 && icmp6)"));
    ToController action;
    action.name = "igmp";
    action.opcode = ControllerOpcode::kIgmp;
    return make_action(action);
}

Result<ActionPtr> parse_handle_dhcpv6_reply(ActionParser&) {
    ToController action;
    action.name = "handle_dhcpv6_reply";
    action.opcode = ControllerOpcode::kDhcpv6Server;
    return make_action(action);
}

Result<ActionPtr> parse_handle_bfd_msg(ActionParser& parser) {
    WEFT_TRY(parser.left_paren());
    WEFT_TRY(parser.right_paren());
    WEFT_TRY(parser.require("udp"));
    ToController action;
    action.name = "handle_bfd_msg()";
    action.opcode = ControllerOpcode::kBfdMessage;
    return make_action(action);
}

void ToController::print(std::string& out) const {
    out += name;
    out += ';';
}

void ToController::encode(const EncodeContext& context, openflow::ActionList& out) const {
    put_controller(context, begin_userdata(opcode), false, out);
}

Result<ActionPtr> parse_handle_svc_check(ActionParser& parser) {
    HandleServiceCheck check;
    WEFT_TRY(parser.left_paren());
    WEFT_ASSIGN(check.port, parser.field_of_width(0, "logical port"));
    WEFT_TRY(parser.right_paren());
    return make_action(check);
}

void HandleServiceCheck::print(std::string& out) const {
    out += "handle_svc_check(";
    print_field(port, out);
    out += ");";
}

void HandleServiceCheck::encode(const EncodeContext& context, openflow::ActionList& out) const {
    Arguments arguments({{to_subfield(port), kRegInport}});
    arguments.save(out);
    put_controller(context, begin_userdata(ControllerOpcode::kHandleServiceCheck), false, out);
    arguments.restore(out);
}

Result<ActionPtr> parse_bind_vport(ActionParser& parser) {
    BindVport bind;
    WEFT_TRY(parser.left_paren());
    WEFT_ASSIGN(bind.vport, parser.string("port name string"));
    WEFT_TRY(parser.comma());
    WEFT_ASSIGN(bind.parent, parser.field_of_width(0, "logical port"));
    WEFT_TRY(parser.right_paren());
    return make_action(std::move(bind));
}

void BindVport::print(std::string& out) const {
    out += "bind_vport(";
    print_quoted(vport, out);
    out += ", ";
    print_field(parent, out);
    out += ");";
}

void BindVport::encode(const EncodeContext& context, openflow::ActionList& out) const {
    std::optional<uint32_t> key = context.environment->port(vport);
    if (!key) return;
    Arguments arguments({{to_subfield(parent), kRegInport}});
    arguments.save(out);
    ByteWriter userdata = begin_userdata(ControllerOpcode::kBindVport);
    userdata.u32(*key);
    put_controller(context, std::move(userdata), false, out);
    arguments.restore(out);
}

Result<ActionPtr> parse_sample(ActionParser& parser) {
    Sample sample;
    WEFT_TRY(parser.left_paren());
    while (!parser.lexer.match(TokenType::kRightParen)) {
        if (parser.key("probability")) {
            WEFT_ASSIGN(uint64_t v, parser.integer(65535, "probability"));
            sample.probability = static_cast<uint16_t>(v);
        } else if (parser.key("collector_set")) {
            WEFT_ASSIGN(uint64_t v, parser.integer(UINT32_MAX, "collector set id"));
            sample.collector_set = static_cast<uint32_t>(v);
        } else if (parser.key("obs_domain")) {
            WEFT_ASSIGN(uint64_t v, parser.integer(255, "observation domain id"));
            sample.obs_domain = static_cast<uint8_t>(v);
        } else if (parser.key("obs_point")) {
            if (parser.lexer.type() == TokenType::kAddressSet && parser.lexer.token().text == "cookie") {
                sample.cookie = true;
                parser.lexer.next();
            } else {
                WEFT_ASSIGN(uint64_t v, parser.integer(UINT32_MAX, "observation point id"));
                sample.obs_point = static_cast<uint32_t>(v);
            }
        } else {
            return parser.lexer.syntax_error("expecting probability, collector_set, obs_domain or obs_point");
        }
        parser.lexer.match(TokenType::kComma);
    }
    if (sample.probability == 0) return Error{"sample needs a probability of at least 1 in 65535."};
    return make_action(sample);
}

void Sample::print(std::string& out) const {
    append(out, "sample(probability={},collector_set={},obs_domain={},obs_point=", probability, collector_set,
           obs_domain);
    if (cookie) {
        out += "$cookie);";
    } else {
        append(out, "{});", obs_point);
    }
}

void Sample::encode(const EncodeContext& context, openflow::ActionList& out) const {
    if (!context.environment->has_collector_set(collector_set)) return;
    openflow::Sample sample;
    sample.probability = probability;
    sample.collector_set_id = collector_set;
    sample.obs_domain_id = static_cast<uint32_t>(obs_domain) << 24 | (context.datapath_key & 0xffffff);
    sample.obs_point_id = cookie ? load_be32(context.flow.bytes.data()) : obs_point;
    out.push_back(sample);
}

}  // namespace weft::logical
