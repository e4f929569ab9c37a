// The commands about a switch as a whole, and those that need none.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cli/ofctl/flow_formats.h"
#include "cli/ofctl/ofctl.h"
#include "openflow/ct_tuple_text.h"
#include "openflow/text.h"

namespace weft::cli::ofctl {
namespace {

using namespace openflow;  // NOLINT: the commands speak OpenFlow throughout

Result<void> print_request(SwitchConnection& connection, const Options& options, Body request) {
    WEFT_ASSIGN(auto replies, connection.request(std::move(request)));
    for (const Message& message : replies)
        write_out(openflow::to_string(message, nullptr, options.verbosity));
    return {};
}
Result<void> dump(const Options& options, const std::string& target, Body request) {
    WEFT_ASSIGN(Switch connection, open_switch(options, target));
    return print_request(*connection, options, std::move(request));
}

Result<void> show(const Options& options, const Words& words) {
    WEFT_ASSIGN(Switch connection, open_switch(options, words[0]));
    WEFT_TRY(print_request(*connection, options, FeaturesRequest{}));
    if (connection->version() >= Version::k13) {
        WEFT_TRY(print_request(*connection, options, PortDescRequest{}));
    } else {
        connection->next_xid();
    }
    return print_request(*connection, options, GetConfigRequest{});
}

Result<void> dump_desc(const Options& o, const Words& w) {
    return dump(o, w[0], DescRequest{});
}
Result<void> dump_tables(const Options& o, const Words& w) {
    return dump(o, w[0], TableStatsRequest{});
}
Result<void> dump_table_features(const Options& o, const Words& w) {
    WEFT_ASSIGN(Switch connection, open_switch(o, w[0]));
    if (connection->version() < Version::k13)
        return Error{"dump-table-features needs OpenFlow 1.3 or later ('-O OpenFlow13')"};
    WEFT_ASSIGN(auto replies, connection->request(TableFeaturesRequest{}));
    std::vector<TableFeatures> tables;
    for (const Message& message : replies) {
        if (auto* reply = message.get_if<TableFeaturesReply>())
            tables.insert(tables.end(), reply->tables.begin(), reply->tables.end());
    }
    std::string text;
    print_table_features(tables, connection->version(), text);
    write_out(text);
    return {};
}

// The number of a port of the switch `target`.
Result<uint32_t> port_of(SwitchConnection& connection, const std::string& target, const std::string& text) {
    WEFT_ASSIGN(Names names, names_of(connection));
    auto port = parse_port(text, &names);
    if (!port) return Error{fmt::format("{}: couldn't find port `{}'", target, text)};
    return *port;
}

Result<void> dump_ports(const Options& o, const Words& w) {
    WEFT_ASSIGN(Switch connection, open_switch(o, w[0]));
    PortStatsRequest request;
    if (w.size() > 1) {
        WEFT_ASSIGN(request.port, port_of(*connection, w[0], w[1]));
    }
    if (!prints_names(o)) return print_request(*connection, o, request);
    WEFT_ASSIGN(Names names, names_of(*connection));
    WEFT_ASSIGN(auto replies, connection->request(request));
    for (const Message& message : replies) write_out(openflow::to_string(message, &names, o.verbosity));
    return {};
}
Result<void> dump_ports_desc(const Options& o, const Words& w) {
    WEFT_ASSIGN(Switch connection, open_switch(o, w[0]));
    PortDescRequest request;
    // Before OpenFlow 1.5 a switch tells of all ports, whatever is asked.
    if (w.size() > 1) {
        WEFT_ASSIGN(request.port, port_of(*connection, w[0], w[1]));
    }
    return print_request(*connection, o, request);
}
// A queue's number, or "ALL" or "ANY".
Result<uint32_t> queue_of(const std::string& text) {
    if (text == "ALL" || text == "ANY") return kQueueAll;
    auto queue = text::parse_u64_max(text, 0xffffffff);
    if (!queue) return Error{fmt::format("invalid queue \"{}\"", text)};
    return static_cast<uint32_t>(*queue);
}
Result<void> queue_stats(const Options& o, const Words& w) {
    WEFT_ASSIGN(Switch connection, open_switch(o, w[0]));
    QueueStatsRequest request;
    if (w.size() > 1 && w[1] != "ALL") {
        WEFT_ASSIGN(request.port, port_of(*connection, w[0], w[1]));
    }
    if (w.size() > 2) {
        WEFT_ASSIGN(request.queue, queue_of(w[2]));
    }
    return print_request(*connection, o, request);
}

// Before OpenFlow 1.4 of all queues of a port; in 1.0 of one port at a time.
Result<void> queue_get_config(const Options& o, const Words& w) {
    WEFT_ASSIGN(Switch connection, open_switch(o, w[0]));
    QueueConfigRequest request;
    if (w.size() > 1 && w[1] != "ALL" && w[1] != "ANY") {
        WEFT_ASSIGN(request.port, port_of(*connection, w[0], w[1]));
    }
    if (w.size() > 2) {
        WEFT_ASSIGN(request.queue, queue_of(w[2]));
    }
    if (request.port != kPortNone || connection->version() != Version::k10)
        return print_request(*connection, o, request);
    WEFT_ASSIGN(auto replies, connection->request(FeaturesRequest{}));
    for (const Message& message : replies) {
        auto* features = message.get_if<FeaturesReply>();
        for (size_t i = 0; features && i < features->ports.size(); i++) {
            request.port = features->ports[i].number;
            if (request.port < kPortMax) WEFT_TRY(print_request(*connection, o, request));
        }
    }
    return {};
}

Result<void> mod_port(const Options& o, const Words& w) {
    WEFT_ASSIGN(Switch connection, open_switch(o, w[0]));
    WEFT_ASSIGN(uint32_t number, port_of(*connection, w[0], w[1]));
    struct Setting {
        const char* name;
        uint32_t bit;
        bool set;
    };
    static constexpr Setting kSettings[] = {
        {"up", kPortDown, false},
        {"down", kPortDown, true},
        {"stp", kPortNoStp, false},
        {"no-stp", kPortNoStp, true},
        {"receive", kPortNoRecv, false},
        {"no-receive", kPortNoRecv, true},
        {"receive-stp", kPortNoRecvStp, false},
        {"no-receive-stp", kPortNoRecvStp, true},
        {"flood", kPortNoFlood, false},
        {"no-flood", kPortNoFlood, true},
        {"forward", kPortNoFwd, false},
        {"no-forward", kPortNoFwd, true},
        {"packet-in", kPortNoPacketIn, false},
        {"no-packet-in", kPortNoPacketIn, true},
    };
    for (const Setting& setting : kSettings) {
        if (w[2] != setting.name) continue;
        WEFT_ASSIGN(auto replies, connection->request(PortDescRequest{}));
        PortMod mod;
        mod.number = number;
        for (const Message& message : replies) {
            auto* reply = message.get_if<PortDescReply>();
            for (size_t i = 0; reply && i < reply->ports.size(); i++) {
                if (reply->ports[i].number == number) mod.address = reply->ports[i].address;
            }
        }
        mod.config = setting.set ? setting.bit : 0;
        mod.mask = setting.bit;
        return connection->transact({encode(connection->version(), connection->next_xid(), mod)});
    }
    return Error{fmt::format("unknown mod-port command '{}'", w[2])};
}

constexpr const char* kFragNames[] = {"normal", "drop", "reassemble", "nx-match"};

Result<void> get_frags(const Options& o, const Words& w) {
    WEFT_ASSIGN(Switch connection, open_switch(o, w[0]));
    WEFT_ASSIGN(SwitchConfig config, config_of(*connection));
    write_out(fmt::format("{}\n", kFragNames[config.flags & 3]));
    return {};
}
Result<void> set_frags(const Options& o, const Words& w) {
    for (uint16_t mode = 0; mode < 4; mode++) {
        if (w[1] != kFragNames[mode]) continue;
        WEFT_ASSIGN(Switch connection, open_switch(o, w[0]));
        WEFT_ASSIGN(SwitchConfig config, config_of(*connection));
        SetConfig set;
        set.flags = static_cast<uint16_t>((config.flags & ~3) | mode);
        set.miss_send_len = config.miss_send_len;
        WEFT_TRY(connection->transact({encode(connection->version(), connection->next_xid(), set)}));
        WEFT_ASSIGN(config, config_of(*connection));
        if ((config.flags & 3) != mode) {
            return Error{
                fmt::format("{}: setting fragment handling mode failed (this switch probably doesn't support "
                            "mode \"{}\")",
                            w[0], w[1])};
        }
        return {};
    }
    return Error{fmt::format("{}: unknown fragment handling mode", w[1])};
}

class Timer {
  public:
    // Never 0, as it is divided by.
    double seconds() const {
        return std::max(std::chrono::duration<double>(Clock::now() - start_).count(), 1e-9);
    }

