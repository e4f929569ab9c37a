// dpctl/dump-flows, get-flow, add-flow, mod-flow, del-flow and those that read files of flows (ovs-dpctl(8),
// "Datapath Flow Table Debugging Commands").  What becomes of flows put by hand:
// switch/upcall/manual_flows.cc.

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>

#include "datapath/api/flow_line.h"
#include "openflow/match.h"
#include "openflow/names.h"
#include "switch/control/commands.h"
#include "switch/control/dpctl.h"

namespace weft::vswitch {

namespace {

using Arguments = net::ControlServer::Arguments;
using datapath::FlowDump;
using datapath::FlowLine;

// --- which flow

struct FlowArgument {
    datapath::FlowPut put;  // without actions
    bool identified = false;
};

// "11111111-2222-…" or its 32 digits without the dashes.
std::optional<datapath::Ufid> parse_ufid(std::string_view text) {
    std::string dashed(text);
    if (dashed.size() == 32 && dashed.find('-') == dashed.npos) {
        for (size_t at : {20u, 16u, 12u, 8u}) dashed.insert(at, "-");
    }
    return Uuid::parse(dashed);
}

bool names_group(std::string_view text, std::string_view group) {
    for (size_t at = text.find(group); at != text.npos; at = text.find(group, at + 1)) {
        if ((!at || text[at - 1] == ',' || text[at - 1] == ' ') &&
            text.substr(at + group.size()).starts_with('('))
            return true;
    }
    return false;
}

// "[ufid:UFID,]FLOW".  The recirculation id, and that there is no tag, are matched whether they are named or
// not.
Result<FlowArgument> parse_flow(std::string_view text, const datapath::Datapath& dp, bool may_be_bare) {
    FlowArgument out;
    std::string_view match = text;
    if (match.starts_with("ufid:")) {
        size_t end = match.find(',');
        auto ufid = parse_ufid(match.substr(5, end == match.npos ? end : end - 5));
        if (!ufid)
            return dpctl_error(fmt::format("parsing flow ufid \"{}\"", match.substr(0, end)),
                               kInvalidArgument);
        out.put.ufid = *ufid;
        out.identified = true;
        match = end == match.npos ? std::string_view() : match.substr(end + 1);
        if (match.empty() && may_be_bare) return out;
    }
    DatapathPortNames names(dp);
    auto parsed = datapath::parse_match(match, &names);
    if (!parsed) return dpctl_error(fmt::format("parsing flow key ({})", parsed.message()), kInvalidArgument);
    const packet::Flow &key = parsed->key, &mask = parsed->mask;
    std::string_view lacks;
    if (!mask.in_port)
        lacks = "in_port(...)";
    else if (!names_group(match, "eth") && !names_group(match, "packet_type"))
        lacks = "eth(...) or packet_type(...)";
    else if (!mask.dl_type && !names_group(match, "packet_type"))
        lacks = "eth_type(...)";
    if (!lacks.empty())
        return dpctl_error(fmt::format("updating flow table: the flow \"{}\" lacks {}", match, lacks),
                           kInvalidArgument);
    out.put.key = key;
    out.put.mask = mask;
    out.put.mask.recirc_id = UINT32_MAX;
    match_tags(key, out.put.mask);
    return out;
}

Result<datapath::Actions> parse_actions(const std::string& text, const datapath::Datapath& dp) {
    DatapathPortNames names(dp);
    auto actions = datapath::parse_actions(text, &names);
    if (actions) return *std::move(actions);
    return dpctl_error(fmt::format("parsing actions ({})", actions.message()), kInvalidArgument);
}

// --- one flow

struct Verb {
    bool create = true, modify = false;
    bool clear = false, statistics = false;
};

Result<std::string> put(Backer& backer, const std::string& flow, const std::string& actions,
                        const Verb& verb) {
    WEFT_ASSIGN(FlowArgument which, parse_flow(flow, backer.datapath(), !verb.create));
    WEFT_ASSIGN(which.put.actions, parse_actions(actions, backer.datapath()));
    which.put.create = verb.create;
    which.put.modify = verb.modify;
    which.put.zero_stats = verb.clear;
    auto before = backer.put_by_hand(std::move(which.put), which.identified);
    if (!before) return dpctl_error("updating flow table", before.message());
    return verb.statistics ? statistics_text(*before) + "\n" : std::string();
}

Result<std::string> remove(Backer& backer, const std::string& flow, bool statistics) {
    WEFT_ASSIGN(FlowArgument which, parse_flow(flow, backer.datapath(), true));
    auto last = backer.delete_by_hand(which.put, which.identified);
    if (!last) {
        return Error{dpctl_error("deleting flow", last.message()).message +
                     "Perhaps you need to specify a UFID?\n"};
    }
    return statistics ? statistics_text(*last) + "\n" : std::string();
}

Result<std::string> put_command(const Switch& owner, Arguments args, Verb verb) {
    if (verb.modify) {
        verb.clear = take_flag(args, "", "--clear");
        verb.create = take_flag(args, "", "--may-create");
    }
    verb.statistics = take_flag(args, "-s", "--statistics");
    WEFT_TRY(no_more_flags(args));
    if (args.size() < 2 || args.size() > 3) return Error{"expected: [dp] flow actions"};
    WEFT_ASSIGN(Backer * backer, take_datapath(owner, args, 2));
    return put(*backer, args[0], args[1], verb);
}

Result<std::string> delete_command(const Switch& owner, Arguments args) {
    bool statistics = take_flag(args, "-s", "--statistics");
    WEFT_TRY(no_more_flags(args));
    if (args.empty() || args.size() > 2) return Error{"expected: [dp] flow"};
    WEFT_ASSIGN(Backer * backer, take_datapath(owner, args, 1));
    return remove(*backer, args[0], statistics);
}

FlowLineText take_text_options(Arguments& args) {
    FlowLineText options;
    options.more = take_flag(args, "-m", "--more");
    options.names = take_flag(args, "", "--names") || options.more;
    if (take_flag(args, "", "--no-names")) options.names = false;
    return options;
}

Result<std::string> get_command(const Switch& owner, Arguments args) {
    FlowLineText options = take_text_options(args);
    WEFT_TRY(no_more_flags(args));
    if (args.empty() || args.size() > 2) return Error{"expected: [dp] ufid:UFID"};
    WEFT_ASSIGN(Backer * backer, take_datapath(owner, args, 1));
    auto ufid = args[0].starts_with("ufid:") ? parse_ufid(std::string_view(args[0]).substr(5)) : std::nullopt;
    if (!ufid)
        return dpctl_error(
            fmt::format("parsing flow ufid: \"{}\" is not \"ufid:\" with 32 hexadecimal digits", args[0]),
            kInvalidArgument);
    auto flow = backer->datapath().get_flow(*ufid);
    if (!flow) return dpctl_error("getting flow", "No such file or directory");
    return flow_line_text(*flow, backer->datapath(), options);
}

// --- files

// Each line is carried out by itself; what went wrong is told line by line.
Result<std::string> file_command(const Switch& owner, Arguments args, FlowLine::Verb verb) {
    bool statistics = take_flag(args, "-s", "--statistics");
    WEFT_TRY(no_more_flags(args));
    WEFT_ASSIGN(Backer * backer, take_datapath(owner, args, 1));
    if (args[0] == "-")
        return dpctl_error("the daemon has no standard input; ovs-dpctl reads its own, or name a file",
                           kInvalidArgument);
    std::ifstream file(args[0]);
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (!file.is_open() || file.bad()) {
        std::string reason = std::strerror(errno);
        return dpctl_error(fmt::format("Opening file \"{}\" failed", args[0]), reason);
    }
    std::string out;
    for (const FlowLine& line : datapath::parse_flow_lines(text, verb)) {
        Result<std::string> done =
            Error{fmt::format("ovs-vswitchd: Failed parsing line number {}, skipped!\n", line.number)};
        if (!line.bad && line.verb == FlowLine::Verb::kDelete) {
            done = remove(*backer, line.flow, statistics);
        } else if (!line.bad) {
            bool modify = line.verb == FlowLine::Verb::kModify;
            done = put(*backer, line.flow, line.actions, {!modify, modify, false, statistics && modify});
        }
        out += done ? *done : done.message();
    }
    return out;
}

// All flows, or those of a file: what is no datapath's name is a file's.
Result<std::string> delete_all_command(const Switch& owner, Arguments args) {
    if (args.size() == 2 || (args.size() == 1 && !owner.find_datapath(args[0])))
        return file_command(owner, std::move(args), FlowLine::Verb::kDelete);
    WEFT_ASSIGN(Backer * backer, take_datapath(owner, args, 0));
    backer->purge();
    return std::string();
}

// --- dump

// "ovs,offloaded": which flows, by who forwards them.
struct Types {
    bool ovs = true, tc = true, dpdk = true, offloaded = true, other = true;

