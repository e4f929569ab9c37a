// ofproto/trace and ofproto/trace-packet-out (ovs-vswitchd(8)).

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>

#include "datapath/api/text.h"
#include "openflow/action_check.h"
#include "openflow/messages/flow.h"
#include "packet/checksum.h"
#include "packet/compose.h"
#include "packet/ethernet.h"
#include "packet/extract.h"
#include "packet/ipv4.h"
#include "packet/tcp.h"
#include "packet/udp.h"
#include "switch/control/commands.h"

namespace weft::vswitch {

namespace {

using Arguments = net::ControlServer::Arguments;

constexpr uint32_t kDefaultNext = packet::kCtTracked | packet::kCtNew;

constexpr size_t kMaxPayload = 65000;

struct Request {
    Backer* backer = nullptr;
    Bridge* bridge = nullptr;
    packet::Flow flow = packet::zero_flow();
    std::optional<packet::Packet> packet;
    bool generate = false, names = false;
    size_t payload = 64;  // bytes, of a generated packet
    Bytes content;        // of the payload; empty: zeros
    std::deque<uint32_t> ct_next;
    std::optional<openflow::ActionList> actions;
};

Result<uint32_t> parse_ct_state(const std::string& text) {
    static constexpr std::pair<std::string_view, uint32_t> kNames[] = {
        {"new", packet::kCtNew},   {"est", packet::kCtEstablished}, {"rel", packet::kCtRelated},
        {"rpl", packet::kCtReply}, {"inv", packet::kCtInvalid},     {"trk", packet::kCtTracked},
        {"snat", packet::kCtSnat}, {"dnat", packet::kCtDnat}};
    uint32_t state = 0;
    size_t at = 0;
    while (at <= text.size()) {
        size_t end = std::min(text.find_first_of(",| ", at), text.size());
        std::string_view word = std::string_view(text).substr(at, end - at);
        at = end + 1;
        if (word.empty()) continue;
        uint32_t bit = 0;
        for (const auto& [name, value] : kNames) {
            if (word == name) bit = value;
        }
        if (!bit)
            return Error{fmt::format(
                "ct_state does not know \"{}\"; it is a list of trk, new, est, rel, rpl, inv, snat, dnat",
                word)};
        state |= bit;
    }
    if (!(state & packet::kCtTracked)) state |= packet::kCtTracked;
    return state;
}

std::string ct_state_text(uint32_t state) {
    static constexpr std::pair<const char*, uint32_t> kOrder[] = {
        {"new", packet::kCtNew},   {"est", packet::kCtEstablished}, {"rel", packet::kCtRelated},
        {"rpl", packet::kCtReply}, {"inv", packet::kCtInvalid},     {"trk", packet::kCtTracked},
        {"snat", packet::kCtSnat}, {"dnat", packet::kCtDnat}};
    std::string out;
    for (const auto& [name, bit] : kOrder) {
        if (state & bit) out += (out.empty() ? "" : "|") + std::string(name);
    }
    return out;
}

Result<void> datapath_flow(Request& request, const std::string& text) {
    WEFT_ASSIGN(packet::Flow key, datapath::parse_key(text));
    OfPort* port = request.backer->port_of(key);
    if (!port) return Error{"Invalid datapath flow"};
    request.bridge = port->bridge;
    request.flow = to_openflow_key(key, *port->bridge->tunnel_table, port->number);
    return {};
}

Result<void> bridge_flow(Request& request, const std::string& text) {
    openflow::Names names = request.bridge->names();
    auto match = openflow::parse_match(text, &names);
    if (!match) return Error{fmt::format("Bad openflow flow syntax: {}: {}", text, match.message())};
    request.flow = match->value;
    if (match->tunnel_table && request.flow.tunnel.metadata_present) {
        // Options lie where the bridge has them.
        packet::Flow flow = request.flow;
        flow.tunnel.metadata = {};
        flow.tunnel.metadata_present = 0;
        for (unsigned i = 0; i < packet::kTunnelMetadataFields; ++i) {
            const openflow::Field& field = openflow::field(openflow::tun_metadata_field(i));
            if (!match->is_set(field)) continue;
            openflow::set_field(flow, field,
                                openflow::get_field(request.flow, field, match->tunnel_table.get()),
                                request.bridge->tunnel_table.get());
        }
        request.flow = flow;
    }
    return {};
}

Result<Bytes> bytes_argument(const std::string& hex) {
    Bytes bytes;
    int high = -1;
    for (char c : hex) {
        if (c == ' ' || c == '\n') continue;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return Error{"Trailing garbage in packet data"};
        if (high < 0)
            high = digit;
        else
            bytes.push_back(static_cast<uint8_t>(high << 4 | digit)), high = -1;
    }
    if (high >= 0) return Error{"Trailing garbage in packet data"};
    return bytes;
}

Result<packet::Packet> packet_argument(const std::string& hex) {
    WEFT_ASSIGN(Bytes bytes, bytes_argument(hex));
    if (bytes.empty()) return Error{"Trailing garbage in packet data"};
    return packet::Packet(bytes);
}

// Writes what is behind the transport header, as much as there is room for, and sums it anew.
void fill_payload(packet::Packet& packet, ByteView content) {
    packet::Flow flow = packet::zero_flow();
    packet::Layout layout = packet::extract(packet, flow);
    if (!layout.payload || layout.payload >= packet.size()) return;
    size_t size = std::min(content.size(), packet.size() - layout.payload);
    uint8_t* p = packet.data();
    std::copy_n(content.begin(), size, p + layout.payload);
    bool udp = flow.nw_proto == packet::protocol::kUdp, tcp = flow.nw_proto == packet::protocol::kTcp;
    if (!udp && !tcp) return;
    size_t field = layout.l4 + (udp ? packet::udp::kChecksum : packet::tcp::kChecksum);
    store_be16(p + field, 0);
    uint64_t sum = flow.dl_type == packet::ethernet::kIpv6
                       ? packet::pseudo_header_sum6(flow.ipv6_src, flow.ipv6_dst, flow.nw_proto,
                                                    static_cast<uint32_t>(packet.size() - layout.l4))
                       : packet::pseudo_header_sum(p + layout.l3, flow.nw_proto,
                                                   static_cast<uint32_t>(packet.size() - layout.l4));
    sum = packet::checksum_add(sum, packet.view().subspan(layout.l4));
    auto check = static_cast<uint16_t>(~packet::checksum_fold(sum));
    store_be16(p + field, check ? check : 0xffff);
}

Result<Request> parse(Switch& owner, const Arguments& args, bool packet_out) {
    Request request;
    Arguments words;
    bool consistent = false;
    for (size_t i = 0; i < args.size(); ++i) {
        if (args[i] == "-generate" || args[i] == "--generate") {
            request.generate = true;
        } else if (packet_out && (args[i] == "-consistent" || args[i] == "--consistent")) {
            consistent = true;
        } else if (args[i] == "--names") {
            request.names = true;
        } else if (args[i] == "--l7-len") {
            if (++i == args.size()) return Error{"Missing argument for option --l7-len"};
            unsigned long length = std::strtoul(args[i].c_str(), nullptr, 10);
            if (length > kMaxPayload) return Error{fmt::format("{}: too much L7 data", args[i])};
            request.payload = length;
            request.content.clear();
        } else if (args[i] == "--l7") {
            if (++i == args.size()) return Error{"Missing argument for option --l7"};
            WEFT_ASSIGN(request.content, bytes_argument(args[i]));
            if (request.content.size() > kMaxPayload)
                return Error{fmt::format("{}: too much L7 data", args[i])};
            request.payload = request.content.size();
        } else if (args[i] == "--ct-next") {
            if (++i == args.size()) return Error{"Missing argument for option --ct-next"};
            WEFT_ASSIGN(uint32_t state, parse_ct_state(args[i]));
            request.ct_next.push_back(state);
        } else if (args[i].starts_with("-")) {
            return Error{fmt::format("{}: unknown option", args[i])};
        } else {
            words.push_back(args[i]);
        }
    }
    if (packet_out) {
        if (words.size() < 2) return Error{"Syntax error"};
        openflow::ActionParseOptions options;
        options.instructions = false;
        auto actions = openflow::parse_actions(words.back(), options);
        if (!actions) return Error{fmt::format("Bad action syntax: {}", actions.message())};
        request.actions = *actions;
        words.pop_back();
    }
    if (words.size() == 3 || (words.size() == 2 && !owner.bridge(words[0]) &&
                              !owner.find_datapath(words[0]) && words[0].find('(') != std::string::npos)) {
        WEFT_ASSIGN(packet::Packet packet, packet_argument(words.back()));
        request.packet = std::move(packet);
        words.pop_back();
    }
    if (words.size() == 2) {
        request.bridge = owner.bridge(words[0]);
        if (request.bridge) {
            request.backer = owner.backer_of(words[0]);
            WEFT_TRY(bridge_flow(request, words[1]));
        } else if ((request.backer = owner.find_datapath(words[0]))) {
            WEFT_TRY(datapath_flow(request, words[1]));
        } else if (words[1].find('(') != std::string::npos) {
            return Error{"Cannot find the datapath"};
        } else {
            return Error{fmt::format("{}: unknown bridge", words[0])};
        }
    } else if (words.size() == 1) {
        request.backer = owner.find_datapath("");
        if (!request.backer) return Error{"Cannot find the datapath"};
        WEFT_TRY(datapath_flow(request, words[0]));
    } else {
        return Error{"Syntax error"};
    }
    if (request.packet) {
        packet::extract(*request.packet, request.flow);
    } else if (request.generate) {
        request.packet = packet::compose(request.flow, request.payload);
        fill_payload(*request.packet, request.content);
        packet::extract(*request.packet, request.flow);
    }
    if (consistent) {
        openflow::Match match;
        match.value = request.flow;
        std::memset(static_cast<void*>(&match.mask), 0xff, sizeof match.mask);
        openflow::ActionCheck check;
        check.match = &match;
        check.tables = kInternalTable;
        if (auto error = openflow::check_actions(*request.actions, check); error != openflow::OfError::kNone)
            return Error{fmt::format("Bad actions: {}", openflow::error_name(error))};
    }
    return request;
}

// One pass through the pipeline, from the start or from a recirculation.
void trace_pass(Request& request, const packet::Flow& flow, const FrozenState* frozen,
                std::deque<TraceRecirculation>& pending, std::vector<RecirculationRefs>& refs,
                std::string& out) {
    openflow::Names all_names = request.bridge->names();
    const openflow::Names* names = request.names ? &all_names : nullptr;
    const openflow::TunnelTableRef& tunnel_table = request.bridge->tunnel_table;
    out += "Flow: " + format_flow(flow, tunnel_table, names) + "\n";
    std::list<TraceNode> nodes;
    EffectCache effects;
    TranslateInput input;
    input.backer = request.backer;
    input.bridge = request.bridge;
    input.flow = flow;
    input.packet = request.packet ? &*request.packet : nullptr;
    input.frozen = frozen;
    input.effects = request.packet.has_value();  // given or generated
    if (request.actions && !frozen) input.actions = &*request.actions;
    input.trace = &nodes;
    input.trace_names = request.names;
    input.cache = &effects;
    TranslateOutput output = translate(input);
    request.backer->solicit(output);  // as the trace says
    out += format_trace(nodes);
    packet::Flow final_flow = output.final_flow;
    if (final_flow.actset_output == openflow::kPortUnset) final_flow.actset_output = 0;
    packet::Flow initial = flow;
    initial.actset_output = 0;
    bool unchanged = final_flow == initial;
    out += "\nFinal flow: " +
           (unchanged ? std::string("unchanged") : format_flow(final_flow, tunnel_table, names)) + "\n";
    openflow::Match megaflow;
    megaflow.value = flow;
    megaflow.mask = output.mask;
    megaflow.tunnel_table = tunnel_table;
    if (megaflow.mask.tunnel.flags)  // those that say something here
        megaflow.mask.tunnel.flags = packet::kTunnelDontFragment | packet::kTunnelCsum | packet::kTunnelKey;
    megaflow.zero_unmasked();
    out += "Megaflow: " + openflow::to_string(megaflow, names) + "\n";
    out += "Datapath actions: " +
           describe_actions(output.actions, request.names ? &request.backer->datapath() : nullptr) + "\n";
    if (output.slow != SlowPath::kNone) {
        out += "This flow is handled by the userspace slow path because it:\n";
        out += output.slow == SlowPath::kBfd    ? "  - Consists of BFD packets.\n"
               : output.slow == SlowPath::kCfm  ? "  - Consists of CFM packets.\n"
               : output.slow == SlowPath::kLldp ? "  - Consists of LLDP packets.\n"
               : output.slow == SlowPath::kStp  ? "  - Consists of STP packets.\n"
               : output.slow == SlowPath::kLacp ? "  - Consists of LACP packets.\n"
                                                : "  - Uses action(s) not supported by datapath.\n";
    }
    if (output.error != TranslateError::kNone) {
        out += fmt::format("Translation failed ({}), packet is dropped.\n", error_text(output.error));
    }
    for (TraceRecirculation& each : output.trace_recirculations) pending.push_back(std::move(each));
    refs.push_back(std::move(output.recirculations));
}

Result<std::string> trace(Switch& owner, const Arguments& args, bool packet_out) {
    WEFT_ASSIGN(Request request, parse(owner, args, packet_out));
    std::string out;
    std::deque<TraceRecirculation> pending;
    std::vector<RecirculationRefs> refs;
    trace_pass(request, request.flow, nullptr, pending, refs, out);
    constexpr size_t kMaxPasses = 64;
    for (size_t pass = 0; !pending.empty() && pass < kMaxPasses; ++pass) {
        TraceRecirculation next = std::move(pending.front());
        pending.pop_front();
        const FrozenState* state = request.backer->recirculations().find(next.id);
        Bridge* bridge = state ? request.backer->bridge(state->bridge) : nullptr;
        if (!bridge) continue;
        request.bridge = bridge;
        const std::string rule(79, '=');
        std::string why = fmt::format("recirc({:#x})", next.id);
        if (next.conntrack) {
            bool given = !request.ct_next.empty();
            next.flow.ct_state = given ? request.ct_next.front() : kDefaultNext;
            if (given) request.ct_next.pop_front();
            std::string text = given ? fmt::format("ct_state={}", ct_state_text(next.flow.ct_state))
                                     : "default ct_state=trk|new (use --ct-next to customize)";
            why += fmt::format(" - resume conntrack with {}", text);
            if (!next.translated.empty()) why += "\n" + next.translated;
        }
        out += fmt::format("\n{}\n{}\n{}\n\n", rule, why, rule);
        next.flow.recirc_id = next.id;
        FrozenState copy = *state;
        trace_pass(request, next.flow, &copy, pending, refs, out);
    }
    return out;
}

}  // namespace

void add_trace_commands(net::ControlServer& control, Switch& owner) {
    control.add("ofproto/trace", "{[dp_name] odp_flow | bridge br_flow} [OPTIONS...] [-generate|packet]", 1,
                -1, [&owner](const Arguments& args) { return trace(owner, args, false); });
    control.add("ofproto/trace-packet-out",
                "[-consistent] {[dp_name] odp_flow | bridge br_flow} [OPTIONS...] [-generate|packet] actions",
                2, -1, [&owner](const Arguments& args) { return trace(owner, args, true); });
}

}  // namespace weft::vswitch
