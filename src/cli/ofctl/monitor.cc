// monitor and snoop: print what a switch sends, on standard error or in a file; as a daemon, with control
// commands (ovs-ofctl(8), "Runtime Management Commands").

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <list>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "cli/ofctl/ofctl.h"
#include "net/control_server.h"
#include "openflow/text.h"

namespace weft::cli::ofctl {
namespace {

using namespace openflow;  // NOLINT: the commands speak OpenFlow throughout

Result<Bytes> parse_hex(std::string_view text) {
    Bytes out;
    for (size_t i = 0; i < text.size(); i += 2) {
        int high = text::hex_digit(text[i]);
        int low = i + 1 < text.size() ? text::hex_digit(text[i + 1]) : -1;
        if (high < 0 || low < 0) return Error{"Trailing garbage in hex data"};
        out.push_back(static_cast<uint8_t>(high << 4 | low));
    }
    if (out.size() < kHeaderBytes) return Error{"Message too short for OpenFlow"};
    size_t length = load_be16(out.data() + 2);
    if (length != out.size()) {
        return Error{fmt::format("Message length in OpenFlow header ({}) does not match the {} bytes given",
                                 length, out.size())};
    }
    return out;
}

// "2026-01-31 12:00:00.123: ", local time.
std::string timestamp() {
    int64_t now = clock::wall_ms();
    std::time_t seconds = now / 1000;
    std::tm local{};
    localtime_r(&seconds, &local);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
    return fmt::format("{}.{:03}: ", text, now % 1000);
}

class Monitor {
  public:
    Monitor(SwitchConnection& connection, const Options& options)
        : connection_(connection), options_(options), out_(fdopen(dup(STDERR_FILENO), "w")) {}
    ~Monitor() { std::fclose(out_); }
    Monitor(const Monitor&) = delete;
    Monitor& operator=(const Monitor&) = delete;

    Result<void> run() {
        net::Loop& loop = connection_.loop();
        net::DaemonOptions& daemon = *options_.daemon;
        std::unique_ptr<net::ControlServer> control;
        WEFT_ASSIGN(control, net::ControlServer::create(loop, daemon.unixctl(), daemon.program()));
        add_commands(*control);
        auto terminate = loop.on_signal(SIGTERM, [&] { loop.stop(); });
        auto turn = loop.each_turn([&] { take_in(); });
        daemon.ready();
        loop.wake();
        loop.run();
        return {};
    }

  private:
    struct Barrier {
        uint32_t xid;
        std::shared_ptr<net::ControlReply> reply;
    };

    void add_commands(net::ControlServer& control) {
        using Line = std::vector<std::string>;
        control.add("exit", "", 0, 0, [this](const Line&) {
            connection_.loop().stop();
            return Result<std::string>("");
        });
        control.add("ofctl/send", "OFMSG...", 1, -1, [this](const Line& words) { return send(words); });
        control.add("ofctl/packet-out", "\"in_port=<port> packet=<hex data> actions=...\"", 1, 1,
                    [this](const Line& words) { return packet_out(words[0]); });
        control.add_deferred("ofctl/barrier", "", 0, 0,
                             [this](const Line&, std::shared_ptr<net::ControlReply> reply) {
                                 uint32_t xid = connection_.next_xid();
                                 barriers_.push_back({xid, std::move(reply)});
                                 (void)connection_.send(encode(connection_.version(), xid, BarrierRequest{}));
                             });
        control.add("ofctl/set-output-file", "FILE", 1, 1,
                    [this](const Line& words) { return set_output(words[0]); });
        control.add("ofctl/block", "", 0, 0, [this](const Line&) {
            if (blocked_) return Result<std::string>(Error{"already blocking"});
            blocked_ = true;
            return Result<std::string>("");
        });
        control.add("ofctl/unblock", "", 0, 0, [this](const Line&) {
            if (!blocked_) return Result<std::string>(Error{"already unblocked"});
            blocked_ = false;
            connection_.loop().wake();
            return Result<std::string>("");
        });
    }

