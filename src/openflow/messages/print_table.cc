// Tables' and queues' configuration and flow monitors, as `ovs-ofctl` prints them.

#include <algorithm>
#include <tuple>

#include "openflow/flag_text.h"
#include "openflow/messages/print.h"
#include "openflow/names.h"
#include "openflow/text.h"

namespace weft::openflow::messages {

void print_table_descs(const TableDescReply& reply, std::string& out) {
    static constexpr FlagName kEvictionFlags[] = {{1, "OTHER"}, {2, "IMPORTANCE"}, {4, "LIFETIME"}};
    for (const TableDesc& table : reply.tables) {
        text::append(out, "\n  table {}:\n   eviction={} eviction_flags=", table.table,
                     table.config & kTableEviction ? "on" : "off");
        if (table.eviction_flags == TableDesc::kNoFlags) {
            out += "(default)";
        } else {
            format_flags(kEvictionFlags, table.eviction_flags, "|", "0", out);
        }
        out += "\n   vacancy=";
        if (table.config & kTableVacancy) {
            text::append(out, "on vacancy_down={}% vacancy_up={}% vacancy={}%", table.vacancy_down,
                         table.vacancy_up, table.vacancy);
        } else {
            out += "off";
        }
        out += '\n';
    }
    if (reply.tables.empty()) out += '\n';
}

void print_queue_configs(const QueueConfigReply& reply, Version version, const Names* names,
                         std::string& out) {
    auto rate = [&](const char* name, const std::optional<uint16_t>& value) {
        if (!value) return;
        if (*value > 1000) {
            text::append(out, " {}:(disabled)", name);
        } else {
            text::append(out, " {}:{}.{}%", name, *value / 10, *value % 10);
        }
    };
    auto heading = [&, last = std::optional<uint32_t>()](uint32_t port) mutable {
        if (last == port) return;
        out += last ? "port=" : " port=";
        format_port(port, names, out);
        out += '\n';
        last = port;
    };
    std::vector<QueueConfig> queues = reply.queues;
    std::sort(queues.begin(), queues.end(), [](const QueueConfig& a, const QueueConfig& b) {
        return std::tie(a.port, a.queue) < std::tie(b.port, b.queue);
    });
    for (const QueueConfig& queue : queues) {
        heading(version >= Version::k14 ? queue.port : reply.port);
        text::append(out, "queue {}:", queue.queue);
        rate("min_rate", queue.min_rate);
        rate("max_rate", queue.max_rate);
        out += '\n';
    }
    if (!out.ends_with('\n')) out += '\n';
}

void print_table_mod(const TableMod& mod, Version version, std::string& out) {
    if (mod.table == kTableAll) {
        out += " table_id: ALL_TABLES";
    } else {
        text::append(out, " table_id={}", mod.table);
    }
    if (version < Version::k13) {
        static constexpr const char* kMiss[] = {"controller", "continue", "drop", "unknown"};
        text::append(out, ", flow_miss_config={}", kMiss[mod.config & 3]);
    } else if (version >= Version::k14) {
        bool vacancy = mod.config & kTableVacancy;
        text::append(out, ", eviction={}, vacancy={}", mod.config & kTableEviction ? "on" : "off",
                     vacancy ? "on" : "off");
        if (vacancy) text::append(out, " vacancy:{},{}", mod.vacancy_down, mod.vacancy_up);
    }
    out += '\n';
}

void print_ipfix_stats(const IpfixStatsReply& reply, std::string& out) {
    if (reply.flow) text::append(out, " {} ids", reply.exporters.size());
    out += '\n';
    for (const IpfixStats& s : reply.exporters) {
        std::string label = reply.flow ? fmt::format("  id {:3}: ", s.collector_set_id) : "  bridge ipfix: ";
        text::append(out,
                     "{}flows={}, current flows={}, sampled pkts={}, ipv4 ok={}, ipv6 ok={}, tx pkts={}\n",
                     label, s.flows, s.current_flows, s.packets, s.ipv4, s.ipv6, s.tx_packets);
        text::append(out, "{}pkts errs={}, ipv4 errs={}, ipv6 errs={}, tx errs={}\n",
                     std::string(label.size(), ' '), s.error_packets, s.ipv4_errors, s.ipv6_errors,
                     s.tx_errors);
    }
}
void print_flow_monitors(const FlowMonitorRequest& request, const Names* names, std::string& out) {
    static constexpr FlagName kMonitorFlags[] = {{kMonitorInitial, "initial"}, {kMonitorAdd, "add"},
                                                 {kMonitorDelete, "delete"},   {kMonitorModify, "modify"},
                                                 {kMonitorActions, "actions"}, {kMonitorOwn, "own"}};
    for (const FlowMonitor& m : request.monitors) {
        text::append(out, "\n id={} flags=", m.id);
        format_flags(kMonitorFlags, m.flags, ",", "none", out);
        if (m.out_port != kPortNone) {
            out += " out_port=";
            format_port(m.out_port, names, out);
        }
        if (m.out_group != kGroupAny) text::append(out, " out_group={}", m.out_group);
        if (m.table != kTableAll) {
            out += " table=";
            format_table(m.table, names, out);
        }
        std::string match;
        format_match(m.match, {names, -1}, match);
        if (!match.empty()) out += ' ' + match;
    }
    out += '\n';
}

void print_flow_updates(const FlowMonitorReply& reply, const Names* names, std::string& out) {
    static constexpr const char* kEvents[] = {"ADDED", "DELETED", "MODIFIED", "ABBREV", "INITIAL"};
    static constexpr const char* kReasons[] = {"idle",         "hard",         "delete",
                                               "group_delete", "meter_delete", "eviction"};
    out += '\n';
    for (const FlowUpdate& update : reply.updates) {
        text::append(out, " event={}", kEvents[static_cast<size_t>(update.event)]);
        if (update.event == FlowUpdate::Event::kAbbrev) {
            text::append(out, " xid=0x{:x}\n", update.xid);
            continue;
        }
        if (update.event == FlowUpdate::Event::kDeleted) {
            size_t reason = static_cast<size_t>(update.reason);
            text::append(out, " reason={}", reason < std::size(kReasons) ? kReasons[reason] : "unknown");
        }
        out += " table=";
        format_table(update.table, names, out);
        if (update.idle_timeout) text::append(out, " idle_timeout={}", update.idle_timeout);
        if (update.hard_timeout) text::append(out, " hard_timeout={}", update.hard_timeout);
        out += update.cookie ? " cookie=0x" : " cookie=";
        text::append(out, "{:x}", update.cookie);
        std::string match;
        format_match(update.match, {names, -1}, match);
        if (!match.empty()) out += ' ' + match;
        if (!update.actions.empty()) out += " actions=" + openflow::to_string(update.actions);
        out += '\n';
    }
}

}  // namespace weft::openflow::messages
