#include "logical/symbol.h"

#include <fmt/format.h>

#include <cassert>

namespace weft::logical {

Symbol& SymbolTable::add(std::string_view name) {
    assert(!find(name));
    symbols_.push_back(std::make_unique<Symbol>());
    Symbol& symbol = *symbols_.back();
    symbol.name = name;
    by_name_.emplace(std::string_view(symbol.name), &symbol);
    return symbol;
}

const Symbol* SymbolTable::find(std::string_view name) const {
    auto it = by_name_.find(name);
    return it == by_name_.end() ? nullptr : it->second;
}

Symbol& SymbolTable::add_field(std::string_view name, unsigned width, std::string_view field, unsigned offset,
                               Level level, std::string_view prerequisites, bool must_crossproduct,
                               bool writable) {
    Symbol& symbol = add(name);
    symbol.width = width;
    symbol.field = field;
    symbol.offset = offset;
    symbol.level = level;
    symbol.prerequisites = prerequisites;
    symbol.must_crossproduct = must_crossproduct;
    symbol.writable = writable;
    return symbol;
}

Symbol& SymbolTable::add_string(std::string_view name, std::string_view field,
                                std::string_view prerequisites) {
    return add_field(name, 0, field, 0, Level::kNominal, prerequisites, false, true);
}

Symbol& SymbolTable::add_subfield(std::string_view name, std::string_view parent, unsigned low, unsigned high,
                                  std::string_view prerequisites) {
    const Symbol* whole = find(parent);
    assert(whole && high < whole->width && low <= high);
    Symbol& symbol = add(name);
    symbol.width = high - low + 1;
    symbol.field = whole->field;
    symbol.offset = whole->offset + low;
    symbol.level = whole->level;
    symbol.parent = whole;
    symbol.parent_offset = low;
    symbol.prerequisites = prerequisites.empty() ? std::string_view(whole->prerequisites) : prerequisites;
    symbol.must_crossproduct = whole->must_crossproduct;
    symbol.writable = whole->writable;
    return symbol;
}

Symbol& SymbolTable::add_predicate(std::string_view name, std::string_view expansion) {
    Symbol& symbol = add(name);
    symbol.width = 1;
    symbol.level = Level::kBoolean;
    symbol.predicate = expansion;
    return symbol;
}

Symbol& SymbolTable::add_ovn_field(std::string_view name, unsigned width, std::string_view prerequisites) {
    Symbol& symbol = add(name);
    symbol.width = width;
    symbol.is_ovn_field = true;
    symbol.writable = true;
    symbol.prerequisites = prerequisites;
    return symbol;
}

namespace {

// In the tables below: what a symbol is called, how wide, which OpenFlow field it is, its prerequisites.
struct FieldRow {
    const char* name;
    unsigned width;
    const char* field;
    const char* prerequisites = "";
    Level level = Level::kOrdinal;
    bool must_crossproduct = false;
    bool writable = true;
};
struct SubfieldRow {
    const char* name;
    const char* parent;
    unsigned low, high;
};
struct PredicateRow {
    const char* name;
    const char* expansion;
};

void add_fields(SymbolTable& table, std::initializer_list<FieldRow> rows) {
    for (const FieldRow& row : rows) {
        table.add_field(row.name, row.width, row.field, 0, row.level, row.prerequisites,
                        row.must_crossproduct, row.writable);
    }
}
void add_subfields(SymbolTable& table, std::initializer_list<SubfieldRow> rows) {
    for (const SubfieldRow& row : rows) table.add_subfield(row.name, row.parent, row.low, row.high, "");
}
void add_predicates(SymbolTable& table, std::initializer_list<PredicateRow> rows) {
    for (const PredicateRow& row : rows) table.add_predicate(row.name, row.expansion);
}

void add_registers(SymbolTable& table) {
    for (unsigned i = 0; i < 2; ++i) {
        table.add_field(fmt::format("xxreg{}", i), 128, fmt::format("xxreg{}", i), 0, Level::kOrdinal, "",
                        false, true);
    }
    for (unsigned i = 0; i < 5; ++i) {
        table.add_field(fmt::format("xreg{}", i), 64, fmt::format("xreg{}", i), 0, Level::kOrdinal, "", false,
                        true);
    }
    for (unsigned i = 0; i < 10; ++i) {
        table.add_field(fmt::format("reg{}", i), 32, fmt::format("reg{}", i), 0, Level::kOrdinal, "", false,
                        true);
    }
}

void add_flags(SymbolTable& table) {
    table.add_field("flags", 32, "reg10", 0, Level::kOrdinal, "", false, true);
    struct Row {
        const char* name;
        int bit;
    };
    for (const Row& row : std::initializer_list<Row>{{"flags.loopback", kFlagAllowLoopback},
                                                     {"flags.force_snat_for_dnat", kFlagForceSnatForDnat},
                                                     {"flags.force_snat_for_lb", kFlagForceSnatForLb},
                                                     {"flags.skip_snat_for_lb", kFlagSkipSnatForLb},
                                                     {"flags.use_snat_zone", kFlagUseSnatZone}}) {
        unsigned bit = static_cast<unsigned>(row.bit);
        table.add_subfield(row.name, "flags", bit, bit, "");
    }
}

void add_conntrack(SymbolTable& table) {
    add_fields(table, {{"ct_mark", 32, "ct_mark"}, {"ct_label", 128, "ct_label"}});
    add_subfields(table, {{"ct_mark.blocked", "ct_mark", 0, 0},
                          {"ct_mark.natted", "ct_mark", 1, 1},
                          {"ct_mark.skip_snat", "ct_mark", 2, 2},
                          {"ct_mark.force_snat", "ct_mark", 3, 3},
                          {"ct_mark.ecmp_reply_port", "ct_mark", 16, 31},
                          {"ct_label.blocked", "ct_label", 0, 0},
                          {"ct_label.natted", "ct_label", 1, 1},
                          {"ct_label.skip_snat", "ct_label", 2, 2},
                          {"ct_label.force_snat", "ct_label", 3, 3},
                          {"ct_label.ecmp_reply_eth", "ct_label", 32, 79},
                          {"ct_label.ecmp_reply_port", "ct_label", 80, 95},
                          {"ct_label.label", "ct_label", 96, 127}});
    add_fields(table, {{"ct_state", 32, "ct_state", "", Level::kOrdinal, false, false}});
    table.add_subfield("ct.trk", "ct_state", 5, 5, "");
    unsigned bit = 0;
    for (const char* name : {"ct.new", "ct.est", "ct.rel", "ct.rpl", "ct.inv", "", "ct.snat", "ct.dnat"}) {
        if (*name) table.add_subfield(name, "ct_state", bit, bit, "ct.trk");
        ++bit;
    }
}

void add_ethernet(SymbolTable& table) {
    add_fields(table, {{"eth.src", 48, "eth_src"},
                       {"eth.dst", 48, "eth_dst"},
                       {"eth.type", 16, "eth_type", "", Level::kNominal, true, false}});
    add_predicates(table, {{"eth.bcast", "eth.dst == ff:ff:ff:ff:ff:ff"},
                           {"eth.mcast", "eth.dst[40]"},
                           {"eth.mcastv6", "eth.dst[32..47] == 0x3333"}});
    add_fields(table, {{"vlan.tci", 16, "vlan_tci"}});
    add_predicates(table, {{"vlan.present", "vlan.tci[12]"}});
    table.add_subfield("vlan.pcp", "vlan.tci", 13, 15, "vlan.present");
    table.add_subfield("vlan.vid", "vlan.tci", 0, 11, "vlan.present");
    add_predicates(table, {{"ip4", "eth.type == 0x800"},
                           {"ip6", "eth.type == 0x86dd"},
                           {"ip", "ip4 || ip6"},
                           {"arp", "eth.type == 0x806"},
                           {"rarp", "eth.type == 0x8035"}});
}

void add_ip(SymbolTable& table) {
    add_fields(table, {{"ip.proto", 8, "ip_proto", "ip", Level::kNominal, true, false},
                       {"ip.dscp", 6, "ip_dscp", "ip", Level::kNominal},
                       {"ip.ecn", 2, "nw_ecn", "ip", Level::kNominal},
                       {"ip.ttl", 8, "nw_ttl", "ip", Level::kNominal},
                       {"ip4.src", 32, "ip_src", "ip4"},
                       {"ip4.dst", 32, "ip_dst", "ip4"}});
    add_predicates(table, {{"ip4.src_mcast", "ip4.src[28..31] == 0xe"},
                           {"ip4.mcast", "eth.mcast && ip4.dst[28..31] == 0xe"},
                           {"icmp4", "ip4 && ip.proto == 1"},
                           {"igmp", "ip4 && ip.proto == 2"}});
    add_fields(table, {{"icmp4.type", 8, "icmp_type", "icmp4", Level::kNominal},
                       {"icmp4.code", 8, "icmp_code", "icmp4", Level::kNominal},
                       {"ip6.src", 128, "ipv6_src", "ip6"},
                       {"ip6.dst", 128, "ipv6_dst", "ip6"},
                       {"ip6.label", 32, "ipv6_label", "ip6"}});
    add_predicates(table,
                   {{"ip6.mcast", "eth.mcastv6 && ip6.dst[120..127] == 0xff"},
                    {"ip6.mcast_rsvd", "ip6.dst[116..127] == 0xff0 && ip6.dst[0..111] == 0"},
                    {"ip6.mcast_flood",
                     "eth.mcastv6 && (ip6.mcast_rsvd || ip6.dst == {ff01::1, ff02::1, ff01::2, ff02::2, "
                     "ff05::2, ff02::1:ff00:0/104})"},
                    {"icmp6", "ip6 && ip.proto == 58"},
                    {"icmp", "icmp4 || icmp6"}});
    add_fields(table, {{"icmp6.type", 8, "icmpv6_type", "icmp6", Level::kNominal},
                       {"icmp6.code", 8, "icmpv6_code", "icmp6", Level::kNominal},
                       {"ip.frag", 8, "ip_frag", "ip"}});
    add_predicates(table, {{"ip.is_frag", "ip.frag[0]"},
                           {"ip.later_frag", "ip.frag[1]"},
                           {"ip.first_frag", "ip.is_frag && !ip.later_frag"}});
}

void add_neighbours(SymbolTable& table) {
    for (const char* protocol : {"arp", "rarp"}) {
        auto name = [&](const char* field) { return fmt::format("{}.{}", protocol, field); };
        table.add_field(name("op"), 16, "arp_op", 0, Level::kNominal, protocol, false, true);
        table.add_field(name("spa"), 32, "arp_spa", 0, Level::kOrdinal, protocol, false, true);
        table.add_field(name("sha"), 48, "arp_sha", 0, Level::kOrdinal, protocol, false, true);
        table.add_field(name("tpa"), 32, "arp_tpa", 0, Level::kOrdinal, protocol, false, true);
        table.add_field(name("tha"), 48, "arp_tha", 0, Level::kOrdinal, protocol, false, true);
    }
    add_predicates(table, {{"nd", "icmp6.type == {135, 136} && icmp6.code == 0 && ip.ttl == 255"},
                           {"nd_ns", "icmp6.type == 135 && icmp6.code == 0 && ip.ttl == 255"},
                           {"nd_na", "icmp6.type == 136 && icmp6.code == 0 && ip.ttl == 255"},
                           {"nd_rs", "icmp6.type == 133 && icmp6.code == 0 && ip.ttl == 255"},
                           {"nd_ra", "icmp6.type == 134 && icmp6.code == 0 && ip.ttl == 255"},
                           {"mldv1", "ip6.src == fe80::/10 && icmp6.type == {130, 131, 132}"},
                           {"mldv2", "ip6.dst == ff02::16 && icmp6.type == 143"}});
    add_fields(table, {{"nd.target", 128, "nd_target", "nd"},
                       {"nd.sll", 48, "nd_sll", "nd_ns"},
                       {"nd.tll", 48, "nd_tll", "nd_na"}});
}

void add_transport(SymbolTable& table) {
    add_predicates(table, {{"tcp", "ip.proto == 6"}, {"udp", "ip.proto == 17"}, {"sctp", "ip.proto == 132"}});
    add_fields(table, {{"tcp.src", 16, "tcp_src", "tcp"},
                       {"tcp.dst", 16, "tcp_dst", "tcp"},
                       {"tcp.flags", 12, "tcp_flags", "tcp", Level::kOrdinal, false, false},
                       {"udp.src", 16, "udp_src", "udp"},
                       {"udp.dst", 16, "udp_dst", "udp"},
                       {"sctp.src", 16, "sctp_src", "sctp"},
                       {"sctp.dst", 16, "sctp_dst", "sctp"}});
    table.add_ovn_field("icmp4.frag_mtu", 16, "icmp4");
    table.add_ovn_field("icmp6.frag_mtu", 32, "icmp6");
}

SymbolTable make_standard() {
    SymbolTable table;
    table.add_string("inport", "reg14", "");
    table.add_string("outport", "reg15", "");
    add_registers(table);
    add_flags(table);
    add_conntrack(table);
    table.add_field("pkt.mark", 32, "pkt_mark", 0, Level::kOrdinal, "", false, true);
    add_ethernet(table);
    add_ip(table);
    add_neighbours(table);
    add_transport(table);
    return table;
}

}  // namespace

const SymbolTable& SymbolTable::standard() {
    static const SymbolTable table = make_standard();
    return table;
}

}  // namespace weft::logical
