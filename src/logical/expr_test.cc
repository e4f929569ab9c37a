#include "logical/expr.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>

#include "logical/match_set.h"
#include "logical/microflow.h"
#include "openflow/match.h"

namespace weft::logical {
namespace {

using openflow::FieldId;

const SymbolTable& symbols() {
    return SymbolTable::standard();
}

struct Sets : SetLookup {
    std::map<std::string, std::vector<std::string>, std::less<>> addresses, ports;
    bool address_set(std::string_view name, std::vector<Constant>& members) const override {
        auto it = addresses.find(name);
        if (it == addresses.end()) return false;
        for (const std::string& text : it->second) members.push_back(*parse_integer_constant(text));
        return true;
    }
    bool port_group(std::string_view name, std::vector<std::string>& members) const override {
        auto it = ports.find(name);
        if (it == ports.end()) return false;
        members = it->second;
        return true;
    }
};

struct Ports : PortLookup {
    std::map<std::string, uint32_t, std::less<>> keys{{"p1", 1}, {"p2", 2}, {"p3", 3}};
    std::optional<uint32_t> port(const Symbol&, std::string_view name) const override {
        auto it = keys.find(name);
        return it == keys.end() ? std::nullopt : std::optional<uint32_t>(it->second);
    }
    bool is_chassis_resident(std::string_view name) const override { return name == "p1"; }
};

Result<MatchSet> translate(std::string_view text, const SetLookup* sets = nullptr) {
    WEFT_ASSIGN(Expr expr, parse_expr(text, symbols(), sets));
    WEFT_ASSIGN(Expr annotated, annotate(std::move(expr), symbols()));
    return to_match_set(resolve(simplify(std::move(annotated)), Ports()));
}

// The matches as ovs-ofctl prints them, sorted.
std::vector<std::string> flows(std::string_view text, const SetLookup* sets = nullptr) {
    Result<MatchSet> set = translate(text, sets);
    if (!set) return {set.message()};
    std::vector<std::string> out;
    for (const FlowMatch& flow : set->matches) {
        openflow::Match match;
        flow.tests.to_match(match);
        if (flow.conj_id) match.set(FieldId::kConjId, flow.conj_id);
        std::string line = openflow::to_string(match);
        for (const FlowMatch::Clause& c : flow.clauses) {
            line += " conjunction(" + std::to_string(c.conj_id) + "," + std::to_string(c.clause + 1) + "/" +
                    std::to_string(c.clauses) + ")";
        }
        out.push_back(line);
    }
    std::sort(out.begin(), out.end());
    return out;
}

using Lines = std::vector<std::string>;

TEST(Expr, MatchesOfTheKnown) {
    EXPECT_EQ(flows("1"), Lines{""});
    EXPECT_EQ(flows("0"), Lines{});
    EXPECT_EQ(flows("ip4"), Lines{"ip"});
    EXPECT_EQ(flows("ip"), (Lines{"ip", "ipv6"}));
    EXPECT_EQ(flows("tcp.dst == 80 || udp"), (Lines{"tcp,tp_dst=80", "tcp6,tp_dst=80", "udp", "udp6"}));
    EXPECT_EQ(flows("ip4 && tcp.dst == 80"), Lines{"tcp,tp_dst=80"});
    EXPECT_EQ(flows("arp && ip4"), Lines{});
    EXPECT_EQ(flows("!ct.new"), Lines{"ct_state=-new+trk"});
    EXPECT_EQ(flows("!ct.trk"), Lines{"ct_state=-trk"});
    EXPECT_EQ(flows("vlan.pcp == 3"), Lines{"dl_vlan_pcp=3"});
    EXPECT_EQ(flows("eth.mcast"), Lines{"dl_dst=01:00:00:00:00:00/01:00:00:00:00:00"});
    EXPECT_EQ(flows("ip.first_frag"), (Lines{"ip,nw_frag=first", "ipv6,nw_frag=first"}));
    EXPECT_EQ(flows("mldv2"), Lines{"icmp6,ipv6_dst=ff02::16,icmp_type=143"});
    EXPECT_EQ(flows("nd_ns"), Lines{"icmp6,nw_ttl=255,icmp_type=135,icmp_code=0"});
    EXPECT_EQ(flows("ip6.mcast"), Lines{"ipv6,dl_dst=33:33:00:00:00:00/ff:ff:00:00:00:00,ipv6_dst=ff00::/8"});
    EXPECT_EQ(flows("xxreg0[0..31] == 5 && reg0 == 7"), Lines{"reg0=0x7,reg3=0x5"});
    EXPECT_EQ(flows("reg9[2] == 1"), Lines{"reg9=0x4/0x4"});
    EXPECT_EQ(flows("inport == \"p2\" && is_chassis_resident(\"p1\")"), Lines{"reg14=0x2"});
    EXPECT_EQ(flows("inport == \"nowhere\""), Lines{});
    EXPECT_EQ(flows("inport == {\"p1\", \"nowhere\"}"), Lines{"reg14=0x1"});
    EXPECT_EQ(flows("!is_chassis_resident(\"p1\")"), Lines{});
    EXPECT_EQ(flows("ip4.dst == 0.0.0.0/0"), Lines{"ip"});
    EXPECT_EQ(flows("ip4.dst != 0.0.0.0/0"), Lines{});
    EXPECT_EQ(flows("ip4.mcast"), Lines{"ip,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,nw_dst=224.0.0.0/4"});
    EXPECT_EQ(flows("tcp.dst > 65000 && ip4").size(), 5u);
    EXPECT_EQ(flows("1024 <= tcp.src <= 1030 && ip4").size(), 5u);
    EXPECT_EQ(flows("ip4.src != 1.1.1.0/24").size(), 24u);
    EXPECT_EQ(flows("ip4.src != {1.1.1.0/24, 2.0.0.0/8}").size(), 24u);
}

TEST(Expr, ConjunctionsWhereTheyPay) {
    EXPECT_EQ(flows("ip4.src == {1.1.1.1, 2.2.2.2} && tcp.dst == {80, 443}"),
              (Lines{"tcp,nw_src=1.1.1.1,tp_dst=443", "tcp,nw_src=1.1.1.1,tp_dst=80",
                     "tcp,nw_src=2.2.2.2,tp_dst=443", "tcp,nw_src=2.2.2.2,tp_dst=80"}));
    EXPECT_EQ(flows("ip4.src == {1.1.1.1, 2.2.2.2, 3.3.3.3} && tcp.dst == {80, 443, 22}"),
              (Lines{"conj_id=1,tcp", "tcp,nw_src=1.1.1.1 conjunction(1,1/2)",
                     "tcp,nw_src=2.2.2.2 conjunction(1,1/2)", "tcp,nw_src=3.3.3.3 conjunction(1,1/2)",
                     "tcp,tp_dst=22 conjunction(1,2/2)", "tcp,tp_dst=443 conjunction(1,2/2)",
                     "tcp,tp_dst=80 conjunction(1,2/2)"}));
}

TEST(Expr, Sets) {
    Sets sets;
    sets.addresses["as"] = {"10.0.0.1", "10.0.1.0/24"};
    sets.addresses["none"] = {};
    sets.ports["pg"] = {"p1", "p3"};
    EXPECT_EQ(flows("ip4.src == $as", &sets), (Lines{"ip,nw_src=10.0.0.1", "ip,nw_src=10.0.1.0/24"}));
    EXPECT_EQ(flows("ip4.src == {$as, 1.2.3.4}", &sets).size(), 3u);
    EXPECT_EQ(flows("ip4.src == $none", &sets), Lines{});
    EXPECT_EQ(flows("ip4.src != $none", &sets), Lines{""});
    EXPECT_EQ(flows("outport == @pg", &sets), (Lines{"reg15=0x1", "reg15=0x3"}));
    EXPECT_EQ(flows("ip4.src == $nope", &sets), Lines{"Syntax error at `$nope' expecting address set name."});
}

TEST(Expr, RefusesWithAReason) {
    const std::pair<const char*, const char*> cases[] = {
        {"ip4 && tcp || udp", "&& and || must be parenthesized when used together."},
        {"ip.proto != 6",
         "Nominal field ip.proto may only be tested for equality (taking enclosing `!' operators into "
         "account)."},
        {"!ip4",
         "Nominal predicate ip4 may only be tested positively, e.g. `ip4' or `ip4 == 1' but not `!ip4' or "
         "`ip4 == 0'."},
        {"inport != \"p1\"",
         "Nominal field inport may only be tested for equality (taking enclosing `!' operators "
         "into account)."},
        {"tcp.dst",
         "Integer field tcp.dst is 16-bits wide; it must be compared with a constant, as in tcp.dst != 0."},
        {"reg0[40]", "Cannot select bits 40 to 40 of 32-bit field reg0."},
        {"nothing == 1", "Syntax error at `nothing' expecting field name."},
        {"ip4.src == 1.2.3.4 &&", "Syntax error at end of input expecting constant."},
        {"tcp.dst == 70000", "17-bit constant is not compatible with 16-bit field tcp.dst."},
        {"ip4.src < 1.2.3.0/24",
         "Only == and != operators may be used with masked constants.  Consider using subfields "
         "instead (e.g. eth.src[0..15] > 0x1111 in place of eth.src > "
         "00:00:00:00:11:11/00:00:00:00:ff:ff)."},
        {"ip4.src == 1.2.3.4/24", "Value contains unmasked 1-bits or mask is invalid in `1.2.3.4/24'."},
        {"(ip4", "Syntax error at end of input expecting `)'."},
        {"ip4)", "Syntax error at `)' expecting end of input."},
        {"inport == 5", "String field inport is not compatible with integer constant."},
        {"ip4 & tcp", "`&' is only valid as part of `&&'."},
    };
    for (auto [text, error] : cases) EXPECT_EQ(translate(text).message(), error) << text;
}

TEST(Expr, Microflows) {
    auto flow = [](const char* text) {
        Result<packet::Flow> result = parse_microflow(text, symbols(), nullptr, Ports());
        if (!result) return result.message();
        openflow::FieldValue value = openflow::get_field(*result, openflow::field(FieldId::kEthType));
        return std::to_string(value.low_u64(openflow::field(FieldId::kEthType))) + "," +
               std::to_string(uint32_t{result->regs[14]}) + "," + std::to_string(result->nw_proto);
    };
    EXPECT_EQ(flow("inport == \"p2\" && ip4 && tcp && ip.ttl == 64"), "2048,2,6");
    EXPECT_EQ(flow("inport == \"p2\" && tcp"),
              "Constraints are ambiguous: inport == \"p2\" && ip.proto == 6 && (eth.type == 0x800 || "
              "eth.type == 0x86dd).");
    EXPECT_EQ(flow("inport == \"p1\" && ip6 && udp.dst == 53"), "34525,1,17");
    EXPECT_EQ(flow("inport == \"px\""), "inport: there is no logical port \"px\"");
    EXPECT_EQ(flow("ip4 && ip6"), "Constraints are contradictory.");
}

TEST(Expr, RefusesToMultiplyWithoutEnd) {
    Expr expr = simplify(*parse_expr("reg0 != 5", symbols(), nullptr));
    EXPECT_EQ(to_match_set(expr, 10).message(), "expression multiplies out to more than 10 OpenFlow matches");
}

TEST(Expr, PrintsAndParsesBack) {
    for (const char* text :
         {"ip4 && tcp.dst == 80", "!(ip4.src == {1.2.3.4, 5.0.0.0/8} || tcp.dst < 5)",
          "eth.dst[40] || vlan.present", "1 < tcp.src <= 7", "inport == {\"a\", \"b\\\"c\"} && (ip4 || ip6)",
          "reg0[3..5] == 2 && !reg0[7]", "is_chassis_resident(\"x\") && !is_chassis_resident(\"y\")",
          "ip6.src == fe80::/10", "0", "eth.type == 0x800", "ip4.src == 1.0.0.3/255.0.0.255",
          "ip4.src == 0.0.0.0/0", "xxreg0[0..31] == 0x50", "nd.sll == 00:00:00:00:00:01 || ct.new"}) {
        Result<Expr> first = parse_expr(text, symbols(), nullptr);
        ASSERT_TRUE(first.ok()) << text << ": " << first.message();
        std::string printed = to_string(*first);
        Result<Expr> second = parse_expr(printed, symbols(), nullptr);
        ASSERT_TRUE(second.ok()) << printed << ": " << second.message();
        EXPECT_EQ(to_string(*second), printed);
    }
}

// A packet as far as random expressions look at it: values of OpenFlow fields.
using Packet = std::map<std::string, U128>;

U128 value_of(const Symbol& symbol, const Packet& packet) {
    auto get = [&](const std::string& name) {
        auto it = packet.find(name);
        return it == packet.end() ? U128{0} : it->second;
    };
    if (symbol.field == "xreg0") return get("reg0") << 32 | get("reg1");
    return get(symbol.field) >> symbol.offset;
}

bool holds(const Expr& expr, const Packet& packet) {
    switch (expr.type) {
        case Expr::Type::kBoolean:
            return expr.truth;
        case Expr::Type::kResident:
            return (expr.text == "p1") == expr.truth;
        case Expr::Type::kAnd:
            return std::all_of(expr.children.begin(), expr.children.end(),
                               [&](const Expr& child) { return holds(child, packet); });
        case Expr::Type::kOr:
            return std::any_of(expr.children.begin(), expr.children.end(),
                               [&](const Expr& child) { return holds(child, packet); });
        case Expr::Type::kCompare:
            break;
    }
    if (expr.symbol->is_string())
        return value_of(*expr.symbol, packet) == Ports().port(*expr.symbol, expr.text).value_or(0xffffffff);
    U128 value = value_of(*expr.symbol, packet) & expr.mask;
    switch (expr.relop) {
        case Relop::kEqual:
            return value == expr.value;
        case Relop::kNotEqual:
            return value != expr.value;
        case Relop::kLess:
            return value < expr.value;
        case Relop::kLessEqual:
            return value <= expr.value;
        case Relop::kGreater:
            return value > expr.value;
        case Relop::kGreaterEqual:
            return value >= expr.value;
    }
    return false;
}

bool passes(const Conjunct& tests, const Packet& packet) {
    return std::all_of(tests.tests().begin(), tests.tests().end(), [&](const FieldTest& test) {
        U128 value = 0;
        for (const auto& [name, v] : packet) {
            if (openflow::field_by_name(name)->id == test.field) value = v;
        }
        return (value & test.mask) == test.value;
    });
}

bool matches(const MatchSet& set, const Packet& packet) {
    std::map<uint32_t, uint64_t> met;
    std::map<uint32_t, unsigned> clauses;
    for (const FlowMatch& flow : set.matches) {
        if (!passes(flow.tests, packet)) continue;
        if (flow.clauses.empty() && !flow.conj_id) return true;
        for (const FlowMatch::Clause& clause : flow.clauses) {
            met[clause.conj_id] |= uint64_t{1} << clause.clause;
            clauses[clause.conj_id] = clause.clauses;
        }
    }
    return std::any_of(set.matches.begin(), set.matches.end(), [&](const FlowMatch& flow) {
        return flow.conj_id && passes(flow.tests, packet) && clauses.contains(flow.conj_id) &&
               met[flow.conj_id] == (uint64_t{1} << clauses[flow.conj_id]) - 1;
    });
}

class Random {
  public:
    explicit Random(unsigned seed) : random_(seed) {}
    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }

