#include "openflow/error.h"

#include <cstddef>
#include <iterator>

namespace weft::openflow {
namespace {

struct Entry {
    const char* name;
    struct {
        uint32_t vendor;
        int32_t type, code;
    } codes[6];
};

constexpr Entry kErrors[] = {
#define WEFT_OF_ERROR(name, ...) {#name, {__VA_ARGS__}},
#include "openflow/error_list.inc"
#undef WEFT_OF_ERROR
};

}  // namespace

const char* error_name(OfError error) {
    return error == OfError::kNone ? "" : kErrors[static_cast<size_t>(error) - 1].name;
}

std::optional<OfError> error_from_name(std::string_view name) {
    for (size_t i = 0; i < std::size(kErrors); i++) {
        if (name == kErrors[i].name) return static_cast<OfError>(i + 1);
    }
    return std::nullopt;
}

ErrorCode error_code(OfError error, Version version) {
    const Entry& entry = kErrors[static_cast<size_t>(error) - 1];
    const auto& code = entry.codes[static_cast<size_t>(version) - 1];
    if (code.type >= 0) {
        return {code.vendor, static_cast<uint16_t>(code.type), static_cast<uint16_t>(code.code)};
    }
    return error_code(OfError::NXBRC_UNENCODABLE_ERROR, version);
}

std::optional<OfError> error_from_code(const ErrorCode& wanted, Version version) {
    for (size_t i = 0; i < std::size(kErrors); i++) {
        const auto& code = kErrors[i].codes[static_cast<size_t>(version) - 1];
        if (code.type == wanted.type && code.code == wanted.code && code.vendor == wanted.vendor) {
            return static_cast<OfError>(i + 1);
        }
    }
    return std::nullopt;
}

}  // namespace weft::openflow
