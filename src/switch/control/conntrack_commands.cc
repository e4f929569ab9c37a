// dpctl/dump-conntrack, dpctl/flush-conntrack, dpctl/ct-*, dpctl/ipf-* (ovs-dpctl(8), "Connection Tracking
// Table Commands").  Output and errors are those of ovs-vswitchd.

#include <fmt/core.h>

#include <charconv>
#include <climits>
#include <map>

#include "base/clock.h"
#include "openflow/ct_tuple_text.h"
#include "packet/address.h"
#include "switch/control/commands.h"
#include "switch/control/dpctl.h"
#include "switch/upcall/flush_connections.h"

namespace weft::vswitch {

namespace {

using Arguments = net::ControlServer::Arguments;
using datapath::ConnectionTable;

Error invalid(std::string_view what) {
    return dpctl_error(what, kInvalidArgument);
}
Error not_permitted(std::string_view what) {
    return dpctl_error(what, "Operation not permitted");
}

template <typename T>
bool parse_number(std::string_view text, T& value) {
    int base = 10;
    if (text.starts_with("0x")) {
        base = 16;
        text.remove_prefix(2);
    }
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

// "zone=N" out of the arguments; a number that is none stays and is taken for something else.
std::optional<uint16_t> take_zone(Arguments& args) {
    std::optional<uint16_t> zone;
    std::erase_if(args, [&](const std::string& arg) {
        uint16_t number = 0;
        if (!arg.starts_with("zone=") || !parse_number(std::string_view(arg).substr(5), number)) return false;
        zone = number;
        return true;
    });
    return zone;
}

// The datapath that is named by the first argument, if there is one beyond `rest`; the only one if not.
Result<ConnectionTable*> take_table(Switch& owner, Arguments& args, size_t rest) {
    bool named = args.size() > rest;
    Backer* backer = owner.find_datapath(named ? args[0] : "");
    // A datapath is called TYPE@NAME here, as dpctl/dump-dps says.
    if (named && args[0].find('@') == std::string::npos) backer = nullptr;
    if (!backer) return invalid("datapath not found");
    if (named) args.erase(args.begin());
    ConnectionTable* table = backer->datapath().connections();
    if (!table)
        return Error{"ovs-vswitchd: this datapath does not track connections (Operation not supported)\n"};
    return table;
}
// For commands whose arguments all have the form name=value, as in "[dp] zone=N".
Result<ConnectionTable*> take_table_before_options(Switch& owner, Arguments& args) {
    bool named = !args.empty() && args[0].find('=') == std::string::npos && !args[0].empty();
    return take_table(owner, args, named ? args.size() - 1 : args.size());
}

// --- dump

std::string tuple_text(const datapath::ConnectionTuple& t) {
    auto address = [&](const packet::Ipv6Addr& a) {
        return t.v6 ? packet::to_string(a) : packet::ipv4_to_string(load_be32(a.data()));
    };
    std::string out = fmt::format("src={},dst={}", address(t.src), address(t.dst));
    if (t.protocol == 1 || t.protocol == 58) {
        out += fmt::format(",id={},type={},code={}", t.src_port, t.dst_port >> 8, t.dst_port & 0xff);
    } else {
        out += fmt::format(",sport={},dport={}", t.src_port, t.dst_port);
    }
    return out;
}

std::string protocol_name(uint8_t protocol) {
    static constexpr std::pair<uint8_t, const char*> kNames[] = {
        {1, "icmp"},  {2, "igmp"},    {6, "tcp"},    {17, "udp"},
        {33, "dccp"}, {58, "icmpv6"}, {132, "sctp"}, {136, "udplite"}};
    for (auto [number, name] : kNames) {
        if (number == protocol) return name;
    }
    return fmt::format("{}", protocol);
}

std::string label_text(const packet::Be128& label) {
    std::string out = "0x";
    bool started = false;
    for (uint8_t byte : label) {
        if (!started && !byte) continue;
        out += started ? fmt::format("{:02x}", byte) : fmt::format("{:x}", byte);
        started = true;
    }
    return out;
}

std::string tcp_text(const datapath::Connection& c, bool more) {
    if (!more) return fmt::format(",protoinfo=(state={})", c.state);
    std::string scales;
    if (c.window_scale[0].value_or(0) || c.window_scale[1].value_or(0)) {
        scales = fmt::format(",wscale_orig={},wscale_reply={}", c.window_scale[0].value_or(0),
                             c.window_scale[1].value_or(0));
    }
    auto flags = [&](int way) {
        std::string out;
        if (c.window_scale[way]) out += "WINDOW_SCALE";
        if (c.liberal[way]) out += out.empty() ? "BE_LIBERAL" : ",BE_LIBERAL";
        return out.empty() ? "0" : out;
    };
    return fmt::format(",protoinfo=(state_orig={},state_reply={}{},flags_orig={},flags_reply={})",
                       c.original_state, c.reply_state, scales, flags(0), flags(1));
}

std::string connection_text(const datapath::Connection& c, bool more, bool statistics) {
    std::string out = fmt::format("{},orig=({}),reply=({})", protocol_name(c.original.protocol),
                                  tuple_text(c.original), tuple_text(c.reply));
    if (more) out += ",id=0";
    if (c.zone) out += fmt::format(",zone={}", c.zone);
    if (more) out += ",status=0";
    if (statistics) out += fmt::format(",timeout={}", c.expires_in_ms / 1000);
    if (c.mark) out += fmt::format(",mark={}", c.mark);
    if (c.label != packet::Be128{}) out += ",labels=" + label_text(c.label);
    if (!c.state.empty()) out += tcp_text(c, more);
    if (!c.helper.empty()) out += ",helper=" + c.helper;
    if (more && c.parent) out += fmt::format(",parent=({})", tuple_text(*c.parent));
    return out + "\n";
}

Result<std::string> dump(Switch& owner, Arguments args) {
    bool more = take_flag(args, "-m", "--more");
    bool statistics = take_flag(args, "-s", "--statistics");
    auto zone = take_zone(args);
    WEFT_ASSIGN(ConnectionTable * table, take_table(owner, args, 0));
    if (!args.empty()) return invalid("datapath not found");
    std::string out;
    table->dump(zone, clock::monotonic_ms(),
                [&](const datapath::Connection& c) { out += connection_text(c, more, statistics); });
    return out;
}

// --- flush

Result<std::string> flush(Switch& owner, Arguments args) {
    // [dp] [zone=N] [original [reply]]; an empty original stands for none.
    bool named = !args.empty() && args[0].find('@') != std::string::npos;
    WEFT_ASSIGN(ConnectionTable * table, take_table(owner, args, named ? args.size() - 1 : args.size()));
    openflow::CtFlush what;
    if (!args.empty() && args[0].starts_with("zone=")) {
        uint16_t zone = 0;
        if (!parse_number(std::string_view(args[0]).substr(5), zone)) return invalid("failed to parse zone");
        what.zone = zone;
        args.erase(args.begin());
    }
    while (!args.empty()) {
        auto taken = openflow::parse_ct_marks(args[0], what);
        if (!taken) return invalid(taken.message());
        if (!*taken) break;
        args.erase(args.begin());
    }
    if (args.size() > 2) return invalid("invalid arguments");
    for (size_t i = 0; i < args.size(); i++) {
        if (auto parsed = openflow::parse_ct_tuple(args[i], i == 1, what); !parsed)
            return invalid(parsed.message());
    }
    if (!flush_connections(*table, what))
        return Error{"ovs-vswitchd: failed to flush conntrack (No such file or directory)\n"};
    return std::string();
}

// --- statistics

Result<std::string> stats_show(Switch& owner, Arguments args) {
    bool more = take_flag(args, "-m", "--more");
    auto zone = take_zone(args);
    WEFT_ASSIGN(ConnectionTable * table, take_table(owner, args, 0));
    if (!args.empty()) return invalid("datapath not found");
    // In the order of the columns that are printed.
    static constexpr const char* kStates[] = {"CLOSED",      "LISTEN",     "SYN_SENT",   "SYN_RECV",
                                              "ESTABLISHED", "CLOSE_WAIT", "FIN_WAIT_1", "CLOSING",
                                              "LAST_ACK",    "FIN_WAIT_2", "TIME_WAIT"};
    size_t total = 0, tcp = 0, udp = 0, sctp = 0, icmp = 0, other = 0;
    std::map<std::string, size_t> states;
    table->dump(zone, clock::monotonic_ms(), [&](const datapath::Connection& c) {
        total++;
        switch (c.original.protocol) {
            case 6:
                tcp++;
                states[c.state]++;
                break;
            case 17:
                udp++;
                break;
            case 132:
                sctp++;
                break;
            case 1:
            case 58:
                icmp++;
                break;
            default:
                other++;
                break;
        }
    });
    std::string out = fmt::format("Connections Stats:\n    Total: {}\n", total);
    auto line = [&](const char* name, size_t count) {
        if (count) out += fmt::format("  {}: {}\n", name, count);
    };
    line("TCP", tcp);
    if (tcp && more) {
        out += "    Conn per TCP states:\n";
        for (const char* state : kStates) {
            auto it = states.find(state);
            if (it != states.end()) out += fmt::format("\t  [{}]={}\n", state, it->second);
        }
    }
    line("UDP", udp);
    line("SCTP", sctp);
    line("ICMP", icmp);
    line("Other", other);
    return out;
}

// There is one table, not a number of locked parts: one bucket.
Result<std::string> buckets(Switch& owner, Arguments args) {
    size_t threshold = 0;
    for (auto it = args.begin(); it != args.end(); ++it) {
        if (!it->starts_with("gt=")) continue;
        if (!parse_number(std::string_view(*it).substr(3), threshold)) return invalid("invalid gt");
        args.erase(it);
        break;
    }
    WEFT_ASSIGN(ConnectionTable * table, take_table(owner, args, 0));
    if (!args.empty()) return invalid("datapath not found");
    size_t count = 0;
    table->dump(std::nullopt, clock::monotonic_ms(), [&](const datapath::Connection&) { count++; });
    std::string out = fmt::format("Total Buckets: 1\nCurrent Connections: {}\n\n", count);
    if (count) {
        static constexpr const char* kLine = "+-----------+-----------------------------------------+\n";
        out += fmt::format(
            "{}|  Buckets  |         Connections per Buckets         |\n{}   0..  7   | {:>5}\n\n", kLine,
            kLine, count > threshold ? fmt::format("{}", count) : ".");
    }
    return out;
}

// --- limits

Result<std::vector<uint16_t>> parse_zones(std::string_view text) {
    std::vector<uint16_t> zones;
    if (text.starts_with("zone=")) text.remove_prefix(5);
    while (true) {
        size_t comma = text.find(',');
        uint16_t zone = 0;
        if (!parse_number(text.substr(0, comma), zone)) return invalid("invalid zone");
        zones.push_back(zone);
        if (comma == std::string_view::npos) return zones;
        text.remove_prefix(comma + 1);
    }
}

Result<std::string> set_limits(Switch& owner, Arguments args) {
    WEFT_ASSIGN(ConnectionTable * table, take_table_before_options(owner, args));
    std::optional<uint32_t> default_limit;
    std::map<uint16_t, uint32_t> limits;
    for (const std::string& arg : args) {
        uint32_t limit = 0;
        if (arg.starts_with("default=")) {
            if (!parse_number(std::string_view(arg).substr(8), limit))
                return invalid("invalid default limit");
            default_limit = limit;
            continue;
        }
        std::string_view text = arg;
        size_t comma = text.find(',');
        if (!text.starts_with("zone=") || comma == std::string_view::npos)
            return invalid("failed to parse zone limit");
        uint16_t zone = 0;
        if (!parse_number(text.substr(5, comma - 5), zone)) return invalid("failed to parse field zone");
        text.remove_prefix(comma + 1);
        if (!text.starts_with("limit=")) return invalid("invalid zone limit field");
        if (!parse_number(text.substr(6), limit)) return invalid("failed to parse field limit");
        limits[zone] = limit;
    }
    if (default_limit) table->set_default_limit(*default_limit);
    for (auto [zone, limit] : limits) table->set_zone_limit(zone, limit);
    return std::string();
}

Result<std::string> get_limits(Switch& owner, Arguments args) {
    WEFT_ASSIGN(ConnectionTable * table, take_table_before_options(owner, args));
    std::map<uint16_t, uint32_t> limits = table->zone_limits();
    if (!args.empty()) {
        WEFT_ASSIGN(std::vector<uint16_t> zones, parse_zones(args[0]));
        std::map<uint16_t, uint32_t> wanted;
        for (uint16_t zone : zones) {
            auto it = limits.find(zone);
            wanted[zone] = it == limits.end() ? table->default_limit() : it->second;
        }
        limits = wanted;
    }
    std::string out = fmt::format("default limit={}\n", table->default_limit());
    for (auto [zone, limit] : limits)
        out += fmt::format("zone={},limit={},count={}\n", zone, limit, table->count(zone));
    return out;
}

Result<std::string> delete_limits(Switch& owner, Arguments args) {
    WEFT_ASSIGN(ConnectionTable * table, take_table_before_options(owner, args));
    if (args.empty()) return invalid("invalid zone");
    WEFT_ASSIGN(std::vector<uint16_t> zones, parse_zones(args[0]));
    for (uint16_t zone : zones) table->set_zone_limit(zone, std::nullopt);
    return std::string();
}

Result<std::string> set_max_connections(Switch& owner, Arguments args) {
    WEFT_ASSIGN(ConnectionTable * table, take_table(owner, args, 1));
    uint32_t limit = 0;
    if (args.size() != 1 || !parse_number(args[0], limit)) return invalid("maxconns missing or malformed");
    table->set_max_connections(limit);
    return std::string("setting maxconns successful\n");
}

// --- fragments

std::optional<bool> family(const std::string& text) {
    if (text == "v4") return false;
    if (text == "v6") return true;
    return std::nullopt;
}
constexpr const char* kWhichFamily = "parameter missing: 'v4' for IPv4 or 'v6' for IPv6";

Result<std::string> enable_fragments(Switch& owner, Arguments args, bool on) {
    WEFT_ASSIGN(ConnectionTable * table, take_table(owner, args, 1));
    auto v6 = family(args[0]);
    if (!v6) return invalid(kWhichFamily);
    datapath::FragmentConfig config = table->fragment_status(false).config;
    config.family[*v6].enabled = on;
    WEFT_TRY(table->configure_fragments(config));
    return fmt::format("{} fragmentation reassembly successful\n", on ? "enabling" : "disabling");
}

Result<std::string> set_minimum_fragment(Switch& owner, Arguments args) {
    WEFT_ASSIGN(ConnectionTable * table, take_table(owner, args, 2));
    auto v6 = family(args[0]);
    if (!v6) return invalid(kWhichFamily);
    datapath::FragmentConfig config = table->fragment_status(false).config;
    if (!parse_number(args[1], config.family[*v6].minimum))
        return invalid("parameter missing for minimum fragment size");
    if (!table->configure_fragments(config))
        return not_permitted("requested minimum fragment size too small; see documentation");
    return std::string("setting minimum fragment size successful\n");
}

Result<std::string> set_max_fragments(Switch& owner, Arguments args) {
    WEFT_ASSIGN(ConnectionTable * table, take_table(owner, args, 1));
    datapath::FragmentConfig config = table->fragment_status(false).config;
    if (!parse_number(args[0], config.max_fragments))
        return invalid("parameter missing for maximum fragments");
    if (!table->configure_fragments(config)) return not_permitted("setting maximum fragments failed");
    return std::string("setting maximum fragments successful\n");
}

Result<std::string> fragment_status(Switch& owner, Arguments args) {
    bool more = take_flag(args, "-m", "--more");
    WEFT_ASSIGN(ConnectionTable * table, take_table(owner, args, 0));
    datapath::FragmentStatus status = table->fragment_status(more);
    std::string out = fmt::format(
        "        Fragmentation Module Status\n        ---------------------------\n        v4 enabled: {}\n"
        "        v6 enabled: {}\n        max num frags (v4/v6): {}\n        num frag: {}\n",
        int{status.config.family[0].enabled}, int{status.config.family[1].enabled},
        status.config.max_fragments, status.fragments);
    for (int i = 0; i < 2; i++) {
        const char* name = i ? "v6" : "v4";
        const auto& counters = status.counters[i];
        out += fmt::format("        min {} frag size: {}\n", name, status.config.family[i].minimum);
        for (auto [what, count] : {std::pair("accepted", counters.accepted),
                                   {"completed", counters.completed},
                                   {"expired", counters.expired},
                                   {"too small", counters.too_small},
                                   {"overlapped", counters.overlapped},
                                   {"purged", counters.purged}}) {
            out += fmt::format("        {} frags {}: {}\n", name, what, count);
        }
    }
    if (more) {
        out += "\n        Fragment Lists:\n\n";
        for (const std::string& line : status.lists) out += line + "\n";
    }
    return out;
}

}  // namespace

void add_conntrack_commands(net::ControlServer& control, Switch& owner) {
    auto add = [&](const char* name, const char* usage, int least, int most,
                   Result<std::string> (*run)(Switch&, Arguments)) {
        control.add(name, usage, least, most,
                    [&owner, run](const Arguments& args) { return run(owner, args); });
    };
    add("dpctl/dump-conntrack", "[-m] [-s] [dp] [zone=N]", 0, 4, dump);
    add("dpctl/flush-conntrack", "[dp] [zone=N] [mark=X[/M]] [labels=L[/M]] [ct-orig-tuple] [ct-reply-tuple]",
        0, 6, flush);
    add("dpctl/ct-stats-show", "[dp] [zone=N]", 0, 3, stats_show);
    add("dpctl/ct-bkts", "[dp] [gt=N]", 0, 2, buckets);
    add("dpctl/ct-set-maxconns", "[dp] maxconns", 1, 2, set_max_connections);
    add("dpctl/ct-get-maxconns", "[dp]", 0, 1, [](Switch& s, Arguments args) -> Result<std::string> {
        WEFT_ASSIGN(ConnectionTable * table, take_table(s, args, 0));
        return fmt::format("{}\n", table->max_connections());
    });
    add("dpctl/ct-get-nconns", "[dp]", 0, 1, [](Switch& s, Arguments args) -> Result<std::string> {
        WEFT_ASSIGN(ConnectionTable * table, take_table(s, args, 0));
        return fmt::format("{}\n", table->count(std::nullopt));
    });
    add("dpctl/ct-enable-tcp-seq-chk", "[dp]", 0, 1, [](Switch& s, Arguments args) -> Result<std::string> {
        WEFT_ASSIGN(ConnectionTable * table, take_table(s, args, 0));
        table->check_tcp_sequences(true);
        return std::string("enabling TCP sequence checking successful\n");
    });
    add("dpctl/ct-disable-tcp-seq-chk", "[dp]", 0, 1, [](Switch& s, Arguments args) -> Result<std::string> {
        WEFT_ASSIGN(ConnectionTable * table, take_table(s, args, 0));
        table->check_tcp_sequences(false);
        return std::string("disabling TCP sequence checking successful\n");
    });
    add("dpctl/ct-get-tcp-seq-chk", "[dp]", 0, 1, [](Switch& s, Arguments args) -> Result<std::string> {
        WEFT_ASSIGN(ConnectionTable * table, take_table(s, args, 0));
        return fmt::format("TCP sequence checking: {}\n",
                           table->checks_tcp_sequences() ? "enabled" : "disabled");
    });
    add("dpctl/ct-set-limits", "[dp] [default=L] [zone=N,limit=L]...", 1, INT_MAX, set_limits);
    add("dpctl/ct-get-limits", "[dp] [zone=N1[,N2]...]", 0, INT_MAX, get_limits);
    add("dpctl/ct-del-limits", "[dp] zone=N1[,N2]...", 1, 2, delete_limits);
    add("dpctl/ipf-set-enabled", "[dp] v4|v6", 1, 2,
        [](Switch& s, Arguments args) { return enable_fragments(s, std::move(args), true); });
    add("dpctl/ipf-set-disabled", "[dp] v4|v6", 1, 2,
        [](Switch& s, Arguments args) { return enable_fragments(s, std::move(args), false); });
    add("dpctl/ipf-set-min-frag", "[dp] v4|v6 minfragment", 2, 3, set_minimum_fragment);
    add("dpctl/ipf-set-max-nfrags", "[dp] maxfrags", 1, 2, set_max_fragments);
    add("dpctl/ipf-get-status", "[dp]", 0, 2, fragment_status);
}

}  // namespace weft::vswitch
