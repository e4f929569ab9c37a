#include "openflow/version.h"

#include "openflow/text.h"

namespace weft::openflow {

const char* version_name(Version version) {
    switch (version) {
        case Version::k10:
            return "OpenFlow10";
        case Version::k11:
            return "OpenFlow11";
        case Version::k12:
            return "OpenFlow12";
        case Version::k13:
            return "OpenFlow13";
        case Version::k14:
            return "OpenFlow14";
        case Version::k15:
            return "OpenFlow15";
    }
    return "unknown";
}

std::optional<Version> parse_version(std::string_view text) {
    for (Version version : kAllVersions) {
        std::string name = version_name(version);
        if (text::equals_ignoring_case(text, name)) return version;
        name.insert(name.size() - 1, ".");
        if (text::equals_ignoring_case(text, name)) return version;
    }
    return std::nullopt;
}

std::string version_bitmap_text(uint32_t bitmap) {
    std::string out;
    for (unsigned bit = 0; bit < 32; bit++) {
        if (!(bitmap & 1u << bit)) continue;
        if (!out.empty()) out += ", ";
        text::append(out, "0x{:02x}", bit);
    }
    return out;
}

}  // namespace weft::openflow