    Result<std::string> send(const std::vector<std::string>& words) {
        std::vector<Bytes> messages;
        for (const std::string& word : words) {
            Result<Bytes> bytes = parse_hex(word);
            if (!bytes) return bytes.error();
            messages.push_back(*std::move(bytes));
        }
        for (const Bytes& bytes : messages) {
            write("send: " + print(bytes, nullptr, options_.verbosity));
            WEFT_TRY(connection_.send(bytes));
        }
        return std::string("sent\n");
    }

    Result<std::string> packet_out(const std::string& text) {
        WEFT_ASSIGN(PacketOut message, parse_packet_out(text));
        Bytes bytes = encode(connection_.version(), connection_.next_xid(), std::move(message));
        write(print(bytes, nullptr, options_.verbosity));
        WEFT_TRY(connection_.send(bytes));
        return std::string();
    }

    Result<std::string> set_output(const std::string& file) {
        FILE* out = std::fopen(file.c_str(), "w");
        if (!out) return Error{fmt::format("{}: {}", file, std::strerror(errno))};
        std::fclose(out_);
        out_ = out;
        return std::string();
    }

    void take_in() {
        if (blocked_) return;
        bool open = connection_.poll().ok();
        while (std::optional<Bytes> bytes = connection_.next()) {
            write(print(*bytes, nullptr, options_.verbosity));
            Header header;
            peek_header(*bytes, header);
            Message message;
            if (decode(*bytes, {}, message) != OfError::kNone || !message.get_if<BarrierReply>()) continue;
            barriers_.remove_if([&](const Barrier& barrier) {
                if (barrier.xid != header.xid) return false;
                barrier.reply->success("");
                return true;
            });
        }
        if (!open) connection_.loop().stop();
    }

    void write(const std::string& text) {
        if (options_.timestamp) std::fputs(timestamp().c_str(), out_);
        std::fwrite(text.data(), 1, text.size(), out_);
        std::fflush(out_);
    }

    SwitchConnection& connection_;
    const Options& options_;
    FILE* out_;  // standard error as it was, which detaching closes
    bool blocked_ = false;
    std::list<Barrier> barriers_;
};

constexpr uint16_t kInvalidTtl = 4;  // OFPC_INVALID_TTL_TO_CONTROLLER

// What the words after the switch ask for.
struct Wanted {
    std::optional<uint16_t> miss_send_len;
    bool invalid_ttl = false;
    std::vector<std::string> watches;  // after "watch:"
};

Result<Wanted> parse_wanted(const Words& words) {
    Wanted out;
    for (size_t i = 1; i < words.size(); i++) {
        const std::string& word = words[i];
        if (auto length = text::parse_u64_max(word, 0xffff)) {
            out.miss_send_len = static_cast<uint16_t>(*length);
        } else if (word == "invalid_ttl") {
            out.invalid_ttl = true;
        } else if (word.starts_with("watch:")) {
            out.watches.push_back(word.substr(6));
        } else {
            return Error{fmt::format("{}: unsupported \"monitor\" argument", word)};
        }
    }
    return out;
}

// "!initial,!own,table=1,ip": what not to report, and which flows.
Result<FlowMonitor> parse_watch(std::string_view text, Version version, const Names* names) {
    static constexpr std::pair<std::string_view, uint16_t> kFlags[] = {
        {"!initial", kMonitorInitial}, {"!add", kMonitorAdd},         {"!delete", kMonitorDelete},
        {"!modify", kMonitorModify},   {"!actions", kMonitorActions}, {"!own", kMonitorOwn}};
    FlowMonitor out;
    out.flags =
        kMonitorInitial | kMonitorAdd | kMonitorDelete | kMonitorModify | kMonitorActions | kMonitorOwn;
    std::string flows;
    while (!text.empty()) {
        std::string_view term = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), term.size() + 1));
        bool flag = false;
        for (const auto& [name, bit] : kFlags) {
            if (term != name) continue;
            out.flags &= static_cast<uint16_t>(~bit);
            flag = true;
        }
        if (flag) continue;
        if (term.starts_with("cookie") || term.starts_with("!"))
            return Error{fmt::format("{}: unknown keyword {}", term, term.substr(0, term.find('=')))};
        if (!flows.empty()) flows += ',';
        flows += term;
    }
    constexpr uint16_t kAnything = kMonitorInitial | kMonitorAdd | kMonitorDelete | kMonitorModify;
    if (!(out.flags & kAnything)) return Error{"with !initial, !add, !delete and !modify nothing is left"};
    WEFT_ASSIGN(FlowStatsRequest which, parse_flow_stats_request(flows, false, names));
    if (which.out_group != kGroupAny && version < Version::k14)
        return Error{"out_group needs OpenFlow 1.4 or later ('-O OpenFlow14')"};
    out.match = std::move(which.match);
    out.table = which.table;
    out.out_port = which.out_port;
    out.out_group = which.out_group;
    return out;
}

