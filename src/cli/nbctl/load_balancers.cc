// Load balancers: lb-*, and their use by switches and routers: ls-lb-*, lr-lb-*.

#include "cli/nbctl/common.h"

namespace weft::cli::nbctl {
namespace {

Result<void> need_lb(CtlContext& context) {
    context.need(nb::LoadBalancer::kName, nb::LoadBalancer::kVips, nb::LoadBalancer::kProtocol);
    return {};
}

// "10.0.0.1:80" and "[fd00::1]:80": both parts, or an empty address if it is neither.
struct Endpoint {
    std::string address;
    int64_t port = 0;  // 0: none given
};

Endpoint parse_endpoint(std::string_view text) {
    Endpoint out;
    std::string_view address = text, port;
    if (text.starts_with("[")) {
        size_t close = text.find(']');
        if (close == std::string_view::npos) return {};
        address = text.substr(1, close - 1);
        std::string_view rest = text.substr(close + 1);
        if (!rest.empty() && rest[0] != ':') return {};
        if (!rest.empty()) port = rest.substr(1);
    } else if (std::count(text.begin(), text.end(), ':') == 1) {
        address = text.substr(0, text.find(':'));
        port = text.substr(text.find(':') + 1);
    }
    if (!port.empty()) {
        std::optional<int64_t> number = parse_number(port, 1, 65535);
        if (!number) return {};
        out.port = *number;
    }
    out.address = normal_address(address);
    return out;
}

struct NewVip {
    std::string vip, backends;
    std::optional<std::string> protocol;          // as typed
    std::optional<std::string> default_protocol;  // of a new load balancer
};

Result<NewVip> parse_vip(CtlContext& context) {
    NewVip out;
    bool is_template = context.has("--template");
    Endpoint vip = parse_endpoint(context[1]);
    if (vip.address.empty() && !is_template) {
        return Error{fmt::format(
            "{}: should be an IP address (or an IP address and a port number with : as a separator).",
            context[1])};
    }
    if (context.size() > 3) {
        if (context[3] != "tcp" && context[3] != "udp" && context[3] != "sctp") {
            return Error{
                fmt::format("{}: protocol must be one of \"tcp\", \"udp\",  or \"sctp\".", context[3])};
        }
        if (!vip.port && !is_template) return Error{"Protocol is unnecessary when no port of vip is given."};
    }
    for (const std::string& each : split(context[2], ',')) {
        Endpoint backend = parse_endpoint(each);
        if (is_template) {
        } else if (vip.port && (backend.address.empty() || !backend.port)) {
            return Error{
                fmt::format("{}: should be an IP address and a port number with : as a separator.", each)};
        } else if (!vip.port && (backend.address.empty() || backend.port)) {
            return Error{fmt::format("{}: should be an IP address.", each)};
        } else if (is_ipv6(backend.address) != is_ipv6(vip.address)) {
            return Error{fmt::format("{}: IP address family is different from VIP {}.", each, context[1])};
        }
        out.backends += (out.backends.empty() ? "" : ",") + each;
    }
    if (is_template) out.backends = context[2];
    out.vip = context[1];
    if (context.size() > 3) {
        out.protocol = context[3];
    } else {
        out.default_protocol = "tcp";
    }
    return out;
}

void write_vip(CtlContext& context, const Uuid& lb, const NewVip& typed) {
    db::Transaction& txn = context.transaction();
    txn.set_key(lb, nb::LoadBalancer::kVips, typed.vip, typed.backends);
    if (typed.protocol) txn.set(lb, nb::LoadBalancer::kProtocol, typed.protocol);
}

Result<void> run_add(CtlContext& context) {
    if (context.has("--may-exist") && context.has("--add-duplicate")) {
        return Error{"--may-exist and --add-duplicate may not be used together"};
    }
    WEFT_ASSIGN(NewVip typed, parse_vip(context));
    if (context.has("--reject") && context.has("--event")) {
        return Error{"--reject and --event can't specified at the same time"};
    }
    if (!context.has("--add-duplicate")) {
        WEFT_ASSIGN(const nb::LoadBalancer* lb, find_load_balancer(context, context[0]));
        if (lb) {
            if (lb->vips.contains(typed.vip) && !context.has("--may-exist")) {
                return Error{fmt::format("{}: a load balancer with this vip ({}) already exists", context[0],
                                         typed.vip)};
            }
            write_vip(context, Uuid(lb->uuid), typed);
            return {};
        }
    }
    db::Transaction& txn = context.transaction();
    Uuid lb = txn.insert<nb::LoadBalancer>();
    txn.set(lb, nb::LoadBalancer::kName, context[0]);
    write_vip(context, lb, typed);
    if (typed.default_protocol) txn.set(lb, nb::LoadBalancer::kProtocol, typed.default_protocol);
    ovsdb::StringMap options;
    if (context.has("--reject")) options.set("reject", "true");
    if (context.has("--event")) options.set("event", "true");
    if (context.has("--add-route")) options.set("add_route", "true");
    if (context.has("--template")) {
        options.set("template", "true");
        options.set("address-family", context.size() > 4 ? context[4] : "ipv4");
    }
    if (!options.empty()) txn.set(lb, nb::LoadBalancer::kOptions, options);
    return {};
}

Result<void> run_del(CtlContext& context) {
    WEFT_ASSIGN(const nb::LoadBalancer* lb, find_load_balancer(context, context[0]));
    if (!lb) return {};
    Uuid uuid = lb->uuid;
    if (context.size() == 1) {
        context.transaction().erase<nb::LoadBalancer>(uuid);
        return {};
    }
    if (!lb->vips.contains(context[1])) {
        if (context.has("--if-exists")) return {};
        return Error{fmt::format("vip {} is not part of the load balancer.", context[1])};
    }
    if (lb->vips.size() == 1) {
        context.transaction().erase<nb::LoadBalancer>(uuid);
    } else {
        context.transaction().remove_key(uuid, nb::LoadBalancer::kVips, context[1]);
    }
    return {};
}

// --- listing

void print_load_balancers(CtlContext& context, std::vector<const nb::LoadBalancer*> lbs) {
    if (lbs.empty()) return;
    std::sort(lbs.begin(), lbs.end(),
              [](auto* a, auto* b) { return std::tie(a->name, a->uuid) < std::tie(b->name, b->uuid); });
    size_t vip_width = 0;
    for (const nb::LoadBalancer* lb : lbs) {
        for (const auto& [vip, backends] : lb->vips) vip_width = std::max(vip_width, vip.size());
    }
    vip_width += 4;
    context.output +=
        fmt::format("{:<40}{:<20}{:<11}{:<{}}{}\n", "UUID", "LB", "PROTO", "VIP", vip_width, "IPs");
    for (const nb::LoadBalancer* lb : lbs) {
        bool first = true;
        for (const auto& [vip, backends] : lb->vips) {
            std::string protocol = parse_endpoint(vip).port || parse_endpoint(vip).address.empty()
                                       ? lb->protocol.value_or("tcp")
                                       : "";
            context.output +=
                fmt::format("{:<40}{:<20}{:<11}{:<{}}{}\n", first ? lb->uuid.to_string() : "",
                            first ? lb->name.substr(0, 18) : "", protocol, vip, vip_width, backends);
            first = false;
        }
    }
}

Result<void> run_list(CtlContext& context) {
    std::vector<const nb::LoadBalancer*> lbs;
    for (const nb::LoadBalancer* lb : context.rows<nb::LoadBalancer>()) {
        if (!context.size() || lb->name == context[0]) lbs.push_back(lb);
    }
    print_load_balancers(context, std::move(lbs));
    return {};
}

// --- of switches and routers

template <typename Owner>
struct Use;

template <>
struct Use<nb::LogicalSwitch> {
    static constexpr const char* kNoun = "switch";
    static Result<const nb::LogicalSwitch*> get(CtlContext& c) { return get_switch(c, c[0]); }
};

template <>
struct Use<nb::LogicalRouter> {
    static constexpr const char* kNoun = "router";
    static Result<const nb::LogicalRouter*> get(CtlContext& c) { return get_router(c, c[0]); }
};

template <typename Owner>
Result<void> need_use(CtlContext& context) {
    context.need(Owner::kName, Owner::kLoadBalancer);
    return need_lb(context);
}

template <typename Owner>
Result<void> run_use_add(CtlContext& context) {
    WEFT_ASSIGN(const Owner* owner, Use<Owner>::get(context));
    WEFT_ASSIGN(const nb::LoadBalancer* lb, get_load_balancer(context, context[1]));
    if (owner->load_balancer.contains(lb->uuid)) {
        if (context.has("--may-exist")) return {};
        return Error{fmt::format("{} : a load balancer with this UUID already exists", lb->uuid.to_string())};
    }
    context.transaction().add(Uuid(owner->uuid), Owner::kLoadBalancer, lb->uuid);
    return {};
}

template <typename Owner>
Result<void> run_use_del(CtlContext& context) {
    WEFT_ASSIGN(const Owner* owner, Use<Owner>::get(context));
    if (context.size() == 1) {
        context.transaction().set(Uuid(owner->uuid), Owner::kLoadBalancer, {});
        return {};
    }
    WEFT_ASSIGN(const nb::LoadBalancer* lb, get_load_balancer(context, context[1]));
    if (owner->load_balancer.contains(lb->uuid)) {
        context.transaction().remove(Uuid(owner->uuid), Owner::kLoadBalancer, lb->uuid);
        return {};
    }
    if (context.has("--if-exists")) return {};
    return Error{
        fmt::format("load balancer {} is not part of any logical {}.", context[1], Use<Owner>::kNoun)};
}

template <typename Owner>
Result<void> run_use_list(CtlContext& context) {
    WEFT_ASSIGN(const Owner* owner, Use<Owner>::get(context));
    std::vector<const nb::LoadBalancer*> lbs;
    for (const Uuid& uuid : owner->load_balancer) {
        if (const nb::LoadBalancer* lb = context.row<nb::LoadBalancer>(uuid)) lbs.push_back(lb);
    }
    print_load_balancers(context, std::move(lbs));
    return {};
}

using Ls = nb::LogicalSwitch;
using Lr = nb::LogicalRouter;

constexpr CtlCommand kCommands[] = {
    {"lb-add", 3, 5, "LB VIP[:PORT] IP[:PORT]... [PROTOCOL [ADDRESS_FAMILY]]",
     "--may-exist,--add-duplicate,--reject,--event,--add-route,--template", true, need_lb, run_add, nullptr,
     "Create a load balancer, or add a virtual address to one."},
    {"lb-del", 1, 2, "LB [VIP]", "--if-exists", true, need_lb, run_del, nullptr,
     "Delete a load balancer, or a virtual address of one."},
    {"lb-list", 0, 1, "[LB]", "", false, need_lb, run_list, nullptr, "Print load balancers."},
    {"ls-lb-add", 2, 2, "SWITCH LB", "--may-exist", true, need_use<Ls>, run_use_add<Ls>, nullptr,
     "Use a load balancer at a switch."},
    {"ls-lb-del", 1, 2, "SWITCH [LB]", "--if-exists", true, need_use<Ls>, run_use_del<Ls>, nullptr,
     "No longer use a load balancer, or any, at a switch."},
    {"ls-lb-list", 1, 1, "SWITCH", "", false, need_use<Ls>, run_use_list<Ls>, nullptr,
     "Print a switch's load balancers."},
    {"lr-lb-add", 2, 2, "ROUTER LB", "--may-exist", true, need_use<Lr>, run_use_add<Lr>, nullptr,
     "Use a load balancer at a router."},
    {"lr-lb-del", 1, 2, "ROUTER [LB]", "--if-exists", true, need_use<Lr>, run_use_del<Lr>, nullptr,
     "No longer use a load balancer, or any, at a router."},
    {"lr-lb-list", 1, 1, "ROUTER", "", false, need_use<Lr>, run_use_list<Lr>, nullptr,
     "Print a router's load balancers."},
};

}  // namespace

std::span<const CtlCommand> load_balancer_commands() {
    return kCommands;
}

}  // namespace weft::cli::nbctl