    static Result<Types> parse(std::string_view text) {
        Types types{false, false, false, false, false};
        while (!text.empty()) {
            size_t end = text.find(',');
            std::string_view word = text.substr(0, end);
            text = end == text.npos ? std::string_view() : text.substr(end + 1);
            if (word == "ovs") {
                types.ovs = true;
            } else if (word == "tc") {
                types.tc = true;
            } else if (word == "dpdk") {
                types.dpdk = true;
            } else if (word == "offloaded") {
                types.offloaded = true;
            } else if (word == "non-offloaded") {
                types.other = true;
            } else if (word == "all") {
                types = Types();
            } else if (word != "partially-offloaded") {  // nothing here is
                return dpctl_error(fmt::format("Failed to parse type ({})", word), kInvalidArgument);
            }
        }
        return types;
    }
    bool want(const FlowDump& flow) const {
        return (ovs && flow.datapath_layer == "ovs") || (tc && flow.datapath_layer == "tc") ||
               (dpdk && flow.datapath_layer == "dpdk") || (flow.offloaded ? offloaded : other);
    }
};

// An OpenFlow match in which in_port is the datapath's: a flow is wanted if some packet is both's.
struct Filter {
    packet::Flow value = packet::zero_flow(), mask = packet::zero_flow();

    static Result<Filter> parse(const std::string& text, const datapath::Datapath& dp) {
        openflow::Names names;
        for (const datapath::PortInfo& port : dp.ports()) names.add_port(port.number, port.name);
        auto match = openflow::parse_strict_match(text, &names);
        if (!match) {
            return Error{
                fmt::format("ovs-vswitchd: Failed to parse filter ({}: {})\n", text, match.message())};
        }
        Filter out{match->value, match->mask};
        // Options of tunnels lie elsewhere in the datapath's keys.
        out.mask.tunnel.metadata = {};
        out.mask.tunnel.metadata_present = 0;
        return out;
    }
    bool want(const FlowDump& flow) const {
        for (size_t i = 0; i < packet::kFlowWords; ++i) {
            if ((packet::words(flow.key)[i] ^ packet::words(value)[i]) & packet::words(flow.mask)[i] &
                packet::words(mask)[i])
                return false;
        }
        return true;
    }
};

Result<std::string> dump_command(const Switch& owner, Arguments args) {
    FlowLineText options = take_text_options(args);
    auto filter_text = take_value(args, "filter"), type_text = take_value(args, "type"),
         pmd = take_value(args, "pmd");
    WEFT_TRY(no_more_flags(args));
    WEFT_ASSIGN(Backer * backer, take_datapath(owner, args, 0));
    if (!args.empty())
        return dpctl_error(fmt::format("unexpected argument \"{}\"", args[0]), kInvalidArgument);
    const datapath::Datapath& dp = backer->datapath();
    Filter filter;
    Types types;
    int thread = -1;
    if (filter_text) {
        WEFT_ASSIGN(filter, Filter::parse(*filter_text, dp));
    }
    if (type_text) {
        WEFT_ASSIGN(types, Types::parse(*type_text));
    }
    if (pmd) {
        auto [end, error] = std::from_chars(pmd->data(), pmd->data() + pmd->size(), thread);
        if (error != std::errc() || end != pmd->data() + pmd->size())
            return dpctl_error(fmt::format("pmd={} is not a number", *pmd), kInvalidArgument);
    }
    std::string out;
    if (thread != -1) return out;  // the main thread is the only one
    bool heading = !pmd && dp.type() != "system";
    dp.dump_flows([&](const FlowDump& flow) {
        if (!types.want(flow) || !filter.want(flow)) return;
        if (std::exchange(heading, false)) out += "flow-dump from the main thread:\n";
        out += flow_line_text(flow, dp, options);
    });
    return out;
}

}  // namespace

void add_flow_commands(net::ControlServer& control, Switch& owner) {
    control.add("dpctl/dump-flows", "[-m] [--names] [dp] [filter=..] [type=..] [pmd=..]", 0, 8,
                [&owner](const Arguments& args) { return dump_command(owner, args); });
    control.add("dpctl/add-flow", "[dp] flow actions", 2, 4, [&owner](const Arguments& args) {
        return put_command(owner, args, {true, false});
    });
    control.add("dpctl/mod-flow", "[--clear] [--may-create] [-s] [dp] flow actions", 2, 6,
                [&owner](const Arguments& args) {
                    return put_command(owner, args, {false, true});
                });
    control.add("dpctl/get-flow", "[-m] [--names] [dp] ufid", 1, 5,
                [&owner](const Arguments& args) { return get_command(owner, args); });
    control.add("dpctl/del-flow", "[-s] [dp] flow", 1, 3,
                [&owner](const Arguments& args) { return delete_command(owner, args); });
    control.add("dpctl/add-flows", "[dp] file", 1, 3,
                [&owner](const Arguments& args) { return file_command(owner, args, FlowLine::Verb::kAdd); });
    control.add("dpctl/mod-flows", "[-s] [dp] file", 1, 3, [&owner](const Arguments& args) {
        return file_command(owner, args, FlowLine::Verb::kModify);
    });
    control.add("dpctl/del-flows", "[-s] [dp] [file]", 0, 3,
                [&owner](const Arguments& args) { return delete_all_command(owner, args); });
}

}  // namespace weft::vswitch