// Packet-ins as NXT_PACKET_IN2 if the switch has them; with -P as told.
Result<void> set_packet_in_format(SwitchConnection& connection, const Options& options) {
    using Format = PacketInFormat;
    static constexpr Format kPreferred[] = {Format::kNxm2, Format::kNxm};
    auto set = [&](Format format) {
        return connection.transact(
            {encode(connection.version(), connection.next_xid(), SetPacketInFormat{format})});
    };
    if (options.packet_in) return set(*options.packet_in);
    for (Format format : kPreferred) {
        if (set(format).ok()) break;
        if (connection.version() != Version::k10) break;
    }
    return {};
}

Result<void> configure(SwitchConnection& connection, const Wanted& wanted) {
    if (!wanted.miss_send_len && !wanted.invalid_ttl) return {};
    WEFT_ASSIGN(SwitchConfig config, config_of(connection));
    SetConfig set;
    set.flags = static_cast<uint16_t>(config.flags | (wanted.invalid_ttl ? kInvalidTtl : 0));
    set.miss_send_len = wanted.miss_send_len.value_or(config.miss_send_len);
    WEFT_TRY(connection.transact({encode(connection.version(), connection.next_xid(), set)}));
    WEFT_ASSIGN(config, config_of(connection));
    if (wanted.invalid_ttl && !(config.flags & kInvalidTtl))
        return Error{"setting invalid_ttl_to_controller failed (this switch probably doesn't support it)"};
    return {};
}

Result<void> monitor(const Options& o, const Words& w) {
    WEFT_ASSIGN(Wanted wanted, parse_wanted(w));
    Options options = o;
    if (wanted.invalid_ttl) {
        uint32_t usable = version_bit(Version::k10) | version_bit(Version::k11) | version_bit(Version::k12);
        options.versions = (o.versions ? o.versions : o.allowed()) & usable;
        if (!options.versions) {
            return Error{
                "invalid_ttl requires one of the OpenFlow versions OpenFlow10, OpenFlow11, OpenFlow12 but "
                "none "
                "is enabled (use -O)"};
        }
    }
    WEFT_TRY(o.daemon->start());
    WEFT_ASSIGN(Switch connection, open_switch(options, w[0]));
    FlowMonitorRequest request;
    if (!wanted.watches.empty()) {
        WEFT_ASSIGN(Names names, names_of(*connection));
        for (const std::string& watch : wanted.watches) {
            WEFT_ASSIGN(FlowMonitor one, parse_watch(watch, connection->version(), &names));
            one.id = static_cast<uint32_t>(request.monitors.size());
            request.monitors.push_back(std::move(one));
        }
    }
    WEFT_TRY(set_packet_in_format(*connection, o));
    WEFT_TRY(configure(*connection, wanted));
    if (!request.monitors.empty()) {
        Bytes bytes = encode(connection->version(), connection->next_xid(), std::move(request));
        if (bytes.empty())
            return Error{fmt::format("{} has no flow monitors", version_name(connection->version()))};
        WEFT_TRY(connection->send(bytes));
    }
    return Monitor(*connection, o).run();
}

Result<void> snoop(const Options& o, const Words& w) {
    WEFT_TRY(o.daemon->start());
    WEFT_ASSIGN(Switch connection, SwitchConnection::open(w[0], o.allowed(), "snoop"));
    return Monitor(*connection, o).run();
}

}  // namespace

const std::vector<Command>& monitor_commands() {
    static const std::vector<Command> kCommands = {
        {"monitor", "switch [misslen] [invalid_ttl] [watch:[...]]", 1, 64, monitor},
        {"snoop", "switch", 1, 1, snoop},
    };
    return kCommands;
}

}  // namespace weft::cli::ofctl
