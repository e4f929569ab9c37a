// Any text as a logical match and as logical actions: refused, or printed as what is read again as the same;
// and matches become OpenFlow matches.

#include <cstdint>
#include <cstdlib>

#include "logical/action.h"
#include "logical/expr.h"
#include "logical/match_set.h"

using namespace weft;
using namespace weft::logical;

namespace {

struct Ports : PortLookup {
    std::optional<uint32_t> port(const Symbol&, std::string_view name) const override {
        return name.size() % 3 ? std::optional<uint32_t>(name.size()) : std::nullopt;
    }
    bool is_chassis_resident(std::string_view name) const override { return name.size() % 2; }
};

void match(std::string_view text) {
    auto expr = parse_expr(text, SymbolTable::standard(), nullptr);
    if (!expr) return;
    std::string printed = to_string(*expr);
    auto again = parse_expr(printed, SymbolTable::standard(), nullptr);
    if (!again || to_string(*again) != printed) std::abort();
    auto annotated = annotate(*std::move(expr), SymbolTable::standard());
    if (annotated) (void)to_match_set(resolve(simplify(*std::move(annotated)), Ports()));
}

void actions(std::string_view text) {
    auto program = parse_actions(text, {});
    if (!program) return;
    std::string printed = to_string(*program);
    auto again = parse_actions(printed, {});
    if (!again || to_string(*again) != printed) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    match(text);
    actions(text);
    return 0;
}