    std::string comparison(bool negated) {
        switch (below(9)) {
            case 0:
                return pick({"ip", "ip4", "ip6", "tcp", "udp", "arp", "icmp4"}, negated ? "ct.trk" : nullptr);
            case 1:
                return ordinal("ip4.src", 4, true);
            case 2:
                return ordinal("tcp.dst", 3, true);
            case 3:
                return ordinal("reg1", 4, true);
            case 4:
                return ordinal("xreg0[30..35]", 4, true);
            case 5:
                return negated ? "ct.est" : set("inport", {"\"p1\"", "\"p2\"", "\"px\""});
            case 6:
                return ordinal("udp.src[1..2]", 2, false);
            case 7:
                return negated ? "!ct.new" : "ct.new";
            default:
                return below(2) ? "is_chassis_resident(\"p1\")" : "reg0[1]";
        }
    }
    std::string expression(int depth, bool negated) {
        if (depth == 0 || below(4) == 0) return comparison(negated);
        if (below(5) == 0) return "!(" + expression(depth - 1, !negated) + ")";
        const char* op = below(2) ? " && " : " || ";
        std::string out = "(" + expression(depth - 1, negated);
        for (unsigned i = 0, n = 1 + below(2); i < n; ++i) out += op + expression(depth - 1, negated);
        return out + ")";
    }
    Packet packet() {
        Packet p;
        static constexpr uint32_t kTypes[] = {0x800, 0x86dd, 0x806};
        static constexpr uint8_t kProtocols[] = {1, 6, 17};
        p["eth_type"] = kTypes[below(3)];
        p["ip_proto"] = kProtocols[below(3)];
        // Small values, so that comparisons are often true.
        p["ip_src"] = below(16);
        p["tcp_dst"] = p["udp_dst"] = below(8);
        p["tcp_src"] = p["udp_src"] = below(8);
        for (int i = 0; i < 4; ++i) p["reg" + std::to_string(i)] = below(16) | below(4) << 30;
        p["reg14"] = 1 + below(3);
        p["ct_state"] = below(64);
        return p;
    }

