// The wire form of DHCPv4, DHCPv6 and router advertisement options.

#include <fmt/format.h>

#include <algorithm>

#include "logical/actions/options.h"
#include "logical/actions/parser.h"

namespace weft::logical {

namespace {

using Option = PutOptions::Option;

void put_number(const Constant& c, unsigned bytes, ByteWriter& out) {
    for (unsigned i = bytes; i-- > 0;) out.u8(static_cast<uint8_t>(c.value >> (8 * i)));
}

void put_text(std::string_view text, ByteWriter& out) {
    out.bytes(as_bytes(text));
}

Error wrong(const Option& option, std::string_view what) {
    return Error{fmt::format("{} option {} requires {}.", option.type, option.name, what)};
}

bool all_of(const Option& option, Format format) {
    return !option.values.empty() &&
           std::all_of(option.values.begin(), option.values.end(),
                       [&](const Constant& c) { return !c.is_string && c.format == format; });
}

bool is_one_number(const Option& option, U128 limit) {
    return option.values.size() == 1 && !option.values[0].is_string && option.values[0].value <= limit;
}

bool is_one_string(const Option& option) {
    return option.values.size() == 1 && option.values[0].is_string;
}

unsigned prefix_length(const Constant& c, unsigned width) {
    if (!c.masked) return width;
    return c.mask ? width - trailing_zeros(c.mask) : 0;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        size_t at = text.find(separator);
        std::string_view part = text.substr(0, at);
        while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
        while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
        parts.push_back(part);
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

bool is_domain(std::string_view name) {
    if (name.empty() || name.size() > 253) return false;
    auto labels = split(name, '.');
    return std::all_of(labels.begin(), labels.end(),
                       [](std::string_view label) { return !label.empty() && label.size() <= 63; });
}

// RFC 1035 3.1: labels with their lengths; a zero ends the name.
void put_domain(std::string_view name, ByteWriter& out) {
    for (std::string_view label : split(name, '.')) {
        out.u8(static_cast<uint8_t>(label.size()));
        put_text(label, out);
    }
    out.u8(0);
}

// RFC 3397: a list of names, where a name's tail that was already written is a pointer to it.
Bytes compressed_domains(std::string_view list) {
    ByteWriter out;
    std::vector<std::pair<std::string, uint16_t>> seen;
    for (std::string_view name : split(list, ',')) {
        std::string_view rest = name;
        bool pointed = false;
        while (!rest.empty() && !pointed) {
            auto it = std::find_if(seen.begin(), seen.end(), [&](const auto& s) { return s.first == rest; });
            if (it != seen.end()) {
                out.u16(static_cast<uint16_t>(0xc000 | it->second));
                pointed = true;
                break;
            }
            seen.emplace_back(std::string(rest), static_cast<uint16_t>(out.size()));
            size_t dot = rest.find('.');
            std::string_view label = rest.substr(0, dot);
            out.u8(static_cast<uint8_t>(label.size()));
            put_text(label, out);
            rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
        }
        if (!pointed) out.u8(0);
    }
    return out.take();
}

// RFC 3442: prefix length, the prefix's significant bytes, the router.
Bytes static_routes(const Option& option) {
    ByteWriter out;
    for (size_t i = 0; i + 1 < option.values.size(); i += 2) {
        unsigned length = prefix_length(option.values[i], 32);
        out.u8(static_cast<uint8_t>(length));
        for (unsigned byte = 0; byte < (length + 7) / 8; ++byte) {
            out.u8(static_cast<uint8_t>(option.values[i].value >> (24 - 8 * byte)));
        }
        put_number(option.values[i + 1], 4, out);
    }
    return out.take();
}

Bytes dhcpv4_value(const Option& option) {
    ByteWriter out;
    const std::string& type = option.type;
    const Constant& first = option.values[0];
    if (type == "bool" || type == "uint8") {
        put_number(first, 1, out);
    } else if (type == "uint16") {
        put_number(first, 2, out);
    } else if (type == "uint32") {
        put_number(first, 4, out);
    } else if (type == "static_routes") {
        return static_routes(option);
    } else if (type == "domains") {
        return compressed_domains(first.text);
    } else if (first.is_string) {
        put_text(first.text, out);
    } else {
        for (const Constant& address : option.values) put_number(address, 4, out);
    }
    return out.take();
}

}  // namespace

Result<void> check_dhcpv4_option(const Option& option) {
    const std::string& type = option.type;
    if (type == "bool" && !is_one_number(option, 1)) return wrong(option, "0 or 1");
    if (type == "uint8" && !is_one_number(option, 0xff)) return wrong(option, "an integer of up to 8 bits");
    if (type == "uint16" && !is_one_number(option, 0xffff))
        return wrong(option, "an integer of up to 16 bits");
    if (type == "uint32" && !is_one_number(option, 0xffffffff))
        return wrong(option, "an integer of up to 32 bits");
    if (type == "ipv4" && !all_of(option, Format::kIpv4)) return wrong(option, "IPv4 addresses");
    if (type == "str" && !is_one_string(option)) return wrong(option, "a string");
    if (type == "host_id" && !is_one_string(option) && !all_of(option, Format::kIpv4)) {
        return wrong(option, "a string or an IPv4 address");
    }
    if (type == "static_routes" && (!all_of(option, Format::kIpv4) || option.values.size() % 2)) {
        return wrong(option, "pairs of a destination network and a router");
    }
    if (type == "domains") {
        if (!is_one_string(option)) return wrong(option, "a string of domain names, separated by commas");
        for (std::string_view name : split(option.values[0].text, ',')) {
            if (!is_domain(name)) return wrong(option, "domain names of labels of up to 63 characters");
        }
    }
    if (dhcpv4_value(option).size() > 255) return wrong(option, "a value of up to 255 bytes");
    return {};
}

void encode_dhcpv4_option(const Option& option, ByteWriter& out) {
    Bytes value = dhcpv4_value(option);
    out.u8(static_cast<uint8_t>(option.code));
    out.u8(static_cast<uint8_t>(value.size()));
    out.bytes(value);
}

Result<void> check_dhcpv6_option(const Option& option) {
    if (option.type == "ipv6" && !all_of(option, Format::kIpv6)) return wrong(option, "IPv6 addresses");
    if (option.type == "mac" && !(all_of(option, Format::kEthernet) && option.values.size() == 1)) {
        return wrong(option, "an Ethernet address");
    }
    bool text = option.type == "str" || option.type == "domain";
    if (text && !is_one_string(option)) return wrong(option, "a string");
    return {};
}

void encode_dhcpv6_option(const Option& option, ByteWriter& out) {
    ByteWriter value;
    for (const Constant& c : option.values) {
        if (option.type == "ipv6") {
            put_number(c, 16, value);
        } else if (option.type == "mac") {
            put_number(c, 6, value);
        } else if (option.type == "domain") {
            put_domain(c.text, value);
        } else {
            put_text(c.text, value);
        }
    }
    out.u16(option.code);
    out.u16(static_cast<uint16_t>(value.size()));
    out.bytes(value.view());
}

namespace {

constexpr uint32_t kForever = 0xffffffff;

const Option* find(const std::vector<Option>& options, std::string_view name) {
    for (const Option& option : options) {
        if (option.name == name) return &option;
    }
    return nullptr;
}

// RFC 4191 2.1: bits 3 and 4.
std::optional<uint8_t> preference_bits(std::string_view text) {
    if (text == "HIGH") return 0x08;
    if (text == "MEDIUM") return 0x00;
    if (text == "LOW") return 0x18;
    return std::nullopt;
}

struct RouteInfo {
    uint8_t preference;
    Constant prefix;
};

// "MEDIUM-aef0::/64", or just the prefix.
std::optional<RouteInfo> parse_route_info(std::string_view text) {
    size_t dash = text.find('-');
    uint8_t preference = 0;
    if (dash != std::string_view::npos) {
        std::optional<uint8_t> bits = preference_bits(text.substr(0, dash));
        if (!bits) return std::nullopt;
        preference = *bits;
        text.remove_prefix(dash + 1);
    }
    std::optional<Constant> prefix = parse_integer_constant(text);
    if (!prefix || prefix->format != Format::kIpv6) return std::nullopt;
    return RouteInfo{preference, *prefix};
}

void put_prefix(const Constant& prefix, bool stateful, ByteWriter& out) {
    out.u8(3);
    out.u8(4);
    out.u8(static_cast<uint8_t>(prefix_length(prefix, 128)));
    out.u8(stateful ? 0x80 : 0xc0);  // on-link; autonomous unless DHCPv6 assigns
    out.u32(kForever);
    out.u32(kForever);
    out.u32(0);
    put_number(prefix, 16, out);
}

void put_route_info(const RouteInfo& route, ByteWriter& out) {
    unsigned length = prefix_length(route.prefix, 128);
    unsigned words = length == 0 ? 0 : length <= 64 ? 1 : 2;
    out.u8(24);
    out.u8(static_cast<uint8_t>(1 + words));
    out.u8(static_cast<uint8_t>(length));
    out.u8(route.preference);
    out.u32(kForever);
    for (unsigned byte = 0; byte < 8 * words; ++byte) {
        out.u8(static_cast<uint8_t>(route.prefix.value >> (120 - 8 * byte)));
    }
}

void put_dnssl(std::string_view list, ByteWriter& out) {
    ByteWriter names;
    for (std::string_view name : split(list, ',')) put_domain(name, names);
    names.pad(8);
    out.u8(31);
    out.u8(static_cast<uint8_t>(1 + names.size() / 8));
    out.u16(0);
    out.u32(kForever);
    out.bytes(names.view());
}

void put_rdnss(const Option& option, ByteWriter& out) {
    out.u8(25);
    out.u8(static_cast<uint8_t>(1 + 2 * option.values.size()));
    out.u16(0);
    out.u32(kForever);
    for (const Constant& server : option.values) put_number(server, 16, out);
}

Result<void> check_ra_option(const Option& option) {
    const std::string& name = option.name;
    auto fail = [&](std::string_view what) {
        return Error{fmt::format("ND RA option {} requires {}.", name, what)};
    };
    if (name == "addr_mode") {
        const std::string mode = is_one_string(option) ? option.values[0].text : "";
        if (mode != "slaac" && mode != "dhcpv6_stateful" && mode != "dhcpv6_stateless") {
            return fail("\"slaac\", \"dhcpv6_stateful\" or \"dhcpv6_stateless\"");
        }
    }
    if (name == "slla" && !(all_of(option, Format::kEthernet) && option.values.size() == 1)) {
        return fail("an Ethernet address");
    }
    if (name == "mtu" && !is_one_number(option, 0xffffffff)) return fail("a number of bytes");
    if (name == "prefix" && !(all_of(option, Format::kIpv6) && option.values.size() == 1))
        return fail("an IPv6 prefix");
    if (name == "rdnss" && !all_of(option, Format::kIpv6)) return fail("IPv6 addresses");
    if (name == "router_preference" && !(is_one_string(option) && preference_bits(option.values[0].text))) {
        return fail("\"HIGH\", \"MEDIUM\" or \"LOW\"");
    }
    if (name == "dnssl" || name == "route_info") {
        if (!is_one_string(option)) return fail("a string");
        for (std::string_view part : split(option.values[0].text, ',')) {
            if (name == "dnssl" ? !is_domain(part) : !parse_route_info(part)) {
                return fail(name == "dnssl" ? "domain names" : "PREFERENCE-PREFIX, separated by commas");
            }
        }
    }
    return {};
}

}  // namespace

Result<void> check_router_advertisement(const std::vector<Option>& options) {
    for (const Option& option : options) WEFT_TRY(check_ra_option(option));
    const Option* mode = find(options, "addr_mode");
    if (!mode || !find(options, "slla")) return Error{"put_nd_ra_opts requires addr_mode and slla."};
    if (mode->values[0].text == "slaac" && !find(options, "prefix")) {
        return Error{"put_nd_ra_opts requires a prefix for addr_mode \"slaac\"."};
    }
    return {};
}

// RFC 4861 4.2: the header of the message, then the options in the order given.
void encode_router_advertisement(const std::vector<Option>& options, ByteWriter& out) {
    const std::string& mode = find(options, "addr_mode")->values[0].text;
    bool stateful = mode == "dhcpv6_stateful";
    uint8_t flags = stateful ? 0x80 : mode == "dhcpv6_stateless" ? 0x40 : 0;
    if (const Option* preference = find(options, "router_preference")) {
        flags = static_cast<uint8_t>(flags | *preference_bits(preference->values[0].text));
    }
    out.u8(134);
    out.u8(0);
    out.u16(0);    // checksum
    out.u8(0xff);  // hop limit
    out.u8(flags);
    out.u16(0xffff);  // router lifetime
    out.u32(0);
    out.u32(0);
    for (const Option& option : options) {
        const Constant& first = option.values[0];
        if (option.name == "slla") {
            out.u8(1);
            out.u8(1);
            put_number(first, 6, out);
        } else if (option.name == "mtu") {
            out.u8(5);
            out.u8(1);
            out.u16(0);
            put_number(first, 4, out);
        } else if (option.name == "prefix") {
            put_prefix(first, stateful, out);
        } else if (option.name == "rdnss") {
            put_rdnss(option, out);
        } else if (option.name == "dnssl") {
            put_dnssl(first.text, out);
        } else if (option.name == "route_info") {
            for (std::string_view part : split(first.text, ',')) put_route_info(*parse_route_info(part), out);
        }
    }
}

}  // namespace weft::logical
