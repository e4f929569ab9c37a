// Any bytes as JSON: refused, or a value whose text is read again as the same value; and the framer finds the
// same values, in pieces of any size.

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "json/text.h"

using namespace weft;

namespace {

std::vector<std::string> framed(std::string_view bytes, size_t piece) {
    json::Framer framer(size_t{1} << 20, 100);
    std::vector<std::string> values;
    while (!bytes.empty()) {
        framer.feed(bytes.substr(0, piece));
        bytes.remove_prefix(std::min(piece, bytes.size()));
        for (std::string text;;) {
            auto more = framer.next(text);
            if (!more) return values;
            if (!*more) break;
            values.push_back(text);
        }
    }
    return values;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (auto value = json::parse(bytes)) {
        for (json::Style style : {json::Style::kCompact, json::Style::kPretty}) {
            auto again = json::parse(json::to_text(*value, style));
            if (!again || !(*again == *value)) std::abort();
        }
    }
    if (framed(bytes, 1) != framed(bytes, size + 1)) std::abort();
    return 0;
}