  private:
    using Clock = std::chrono::steady_clock;
    Clock::time_point start_ = Clock::now();
};

Result<void> probe(const Options& o, const Words& w) {
    WEFT_ASSIGN(Switch connection, open_switch(o, w[0]));
    WEFT_TRY(connection->request(EchoRequest{}));
    return {};
}
Result<void> ping(const Options& o, const Words& w) {
    size_t size = w.size() > 1 ? text::parse_u64_max(w[1], 65527).value_or(64) : 64;
    WEFT_ASSIGN(Switch connection, open_switch(o, w[0]));
    for (int i = 0; i < 10; i++) {
        Timer timer;
        WEFT_ASSIGN(auto replies, connection->request(EchoRequest{Bytes(size)}));
        write_out(fmt::format("{} bytes from {}: xid={:08x} time={:.1f} ms\n", size, w[0], replies[0].xid,
                              timer.seconds() * 1000));
    }
    return {};
}

Result<void> benchmark(const Options& o, const Words& w) {
    auto size = text::parse_u64_max(w[1], 65535 - kHeaderBytes), count = text::parse_u64_max(w[2], ~0u);
    if (!size) return Error{fmt::format("{}: the payload of a message is 0 to 65527 bytes", w[1])};
    if (!count || !*count) return Error{fmt::format("{}: not a number of messages", w[2])};
    WEFT_ASSIGN(Switch connection, open_switch(o, w[0]));
    double bytes = static_cast<double>((*size + kHeaderBytes) * *count);
    write_out(fmt::format("Sending {} packets * {} bytes (with header) = {:.0f} bytes total\n", *count,
                          *size + kHeaderBytes, bytes));
    Timer timer;
    for (uint64_t i = 0; i < *count; i++) WEFT_TRY(connection->request(EchoRequest{Bytes(*size)}));
    double seconds = timer.seconds();
    write_out(fmt::format("Finished in {:.1f} ms ({:.0f} packets/s) ({:.0f} bytes/s)\n", seconds * 1000,
                          static_cast<double>(*count) / seconds, bytes / seconds));
    return {};
}

Result<void> dump_ipfix_bridge(const Options& o, const Words& w) {
    return dump(o, w[0], IpfixStatsRequest{false});
}
Result<void> dump_ipfix_flow(const Options& o, const Words& w) {
    return dump(o, w[0], IpfixStatsRequest{true});
}

// "{class=0x102,type=0x80,len=4}->tun_metadata0", several separated by commas.
Result<std::vector<TlvMapping>> parse_tlv_map(std::string_view text) {
    std::vector<TlvMapping> out;
    while (!(text = text::trim(text)).empty()) {
        if (text[0] == ',') {
            text.remove_prefix(1);
            continue;
        }
        size_t close = text.find("}->");
        if (text[0] != '{' || close == text.npos) return Error{fmt::format("{}: invalid TLV mapping", text)};
        TlvMapping m;
        std::string_view inside = text.substr(1, close - 1);
        text::Term term;
        while (text::next_term(inside, term)) {
            auto value = text::parse_u64_max(term.value, 0xffff);
            if (!value) return Error{fmt::format("{}: invalid number", term.value)};
            if (term.key == "class") {
                m.option_class = static_cast<uint16_t>(*value);
            } else if (term.key == "type") {
                m.option_type = static_cast<uint8_t>(*value);
            } else if (term.key == "len") {
                m.option_len = static_cast<uint8_t>(*value);
            } else {
                return Error{fmt::format("{}: unknown key", term.key)};
            }
        }
        text.remove_prefix(close + 3);
        std::string_view name = text.substr(0, text.find_first_of(", "));
        const Field* f = field_by_name(name);
        if (!f || !f->is_tun_metadata()) return Error{fmt::format("{}: not a tunnel metadata field", name)};
        m.index = static_cast<uint16_t>(f->tun_metadata_index());
        out.push_back(m);
        text.remove_prefix(name.size());
    }
    return out;
}
Result<void> change_tlv_map(const Options& o, const Words& w, TlvTableMod mod) {
    WEFT_ASSIGN(Switch connection, open_switch(o, w[0]));
    return connection->transact({encode(connection->version(), connection->next_xid(), std::move(mod))});
}
Result<void> add_tlv_map(const Options& o, const Words& w) {
    TlvTableMod mod;
    WEFT_ASSIGN(mod.mappings, parse_tlv_map(w[1]));
    return change_tlv_map(o, w, std::move(mod));
}
Result<void> del_tlv_map(const Options& o, const Words& w) {
    TlvTableMod mod;
    mod.command = w.size() > 1 ? TlvTableMod::Command::kDelete : TlvTableMod::Command::kClear;
    if (w.size() > 1) {
        WEFT_ASSIGN(mod.mappings, parse_tlv_map(w[1]));
    }
    return change_tlv_map(o, w, std::move(mod));
}
Result<void> dump_tlv_map(const Options& o, const Words& w) {
    return dump(o, w[0], TlvTableRequest{});
}

Result<void> ct_flush_zone(const Options& o, const Words& w) {
    auto zone = text::parse_u64_max(w[1], 0xffff);
    if (!zone) return Error{fmt::format("invalid zone_id \"{}\"", w[1])};
    WEFT_ASSIGN(Switch connection, open_switch(o, w[0]));
    return connection->transact(
        {encode(connection->version(), connection->next_xid(), CtFlushZone{static_cast<uint16_t>(*zone)})});
}

Result<void> ct_flush(const Options& o, const Words& w) {
    CtFlush flush;
    size_t next = 1;
    if (w.size() > next && w[next].starts_with("zone=")) {
        auto zone = text::parse_u64_max(std::string_view(w[next]).substr(5), 0xffff);
        if (!zone) return Error{"Failed to parse zone"};
        flush.zone = static_cast<uint16_t>(*zone);
        next++;
    }
    for (; next < w.size(); next++) {
        WEFT_ASSIGN(bool taken, parse_ct_marks(w[next], flush));
        if (!taken) break;
    }
    for (size_t i = next; i < w.size(); i++) {
        if (auto parsed = parse_ct_tuple(w[i], i > next, flush); !parsed)
            return Error{fmt::format("Failed to parse ct-tuple: {}", parsed.message())};
    }
    if (w.size() > next + 2) return Error{"Invalid arguments"};
    WEFT_ASSIGN(Switch connection, open_switch(o, w[0]));
    return connection->transact({encode(connection->version(), connection->next_xid(), std::move(flush))});
}

// Commands that need no switch.

// The formats that can say all flows, the simplest that is allowed, and each flow as a message of it.
Result<void> print_mods(const std::vector<FlowMod>& mods, const Options& o) {
    uint32_t allowed = o.formats ? o.formats : uint32_t{kAnyFormat};
    uint32_t enabled = o.versions ? o.versions : version_bit(Version::k10);
    WEFT_TRY(versions_with(allowed, enabled));
    allowed &= formats_of(enabled);
    uint32_t usable = kAnyFormat;
    for (const FlowMod& mod : mods) usable &= usable_formats(mod);
    write_out(fmt::format("usable protocols: {}\n", usable ? flow_formats_text(usable) : "none"));
    allowed &= usable;
    if (!allowed) return Error{"no usable protocol"};
    uint32_t simplest = allowed & (~allowed + 1);
    write_out(fmt::format("chosen protocol: {}\n", flow_formats_text(simplest)));
    FlowFormat format = flow_format_of(simplest);
    uint32_t xid = 0;
    for (const FlowMod& mod : mods)
        write_out(print(encode_flow_mod(mod, format, ++xid), nullptr, o.verbosity));
    return {};
}
Result<void> parse_flow_command(const Options& o, const Words& w) {
    WEFT_ASSIGN(FlowMod mod, parse_flow_mod(w[0], FlowMod::Command::kAdd));
    return print_mods({std::move(mod)}, o);
}
Result<void> parse_flows(const Options& o, const Words& w) {
    std::vector<FlowMod> mods;
    WEFT_TRY(for_each_line(w[0], [&](std::string_view line) -> Result<void> {
        auto mod = parse_flow_mod(line, FlowMod::Command::kAdd);
        if (!mod.ok()) return mod.error();
        mods.push_back(*std::move(mod));
        return {};
    }));
    return print_mods(mods, o);
}
Result<void> parse_group(const Options& o, const Words& w) {
    WEFT_ASSIGN(GroupMod mod, parse_group_mod(w[0], GroupMod::Command::kAdd));
    Version version = o.versions ? static_cast<Version>(__builtin_ctz(o.versions)) : Version::k10;
    write_out(fmt::format("usable protocols: any\nchosen version: {}\n", version_name(version)));
    write_out(print(encode(version, 1, std::move(mod))));
    return {};
}
Result<void> ofp_print(const Options& o, const Words& w) {
    Bytes bytes;
    std::string_view hex = w[0];
    int high = -1;
    for (char c : hex) {
        int digit = text::hex_digit(c);
        if (digit < 0) {
            if (c == ' ' || c == '\n') continue;
            return Error{"trailing garbage following hex bytes"};
        }
        if (high < 0) {
            high = digit;
        } else {
            bytes.push_back(static_cast<uint8_t>(high << 4 | digit));
            high = -1;
        }
    }
    if (high >= 0) return Error{"trailing garbage following hex bytes"};
    int verbosity = w.size() > 1 ? std::atoi(w[1].c_str()) : o.verbosity;
    write_out(print(bytes, nullptr, verbosity));
    return {};
}
Result<void> ofp_parse(const Options& o, const Words& w) {
    FILE* in = w[0] == "-" ? stdin : std::fopen(w[0].c_str(), "rb");
    if (!in) return Error{fmt::format("{}: open failed", w[0])};
    uint8_t head[kHeaderBytes];
    while (std::fread(head, 1, sizeof head, in) == sizeof head) {
        Bytes bytes(head, head + sizeof head);
        size_t length = load_be16(head + 2);
        if (length > bytes.size()) {
            bytes.resize(length);
            bytes.resize(kHeaderBytes +
                         std::fread(bytes.data() + kHeaderBytes, 1, length - kHeaderBytes, in));
        }
        write_out(print(bytes, nullptr, o.verbosity));
    }
    if (in != stdin) std::fclose(in);
    return {};
}
Result<void> print_error(const Options&, const Words& w) {
    auto error = error_from_name(w[0]);
    if (!error) return Error{fmt::format("unknown error \"{}\"", w[0])};
    for (Version version : kAllVersions) {
        ErrorCode code = error_code(*error, version);
        write_out(fmt::format("OpenFlow 1.{}: vendor {:#x}, type {}, code {}\n",
                              static_cast<int>(version) - 1, code.vendor, code.type, code.code));
    }
    return {};
}

}  // namespace

const std::vector<Command>& switch_commands() {
    static const std::vector<Command> kCommands = {
        {"show", "switch", 1, 1, show},
        {"dump-desc", "switch", 1, 1, dump_desc},
        {"dump-tables", "switch", 1, 1, dump_tables},
        {"dump-table-features", "switch", 1, 1, dump_table_features},
        {"queue-stats", "switch [port [queue]]", 1, 3, queue_stats},
        {"dump-ports", "switch [port]", 1, 2, dump_ports},
        {"queue-get-config", "switch [port [queue]]", 1, 3, queue_get_config},
        {"dump-ports-desc", "switch [port]", 1, 2, dump_ports_desc},
        {"mod-port", "switch iface act", 3, 3, mod_port, true},
        {"get-frags", "switch", 1, 1, get_frags},
        {"set-frags", "switch frag_mode", 2, 2, set_frags, true},
        {"probe", "target", 1, 1, probe},
        {"ping", "target [n]", 1, 2, ping},
        {"benchmark", "target n count", 3, 3, benchmark},
        {"dump-ipfix-bridge", "switch", 1, 1, dump_ipfix_bridge},
        {"dump-ipfix-flow", "switch", 1, 1, dump_ipfix_flow},
        {"ct-flush-zone", "switch zone", 2, 2, ct_flush_zone, true},
        {"ct-flush", "switch [zone=N] [mark=X[/M]] [labels=L[/M]] [ct-orig-tuple [ct-reply-tuple]]", 1, 6,
         ct_flush, true},
        {"add-tlv-map", "switch map", 2, 2, add_tlv_map, true},
        {"del-tlv-map", "switch [map]", 1, 2, del_tlv_map, true},
        {"dump-tlv-map", "switch", 1, 1, dump_tlv_map},
    };
    return kCommands;
}

const std::vector<Command>& test_commands() {
    static const std::vector<Command> kCommands = {
        {"parse-flow", "", 1, 1, parse_flow_command}, {"parse-flows", "", 1, 1, parse_flows},
        {"parse-group", "", 1, 1, parse_group},       {"ofp-print", "", 1, 2, ofp_print},
        {"ofp-parse", "file", 1, 1, ofp_parse},       {"print-error", "", 1, 1, print_error},
    };
    return kCommands;
}

}  // namespace weft::cli::ofctl
