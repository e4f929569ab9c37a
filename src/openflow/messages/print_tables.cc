// What tables hold and can do, as `ovs-ofctl dump-tables` and `dump-table-features` print it.
//
// Tables tend to be alike, so what is as in the table before is said in a word: "ditto" of a whole table,
// else
// "(same actions)" and "(same matching)".  Names of fields are shortened where several in a row begin alike:
// "ip_{src,dst}", "reg0...reg15".

#include <algorithm>
#include <bitset>

#include "openflow/flag_text.h"
#include "openflow/messages/print.h"
#include "openflow/text.h"

namespace weft::openflow::messages {

namespace {

using Names = std::vector<std::string>;

// A name that ends with a number: without it, and the number.
std::pair<std::string_view, int> numbered(std::string_view name) {
    size_t digits = name.find_last_not_of("0123456789") + 1;
    if (digits == name.size() || !digits) return {name, -1};
    return {name.substr(0, digits), std::atoi(std::string(name.substr(digits)).c_str())};
}

// Runs of numbers: {"reg0", "reg1", "reg2", "metadata"} is {"reg0...reg2", "metadata"}.
Names with_ranges(const Names& names) {
    Names out;
    for (size_t i = 0; i < names.size();) {
        auto [stem, first] = numbered(names[i]);
        size_t next = i + 1;
        while (first >= 0 && next < names.size() &&
               numbered(names[next]) == std::pair(stem, first + static_cast<int>(next - i)))
            ++next;
        out.push_back(next - i > 1 ? names[i] + "..." + names[next - 1] : names[i]);
        i = next;
    }
    return out;
}

std::string shortened(const Names& names, char separator) {
    Names words;
    for (size_t i = 0; i < names.size();) {
        const size_t underscore = names[i].find('_');
        size_t next = i + 1;
        const std::string prefix = underscore == std::string::npos ? "" : names[i].substr(0, underscore + 1);
        while (!prefix.empty() && next < names.size() && names[next].starts_with(prefix)) ++next;
        if (next - i == 1) {
            words.push_back(names[i]);
        } else {
            Names rest;
            for (; i < next; ++i) rest.push_back(names[i].substr(prefix.size()));
            words.push_back(prefix + "{" + shortened(rest, ',') + "}");
        }
        i = next;
    }
    std::string out;
    for (const std::string& word : with_ranges(words)) {
        if (!out.empty()) out += separator;
        out += word;
    }
    return out;
}

using Fields = std::bitset<kFieldCount>;

Fields set_of(const std::vector<FieldId>& ids) {
    Fields out;
    for (FieldId id : ids) out.set(static_cast<size_t>(id));
    return out;
}

std::string text_of(const Fields& fields) {
    // In the order of ovs-fields(7), which has two that FieldId has before the type of service behind it.
    constexpr FieldId kLater[] = {FieldId::kIpTtl, FieldId::kIpFrag};
    Names names;
    auto add = [&](FieldId id) {
        if (fields.test(static_cast<size_t>(id))) names.emplace_back(field(id).name);
    };
    for (size_t i = 0; i < kFieldCount; ++i) {
        const auto id = static_cast<FieldId>(i);
        if (std::find(std::begin(kLater), std::end(kLater), id) != std::end(kLater)) continue;
        add(id);
        if (id == FieldId::kIpEcn) std::for_each(std::begin(kLater), std::end(kLater), add);
    }
    return shortened(names, ' ');
}

// {1, 2, 3, 7}: "1-3,7".
std::string ranges_of(const std::vector<uint8_t>& numbers) {
    std::string out;
    for (size_t i = 0; i < numbers.size();) {
        size_t next = i + 1;
        while (next < numbers.size() && numbers[next] == numbers[i] + (next - i)) ++next;
        text::append(out, "{}{}", out.empty() ? "" : ",", numbers[i]);
        if (next - i > 1) text::append(out, "-{}", numbers[next - 1]);
        i = next;
    }
    return out;
}

std::string instructions_text(uint32_t bits) {  // by OFPIT_…
    static constexpr std::pair<int, const char*> kNames[] = {{6, "meter"},          {4, "apply_actions"},
                                                             {5, "clear_actions"},  {3, "write_actions"},
                                                             {2, "write_metadata"}, {1, "goto_table"}};
    std::string out;
    for (const auto& [bit, name] : kNames) {
        if (bits >> bit & 1) text::append(out, "{}{}", out.empty() ? "" : " ", name);
    }
    return out;
}

using Properties = TableFeatures::Properties;

// The tables that may come next are as many of those behind the table.
bool same_next(const TableFeatures& a, const Properties& pa, const TableFeatures& b, const Properties& pb) {
    auto behind = [](const TableFeatures& table, const Properties& p, size_t i) {
        return p.next_tables.size() > i && p.next_tables[i] == table.table + 1 + i;
    };
    auto all_behind = [&](const TableFeatures& table, const Properties& p) {
        for (size_t i = 0; i < p.next_tables.size(); ++i) {
            if (!behind(table, p, i)) return false;
        }
        return true;
    };
    if (pa.next_tables == pb.next_tables) return true;
    if (pa.next_tables.empty() || pb.next_tables.empty()) return false;
    return all_behind(a, pa) && all_behind(b, pb) && pa.next_tables.back() == pb.next_tables.back();
}

bool same_actions(const Properties& a, const Properties& b) {
    return a.write_actions == b.write_actions && a.apply_actions == b.apply_actions &&
           a.write_set_field == b.write_set_field && a.apply_set_field == b.apply_set_field;
}

bool same_properties(const TableFeatures& a, const TableFeatures& b) {
    for (size_t miss = 0; miss < 2; ++miss) {
        const Properties &pa = a.properties[miss], &pb = b.properties[miss];
        if (pa.instructions != pb.instructions || !same_actions(pa, pb) || !same_next(a, pa, b, pb))
            return false;
    }
    return true;
}

bool same_matching(const TableFeatures& a, const TableFeatures& b) {
    return a.match == b.match && a.wildcards == b.wildcards;
}

bool same_features(const TableFeatures& a, const TableFeatures& b) {
    return a.metadata_match == b.metadata_match && a.metadata_write == b.metadata_write &&
           a.capabilities == b.capabilities && a.max_entries == b.max_entries && same_properties(a, b) &&
           same_matching(a, b);
}

void print_set(const char* indent, const char* what, uint64_t actions, const std::vector<FieldId>& fields,
               Version version, std::string& out) {
    text::append(out, "{}{} features:\n{}  actions: {}\n", indent, what, indent,
                 action_names(actions, version));
    if (!fields.empty())
        text::append(out, "{}  supported on Set-Field: {}\n", indent, text_of(set_of(fields)));
}

void print_properties(const TableFeatures& table, size_t miss, const Properties* before, Version version,
                      std::string& out) {
    const Properties& p = table.properties[miss];
    if (!p.next_tables.empty()) text::append(out, "      next tables: {}\n", ranges_of(p.next_tables));
    text::append(out, "      instructions: {}\n", instructions_text(p.instructions));
    if (before && !p.write_set_field.empty() && same_actions(p, *before)) {
        out += "      (same actions)\n";
    } else if (p.write_actions == p.apply_actions && p.write_set_field == p.apply_set_field) {
        print_set("      ", "Write-Actions and Apply-Actions", p.write_actions, p.write_set_field, version,
                  out);
    } else {
        print_set("      ", "Write-Actions", p.write_actions, p.write_set_field, version, out);
        print_set("      ", "Apply-Actions", p.apply_actions, p.apply_set_field, version, out);
    }
}

void print_abilities(const TableFeatures& table, const TableFeatures* before, Version version,
                     std::string& out) {
    const Properties *hit = table.properties, *miss = table.properties + 1;
    if (hit->instructions || miss->instructions) {
        if (hit->instructions == miss->instructions && hit->next_tables == miss->next_tables &&
            same_actions(*hit, *miss)) {
            out += "    instructions (table miss and others):\n";
            print_properties(table, 0, before ? before->properties : nullptr, version, out);
        } else {
            out += "    instructions (other than table miss):\n";
            print_properties(table, 0, before ? before->properties : nullptr, version, out);
            out += "    instructions (table miss):\n";
            print_properties(table, 1, before ? before->properties + 1 : nullptr, version, out);
        }
    }
    if (before && same_matching(table, *before)) {
        out += "    (same matching)\n";
        return;
    }
    Fields masks, matched;
    for (const auto& [id, maskable] : table.match) {
        matched.set(static_cast<size_t>(id));
        if (maskable) masks.set(static_cast<size_t>(id));
    }
    const Fields wildcards = set_of(table.wildcards);
    if (matched.none()) return;
    out += "    matching:\n";
    const std::pair<const char*, Fields> kKinds[] = {
        {"arbitrary mask", masks},
        {"exact match or wildcard", matched & wildcards & ~masks},
        {"must exact match", matched & ~wildcards & ~masks},
    };
    for (const auto& [name, fields] : kKinds) {
        if (fields.any()) text::append(out, "      {}: {}\n", name, text_of(fields));
    }
}

void print_features_of(const TableFeatures& t, Version version, std::string& out) {
    if (t.metadata_match || t.metadata_write)
        text::append(out, "    metadata: match={:#x} write={:#x}\n", t.metadata_match, t.metadata_write);
    if (version < Version::k14) return;
    text::append(out, "    eviction: {}supported\n    vacancy events: {}supported\n",
                 t.capabilities & kTableEviction ? "" : "not ", t.capabilities & kTableVacancy ? "" : "not ");
}

std::string table_text(uint8_t number, const std::string& name) {
    return name.empty() ? fmt::format("table {}", number) : fmt::format("table {} (\"{}\")", number, name);
}

// "  table 1 ("name"): ditto", "  tables 2...253: ditto", of [from, to).  An empty line stands before them,
// and behind those without names that others follow.
template <typename Tables>
void print_ditto(const Tables& tables, size_t from, size_t to, std::string& out) {
    for (size_t i = from; i < to;) {
        size_t next = i + 1;
        if (i == from || tables[i - 1].name.empty()) out += '\n';
        while (tables[i].name.empty() && next < to && tables[next].name.empty()) next++;
        if (next - i > 1)
            text::append(out, "  tables {}...{}: ditto\n", tables[i].table, tables[next - 1].table);
        else
            text::append(out, "  {}: ditto\n", table_text(tables[i].table, tables[i].name));
        i = next;
    }
}

}  // namespace

std::string action_names(uint64_t bits, Version version) {
    static constexpr FlagName k10[] = {
        {1 << 0, "output"},     {1 << 11, "enqueue"},   {1 << 1, "set_vlan_vid"}, {1 << 2, "set_vlan_pcp"},
        {1 << 3, "strip_vlan"}, {1 << 4, "mod_dl_src"}, {1 << 5, "mod_dl_dst"},   {1 << 6, "mod_nw_src"},
        {1 << 7, "mod_nw_dst"}, {1 << 8, "mod_nw_tos"}, {1 << 9, "mod_tp_src"},   {1 << 10, "mod_tp_dst"}};
    // From 1.2 on set_field has taken the place of those that 1.1 has for fields.
    static constexpr FlagName kLater[] = {
        {1 << 0, "output"},       {1 << 22, "group"},        {1 << 25, "set_field"},
        {1 << 1, "set_vlan_vid"}, {1 << 2, "set_vlan_pcp"},  {1 << 18, "strip_vlan"},
        {1 << 17, "push_vlan"},   {1 << 3, "mod_dl_src"},    {1 << 4, "mod_dl_dst"},
        {1 << 5, "mod_nw_src"},   {1 << 6, "mod_nw_dst"},    {1 << 7, "mod_nw_tos"},
        {1 << 8, "mod_nw_ecn"},   {1 << 23, "mod_nw_ttl"},   {1 << 9, "mod_tp_src"},
        {1 << 10, "mod_tp_dst"},  {1 << 24, "dec_ttl"},      {1 << 13, "set_mpls_label"},
        {1 << 14, "set_mpls_tc"}, {1 << 15, "set_mpls_ttl"}, {1 << 16, "dec_mpls_ttl"},
        {1 << 19, "push_mpls"},   {1 << 20, "pop_mpls"},     {1 << 21, "set_queue"}};
    constexpr uint64_t kOf11Only = 0x7fe | 1 << 13 | 1 << 14;
    if (version >= Version::k12) bits &= ~kOf11Only;
    std::string out;
    for (const FlagName& flag : version == Version::k10 ? std::span<const FlagName>(k10) : kLater) {
        if (bits & flag.bit) text::append(out, "{}{}", out.empty() ? "" : " ", flag.name);
    }
    return out;
}

void print_table_stats(const std::vector<TableStats>& tables, Version version, std::string& out) {
    out += '\n';
    auto same = [](const TableStats& a, const TableStats& b) {
        return a.active == b.active && a.lookups == b.lookups && a.matched == b.matched &&
               a.max_entries == b.max_entries && a.config == b.config &&
               same_features(a.features, b.features);
    };
    for (size_t i = 0; i < tables.size();) {
        const TableStats& t = tables[i];
        text::append(out, "  {}:\n    active={}, lookup={}, matched={}\n", table_text(t.table, t.name),
                     t.active, t.lookups, t.matched);
        if (version < Version::k13) {
            static constexpr const char* kMiss[] = {"controller", "continue", "drop", "unknown"};
            print_features_of(t.features, version, out);
            if (version != Version::k10) text::append(out, "    config={}\n", kMiss[t.config & 3]);
            text::append(out, "    max_entries={}\n", t.max_entries);
            print_abilities(t.features, i ? &tables[i - 1].features : nullptr, version, out);
        }
        size_t next = i + 1;
        while (next < tables.size() && same(t, tables[next])) next++;
        print_ditto(tables, i + 1, next, out);
        i = next;
        if (i < tables.size()) out += '\n';
    }
}

}  // namespace weft::openflow::messages

namespace weft::openflow {

using namespace messages;  // NOLINT: what it is made of

void print_table_features(const std::vector<TableFeatures>& tables, Version version, std::string& out) {
    for (size_t i = 0; i < tables.size();) {
        const TableFeatures& t = tables[i];
        text::append(out, "  {}:\n", table_text(t.table, t.name));
        print_features_of(t, version, out);
        if (t.max_entries) text::append(out, "    max_entries={}\n", t.max_entries);
        print_abilities(t, i ? &tables[i - 1] : nullptr, version, out);
        size_t next = i + 1;
        while (next < tables.size() && same_features(t, tables[next])) next++;
        print_ditto(tables, i + 1, next, out);
        i = next;
        out += '\n';
    }
}

}  // namespace weft::openflow
