// OpenFlow errors: what a switch answers to a message it cannot obey.
//
// Decoding returns one of these; encoding finds the (vendor, type, code) of it in each version (an error that
// a version lacks is sent as the nearest that it has).  Names are those `ovs-ofctl` prints, e.g.
// "OFPBMC_BAD_PREREQ".

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "openflow/version.h"

namespace weft::openflow {

enum class OfError : uint16_t {
    kNone = 0,
#define WEFT_OF_ERROR(name, ...) name,  // spelled as the standard and ovs-ofctl do
#include "openflow/error_list.inc"
#undef WEFT_OF_ERROR
};

const char* error_name(OfError error);  // "OFPBMC_BAD_PREREQ"; "" for kNone
std::optional<OfError> error_from_name(std::string_view name);

struct ErrorCode {
    uint32_t vendor = 0;  // 0: standard
    uint16_t type = 0;
    uint16_t code = 0;
    bool operator==(const ErrorCode&) const = default;
};
ErrorCode error_code(OfError error, Version version);
std::optional<OfError> error_from_code(const ErrorCode& code, Version version);

}  // namespace weft::openflow
