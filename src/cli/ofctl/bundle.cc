// bundle: a file of changes to flows and groups, and of packets, as one atomic bundle (ovs-ofctl(8),
// "OpenFlow Switch Bundle Command").  And mod-table and dump-table-desc, which need OpenFlow 1.4, too.

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "cli/ofctl/flow_session.h"
#include "openflow/text.h"

namespace weft::cli::ofctl {
namespace {

using namespace openflow;  // NOLINT: the commands speak OpenFlow throughout

// Takes the first word off.
std::string_view take_word(std::string_view& text) {
    text = text::trim(text);
    std::string_view word = text.substr(0, text.find_first_of(" \t"));
    text = text::trim(text.substr(word.size()));
    return word;
}

Result<GroupMod> parse_group_line(std::string_view text, const Names* names) {
    using Command = GroupMod::Command;
    static constexpr std::pair<std::string_view, Command> kCommands[] = {
        {"add", Command::kAdd},
        {"modify", Command::kModify},
        {"add_or_mod", Command::kAddOrModify},
        {"delete", Command::kDelete},
        {"insert_bucket", Command::kInsertBucket},
        {"insert_buckets", Command::kInsertBucket},
        {"remove_bucket", Command::kRemoveBucket},
        {"remove_buckets", Command::kRemoveBucket}};
    std::string_view rest = text, word = take_word(rest);
    for (const auto& [name, command] : kCommands) {
        if (word == name) return parse_group_mod(rest, command, names);
    }
    return parse_group_mod(text, Command::kAdd, names);
}

Result<Bytes> parse_line(std::string_view line, FlowSession& s) {
    std::string_view rest = line, kind = take_word(rest);
    uint32_t xid = s.connection->next_xid();
    if (kind == "flow") {
        WEFT_ASSIGN(FlowMod mod, parse_flow_mod_any(rest, &s.names));
        return encode_flow_mod(mod, s.format, xid);
    }
    if (kind == "group") {
        WEFT_ASSIGN(GroupMod mod, parse_group_line(rest, &s.names));
        return encode(s.format.version, xid, std::move(mod));
    }
    if (kind == "packet-out") {
        WEFT_ASSIGN(PacketOut packet, parse_packet_out(rest, &s.names));
        return encode(s.format.version, xid, std::move(packet));
    }
    return Error{fmt::format("Unsupported bundle message type: {}", kind)};
}

// OpenFlow 1.4 and later, unless the user says otherwise.
Options for_tables(const Options& options) {
    Options out = options;
    if (!out.versions) out.versions = version_bit(Version::k14) | version_bit(Version::k15);
    return out;
}

Result<void> bundle(const Options& options, const Words& words) {
    Options as_bundle = options;
    as_bundle.bundle = true;
    WEFT_ASSIGN(FlowSession s, open_for_flows(as_bundle, words[0]));
    if (s.format.version < Version::k13) return Error{"bundles need OpenFlow 1.4 or later ('-O OpenFlow14')"};
    std::vector<Bytes> messages;
    WEFT_TRY(for_each_line(words[1], [&](std::string_view line) -> Result<void> {
        Result<Bytes> message = parse_line(line, s);
        if (!message) return message.error();
        if (message->empty()) return Error{fmt::format("{} cannot say this", version_name(s.format.version))};
        messages.push_back(*std::move(message));
        return {};
    }));
    return send_bundle(*s.connection, messages);
}

Result<void> dump_table_desc(const Options& options, const Words& words) {
    WEFT_ASSIGN(Switch connection, open_switch(for_tables(options), words[0]));
    if (connection->version() < Version::k14)
        return Error{"dump-table-desc needs OpenFlow 1.4 or later ('-O OpenFlow14')"};
    WEFT_ASSIGN(auto replies, connection->request(TableDescRequest{}));
    for (const Message& message : replies)
        write_out(openflow::to_string(message, nullptr, options.verbosity));
    return {};
}

struct Setting {
    const char* name;
    bool miss;  // OpenFlow 1.1 and 1.2: what happens to packets that match nothing
    uint32_t set, cleared;
};
constexpr Setting kSettings[] = {{"controller", true, 0, 3},
                                 {"continue", true, 1, 3},
                                 {"drop", true, 2, 3},
                                 {"evict", false, kTableEviction, 0},
                                 {"noevict", false, 0, kTableEviction},
                                 {"vacancy", false, kTableVacancy, 0},
                                 {"novacancy", false, 0, kTableVacancy}};

Result<const Setting*> setting_of(std::string_view text, TableMod& mod) {
    std::string_view name = text.substr(0, text.find(':'));
    for (const Setting& setting : kSettings) {
        if (name != setting.name) continue;
        if (name != "vacancy") {
            if (name.size() != text.size()) break;
            return &setting;
        }
        std::string_view limits = text.substr(std::min(text.size(), name.size() + 1));
        size_t comma = limits.find(',');
        auto low = text::parse_u64_max(limits.substr(0, comma), 100);
        auto high = text::parse_u64_max(comma == limits.npos ? "" : limits.substr(comma + 1), 100);
        if (!low || !high || *low > *high)
            return Error{fmt::format("{}: vacancy:LOW,HIGH needs two percentages in rising order", text)};
        mod.vacancy_down = static_cast<uint8_t>(*low);
        mod.vacancy_up = static_cast<uint8_t>(*high);
        return &setting;
    }
    return Error{fmt::format("invalid table_mod setting {}", text)};
}

// What is not being changed is kept: a TABLE_MOD sets everything.
Result<void> keep_others(SwitchConnection& connection, const Setting& setting, TableMod& mod) {
    WEFT_ASSIGN(auto replies, connection.request(TableDescRequest{}));
    for (const Message& message : replies) {
        auto* reply = message.get_if<TableDescReply>();
        for (size_t i = 0; reply && i < reply->tables.size(); i++) {
            const TableDesc& table = reply->tables[i];
            if (table.table != mod.table) continue;
            mod.config = table.config;
            if (table.eviction_flags != TableDesc::kNoFlags) mod.eviction_flags = table.eviction_flags;
            if (setting.set & kTableVacancy) continue;
            mod.vacancy_down = table.vacancy_down;
            mod.vacancy_up = table.vacancy_up;
        }
    }
    return {};
}

// A table's number, or its name where names are read.
Result<uint8_t> table_of(const std::string& text, const Options& options, SwitchConnection& connection) {
    auto table = parse_table(text, nullptr);
    if (!table && options.names != 0) {
        Names names;
        WEFT_TRY(add_table_names(connection, names));
        table = parse_table(text, &names);
    }
    if (!table) return Error{fmt::format("unknown table \"{}\"", text)};
    return *table;
}

// OpenFlow 1.3 and 1.4 know a table's name as one of its features, which can only be set all at once, with
// those of all tables; 1.5 modifies one.
Result<void> rename_table(const Options& options, const Words& words, std::string new_name) {
    constexpr uint32_t kUsable =
        version_bit(Version::k13) | version_bit(Version::k14) | version_bit(Version::k15);
    Options narrowed = options;
    narrowed.versions &= kUsable;
    if (!narrowed.versions) {
        return Error{fmt::format(
            "table_mod '{}' requires one of the OpenFlow versions OpenFlow13, OpenFlow14, OpenFlow15",
            words[2])};
    }
    WEFT_ASSIGN(Switch connection, open_switch(narrowed, words[0]));
    WEFT_ASSIGN(uint8_t number, table_of(words[1], options, *connection));
    WEFT_ASSIGN(auto replies, connection->request(TableFeaturesRequest{}));
    constexpr size_t kTablesPerMessage = 8;
    const bool modify = connection->version() >= Version::k15;
    std::vector<TableFeatures> tables;
    bool found = false;
    for (const Message& message : replies) {
        auto* reply = message.get_if<TableFeaturesReply>();
        for (size_t i = 0; reply && i < reply->tables.size(); i++) {
            TableFeatures table = reply->tables[i];
            bool wanted = table.table == number;
            found |= wanted;
            if (wanted) table.name = new_name.substr(0, kMaxTableName);
            table.modify = modify;
            if (wanted || !modify) tables.push_back(std::move(table));
        }
    }
    if (!found) return Error{fmt::format("switch does not have table {}", number)};
    uint32_t xid = connection->next_xid();
    std::vector<Bytes> parts;
    for (size_t i = 0; i < tables.size(); i += kTablesPerMessage) {
        size_t end = std::min(tables.size(), i + kTablesPerMessage);
        TableFeaturesRequest part;
        part.tables.assign(std::make_move_iterator(tables.begin() + static_cast<std::ptrdiff_t>(i)),
                           std::make_move_iterator(tables.begin() + static_cast<std::ptrdiff_t>(end)));
        part.more = end < tables.size();
        parts.push_back(encode(connection->version(), xid, std::move(part)));
    }
    return connection->transact(parts);
}

Result<void> mod_table(const Options& options, const Words& words) {
    if (words[2].starts_with("name:")) return rename_table(options, words, words[2].substr(5));
    TableMod mod;
    WEFT_ASSIGN(const Setting* setting, setting_of(words[2], mod));
    uint32_t usable = setting->miss ? version_bit(Version::k11) | version_bit(Version::k12)
                                    : version_bit(Version::k14) | version_bit(Version::k15);
    Options narrowed = options;
    narrowed.versions = options.versions ? options.versions & usable : 0;
    if (!narrowed.versions) {
        return Error{fmt::format("table_mod '{}' requires one of the OpenFlow versions {}", words[2],
                                 setting->miss ? "OpenFlow11, OpenFlow12" : "OpenFlow14, OpenFlow15")};
    }
    WEFT_ASSIGN(Switch connection, open_switch(narrowed, words[0]));
    if (words[1] != "ALL" && words[1] != "all") {
        WEFT_ASSIGN(mod.table, table_of(words[1], options, *connection));
    }
    if (!setting->miss && mod.table != kTableAll) WEFT_TRY(keep_others(*connection, *setting, mod));
    mod.config = (mod.config & ~setting->cleared) | setting->set;
    return connection->transact({encode(connection->version(), connection->next_xid(), mod)});
}

}  // namespace

const std::vector<Command>& bundle_commands() {
    static const std::vector<Command> kCommands = {
        {"bundle", "switch file", 2, 2, bundle, true},
        {"dump-table-desc", "switch", 1, 1, dump_table_desc},
        {"mod-table", "switch table setting", 3, 3, mod_table, true},
    };
    return kCommands;
}

}  // namespace weft::cli::ofctl