  private:
    std::string pick(std::initializer_list<const char*> from, const char* instead) {
        return instead ? instead : *(from.begin() + below(static_cast<unsigned>(from.size())));
    }
    std::string set(const char* field, std::initializer_list<const char*> from) {
        std::string out = std::string(field) + " == {";
        for (const char* member : from) {
            if (below(2)) out += std::string(member) + ", ";
        }
        return out + "}";
    }
    std::string ordinal(const char* field, unsigned bits, bool masks) {
        static constexpr const char* kRelops[] = {"==", "!=", "<", "<=", ">", ">="};
        unsigned kind = below(10);
        if (kind < 6)
            return std::string(field) + " " + kRelops[kind] + " " + std::to_string(below(1u << bits));
        if (kind == 6)
            return std::to_string(below(1u << bits)) + " <= " + field + " < " +
                   std::to_string(below(1u << bits));
        if (kind == 7 && masks) {
            unsigned mask = below(1u << bits);
            return std::string(field) + (below(2) ? " == " : " != ") +
                   std::to_string(below(1u << bits) & mask) + "/" + std::to_string(mask);
        }
        std::string out = std::string(field) + (below(2) ? " == {" : " != {");
        for (unsigned i = 0, n = below(5); i < n; ++i) out += std::to_string(below(1u << bits)) + ", ";
        return out + "}";
    }
    std::mt19937 random_;
};

TEST(Expr, MatchesAreWhatTheExpressionSays) {
    const char* given = std::getenv("WEFT_SEED");
    unsigned seed = given ? static_cast<unsigned>(std::atoi(given)) : std::random_device()();
    Random random(seed);
    size_t conjunctions = 0, truths = 0;
    for (int i = 0; i < 1500; ++i) {
        std::string text = random.expression(3, false);
        SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed) + " " + text);
        Result<Expr> parsed = parse_expr(text, symbols(), nullptr);
        ASSERT_TRUE(parsed.ok()) << parsed.message();
        Result<Expr> annotated = annotate(*parsed, symbols());
        ASSERT_TRUE(annotated.ok()) << annotated.message();
        Result<MatchSet> set = to_match_set(resolve(simplify(*annotated), Ports()));
        ASSERT_TRUE(set.ok()) << set.message();
        conjunctions += set->conj_ids;
        for (int j = 0; j < 40; ++j) {
            Packet packet = random.packet();
            bool wanted = holds(*annotated, packet);
            truths += wanted;
            ASSERT_EQ(matches(*set, packet), wanted) << to_string(*annotated);
        }
    }
    EXPECT_GT(conjunctions, 20u);
    EXPECT_GT(truths, 1000u);
}

}  // namespace
}  // namespace weft::logical
