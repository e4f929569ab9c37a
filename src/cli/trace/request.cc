#include "cli/trace/request.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/log.h"
#include "cli/trace/packet_text.h"
#include "logical/microflow.h"

namespace weft::cli::trace {

namespace {

using logical::Expr;

log::Module lg("ovntrace");

constexpr size_t kRegInport = 14;

auto flag(bool& target, bool value = true) {
    return [&target, value](std::string_view) {
        target = value;
        return Result<void>();
    };
}

template <typename T>
bool parse_number(std::string_view text, T& out) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size();
}

// "trk,new": as ct_state has them (ovs-fields(7)).
Result<uint32_t> parse_ct_state(std::string_view text) {
    constexpr std::array<std::string_view, 8> kNames = {"new", "est", "rel",  "rpl",
                                                        "inv", "trk", "snat", "dnat"};
    uint32_t state = packet::kCtTracked;
    while (!text.empty()) {
        std::string_view word = text.substr(0, text.find_first_of(", "));
        text.remove_prefix(word.size() < text.size() ? word.size() + 1 : word.size());
        if (word.empty()) continue;
        size_t i = 0;
        while (i < kNames.size() && kNames[i] != word) ++i;
        if (i == kNames.size()) return Error{fmt::format("{}: unknown connection tracking state flag", word)};
        state |= 1u << i;
    }
    constexpr uint32_t kBoth = packet::kCtNew | packet::kCtEstablished;
    if ((state & kBoth) == kBoth) {
        lg.warn("{}: invalid connection state: \"new\" and \"est\" are mutually exclusive",
                ct_state_text(state));
    }
    return state;
}

// IP[:PORT] or [IPV6][:PORT].
Result<Settings::Address> parse_lb_destination(std::string_view text) {
    Error bad{fmt::format("{}: bad address", text)};
    std::string_view ip = text, port;
    size_t bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
    if (bracket != std::string_view::npos) {
        ip = text.substr(1, bracket - 1);
        port = text.substr(bracket + 1);
        if (!port.empty() && port[0] != ':') return bad;
    } else if (text.find(':') == text.rfind(':') && text.find(':') != std::string_view::npos) {
        ip = text.substr(0, text.find(':'));
        port = text.substr(text.find(':'));
    }
    Settings::Address out;
    std::optional<logical::Constant> address = logical::parse_integer_constant(ip);
    if (!address || address->masked ||
        (address->format != logical::Format::kIpv4 && address->format != logical::Format::kIpv6)) {
        return bad;
    }
    out.ipv6 = address->format == logical::Format::kIpv6;
    out.value = address->value;
    if (!port.empty() && !parse_number(port.substr(1), out.port)) return bad;
    return out;
}

// The port that the microflow says it comes in at.
const std::string* inport_of(const Expr& expr) {
    if (expr.type == Expr::Type::kCompare && expr.symbol->name == "inport") return &expr.text;
    if (expr.type != Expr::Type::kAnd) return nullptr;
    for (const Expr& child : expr.children) {
        if (const std::string* name = inport_of(child)) return name;
    }
    return nullptr;
}

// Ports of the datapath; of others there is none, which is key 0.
class Ports : public logical::PortLookup {
  public:
    Ports(const Network& network, const Datapath& datapath) : network_(network), datapath_(datapath) {}
    std::optional<uint32_t> port(const logical::Symbol&, std::string_view name) const override {
        auto key = datapath_.keys.find(std::string(name));
        if (key != datapath_.keys.end()) return key->second;
        if (!network_.find_port(name)) lg.warn("{}: unknown logical port", name);
        return 0;
    }
    bool is_chassis_resident(std::string_view name) const override { return network_.find_port(name); }

  private:
    const Network& network_;
    const Datapath& datapath_;
};

Result<const Datapath*> choose_datapath(const Network& network, const Request& request) {
    if (!request.datapath.empty()) {
        const Datapath* found = network.find_datapath(request.datapath);
        if (!found) return Error{fmt::format("unknown datapath \"{}\"", request.datapath)};
        return found;
    }
    Result<Expr> expr = logical::parse_expr(request.microflow, logical::SymbolTable::standard(), &network);
    if (!expr) return Error{"error parsing flow: " + expr.message()};
    const std::string* inport = inport_of(*expr);
    if (!inport) return Error{"error parsing flow: flow match expression does not match on inport"};
    const Port* port = network.find_port(*inport);
    if (!port) return Error{fmt::format("unknown port \"{}\"", *inport)};
    return port->datapath;
}

}  // namespace

void Request::add_to(OptionTable& options) {
    options.section("Output format options");
    options.add("detailed", 0, "", "Table by table, with the flows that matched (the default).",
                flag(detailed));
    options.add("summary", 0, "", "The pipelines and the actions.", flag(summary));
    options.add("minimal", 0, "", "What is seen from outside: changes of the packet and outputs.",
                flag(minimal));
    options.add("all", 0, "", "All three forms.", [this](std::string_view) {
        detailed = summary = minimal = true;
        return Result<void>();
    });
    options.section("Output style options");
    options.add("friendly-names", 0, "", "Show people's names in place of UUIDs (the default).",
                flag(friendly_names));
    options.add("no-friendly-names", 0, "", "Show names as the database has them.",
                flag(friendly_names, false));
    options.section("Trace options");
    options.add("ct", 0, "FLAGS",
                "What the next action that tracks connections finds: new, est, rel, rpl, inv, trk, dnat, "
                "snat; may be repeated (default: trk,est).",
                [this](std::string_view text) -> Result<void> {
                    WEFT_ASSIGN(uint32_t state, parse_ct_state(text));
                    settings.ct_states.push_back(state);
                    return {};
                });
    options.add("lb-dst", 0, "IP[:PORT]", "The backend that load balancers choose.",
                [this](std::string_view text) -> Result<void> {
                    WEFT_ASSIGN(settings.lb_destination, parse_lb_destination(text));
                    return {};
                });
    options.add("select-id", 0, "ID", "What select() chooses.",
                [this](std::string_view text) -> Result<void> {
                    uint16_t id = 0;
                    if (!parse_number(text, id) || id == 0)
                        return Error{fmt::format("{}: bad select-id", text)};
                    settings.select_id = id;
                    return {};
                });
}

Result<void> Request::set_words(const std::vector<std::string>& words) {
    if (words.empty() || words.size() > 2)
        return Error{"one or two non-option arguments are required (use --help for help)"};
    if (words.size() == 2) datapath = words[0];
    microflow = words.back();
    if (!detailed && !summary && !minimal) detailed = true;
    return {};
}

std::string trace(const Network& network, const Request& request) {
    Result<const Datapath*> datapath = choose_datapath(network, request);
    if (!datapath) return datapath.message() + "\n";
    Ports ports(network, **datapath);
    Result<packet::Flow> packet =
        logical::parse_microflow(request.microflow, logical::SymbolTable::standard(), &network, ports);
    if (!packet) return "error parsing flow: " + packet.message() + "\n";
    if (!packet->regs[kRegInport]) lg.warn("microflow does not specify ingress port");

    Nodes nodes = Walk(network, request.settings).run(**datapath, *packet);
    std::string out = "# " + packet_text(*packet) + "\n";
    bool banners = request.detailed + request.summary + request.minimal > 1;
    if (request.detailed) out += (banners ? "# Detailed trace.\n" : "") + detailed_text(nodes);
    if (request.summary) out += (banners ? "# Summary trace.\n" : "") + summary_text(nodes);
    if (request.minimal) out += (banners ? "# Minimal trace.\n" : "") + minimal_text(nodes);
    return out;
}

}  // namespace weft::cli::trace
