// Text that is nearly right: whatever a mutation makes of a match or of actions is refused with a message or
// means what its printed form means.  Nothing crashes.

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "logical/action.h"
#include "logical/expr.h"
#include "logical/match_set.h"

namespace weft::logical {
namespace {

struct ActionCase {
    bool is_switch;
    Pipeline pipeline;
    uint8_t table;
    const char* actions;
    const char* openflow;
};
const ActionCase kCases[] = {
#include "logical/action_cases.inc"
};

const char* const kMatches[] = {
    "ip4.src == {1.1.1.0/24, 2.2.2.2} && tcp.dst == {80, 443}",
    "!(1024 <= tcp.src <= 1030) || vlan.vid == 0x7/0xf",
    "inport == {\"p1\", \"p\\u00e42\"} && eth.dst == aa:bb:cc:dd:ee:ff",
    "nd_ns && nd.target == fe80::1 && ip6.dst == {ff02::/16, ::1}",
    "reg0[3..5] != 2 && (ct.new || !ct.est) /* note */ && xxreg0[0..31] > 9",
    "is_chassis_resident(\"cr-lr\") && 5 < ip.ttl == {0, 1}",
};

std::string mutate(std::string text, const std::string& other, std::mt19937& random) {
    static constexpr std::string_view kPieces[] = {
        "(",  ")", "{",  "}",   "[",  "]",   "==",   "!=",     "!",          "&&", "||",
        ",",  ";", "..", "/",   "0x", "1",   "$",    "@",      "\"",         "\\", ":",
        "::", "-", "--", "<->", "=",  "ip4", "reg0", "inport", "4294967296", "/*", "//"};
    auto below = [&](size_t n) { return static_cast<size_t>(random() % (n ? n : 1)); };
    for (size_t i = 0, n = 1 + below(4); i < n && !text.empty(); ++i) {
        size_t at = below(text.size());
        switch (below(5)) {
            case 0:
                text.erase(at, 1 + below(6));
                break;
            case 1:
                text[at] = static_cast<char>(below(256));
                break;
            case 2:
                text.insert(at, kPieces[below(std::size(kPieces))]);
                break;
            case 3:
                text.insert(at, text.substr(below(text.size()), below(20)));
                break;
            default:
                text.replace(at, below(10), other.substr(below(other.size()), below(20)));
        }
    }
    return text;
}

struct NoPorts : PortLookup {
    std::optional<uint32_t> port(const Symbol&, std::string_view name) const override {
        return name.size() % 3;
    }
    bool is_chassis_resident(std::string_view) const override { return true; }
};

unsigned seed() {
    const char* given = std::getenv("WEFT_SEED");
    return given ? static_cast<unsigned>(std::atoi(given)) : std::random_device()();
}

TEST(Mutation, Matches) {
    unsigned s = seed();
    std::mt19937 random(s);
    size_t accepted = 0;
    for (int i = 0; i < 20000; ++i) {
        std::string text = mutate(kMatches[random() % std::size(kMatches)],
                                  kMatches[random() % std::size(kMatches)], random);
        SCOPED_TRACE("WEFT_SEED=" + std::to_string(s) + " " + text);
        Result<Expr> expr = parse_expr(text, SymbolTable::standard(), nullptr);
        if (!expr) {
            EXPECT_FALSE(expr.message().empty());
            continue;
        }
        ++accepted;
        std::string printed = to_string(*expr);
        Result<Expr> again = parse_expr(printed, SymbolTable::standard(), nullptr);
        ASSERT_TRUE(again.ok()) << printed << ": " << again.message();
        ASSERT_EQ(to_string(*again), printed);
        Result<Expr> annotated = annotate(*std::move(expr), SymbolTable::standard());
        if (annotated) (void)to_match_set(resolve(simplify(*std::move(annotated)), NoPorts()), 1000);
    }
    EXPECT_GT(accepted, 100u);
}

TEST(Mutation, Actions) {
    unsigned s = seed();
    std::mt19937 random(s);
    size_t accepted = 0;
    for (int i = 0; i < 20000; ++i) {
        const ActionCase& c = kCases[random() % std::size(kCases)];
        std::string text = mutate(c.actions, kCases[random() % std::size(kCases)].actions, random);
        SCOPED_TRACE("WEFT_SEED=" + std::to_string(s) + " " + text);
        ActionParseContext context;
        context.pipeline = c.pipeline;
        context.table = c.table;
        Result<ActionProgram> program = parse_actions(text, context);
        if (!program) {
            EXPECT_FALSE(program.message().empty());
            continue;
        }
        ++accepted;
        std::string printed = to_string(*program);
        Result<ActionProgram> again = parse_actions(printed, context);
        ASSERT_TRUE(again.ok()) << printed << ": " << again.message();
        ASSERT_EQ(to_string(*again), printed);
    }
    EXPECT_GT(accepted, 100u);
}

}  // namespace
}  // namespace weft::logical
