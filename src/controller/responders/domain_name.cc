#include "controller/responders/domain_name.h"

#include <cctype>

namespace weft::controller {

bool put_domain_name(std::string_view name, ByteWriter& out) {
    if (!name.empty() && name.back() == '.') name.remove_suffix(1);
    if (name.empty() || name.size() + 2 > kMaxDomainName) return false;
    ByteWriter labels;
    while (true) {
        size_t dot = name.find('.');
        std::string_view label = name.substr(0, dot);
        if (label.empty() || label.size() > kMaxDomainLabel) return false;
        labels.u8(static_cast<uint8_t>(label.size()));
        labels.bytes(as_bytes(label));
        if (dot == std::string_view::npos) break;
        name.remove_prefix(dot + 1);
    }
    labels.u8(0);
    out.bytes(labels.view());
    return true;
}

void put_domain_names(std::string_view list, ByteWriter& out) {
    while (!list.empty()) {
        size_t end = list.find_first_of(", ");
        put_domain_name(list.substr(0, end), out);
        if (end == std::string_view::npos) return;
        list.remove_prefix(end + 1);
    }
}

std::optional<std::string> read_domain_name(ByteReader& in) {
    std::string name;
    size_t size = 1;
    while (true) {
        size_t length = in.u8();
        if (!in.ok()) return std::nullopt;
        if (length == 0) return name;
        size += 1 + length;
        ByteView label = length > kMaxDomainLabel || size > kMaxDomainName ? ByteView() : in.bytes(length);
        if (label.empty()) {
            in.fail();
            return std::nullopt;
        }
        if (!name.empty()) name += '.';
        for (uint8_t byte : label) {
            if (byte <= ' ' || byte >= 0x7f || byte == '.') {
                in.fail();
                return std::nullopt;
            }
            name += static_cast<char>(std::tolower(byte));
        }
    }
}

}  // namespace weft::controller
