// Fuzzes the text forms, which come from command lines: what parses prints, and what was printed parses to
// the same.

#include "datapath/api/text.h"

#include <cstdlib>

using namespace weft;
using namespace weft::datapath;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    if (auto match = parse_match(text)) (void)format_match(match->key, match->mask, nullptr, size & 1);
    auto actions = parse_actions(text);
    if (!actions) return 0;
    std::string printed = format_actions(*actions);
    auto again = parse_actions(printed);
    if (!again || format_actions(*again) != printed) std::abort();
    return 0;
}
