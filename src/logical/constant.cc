#include "logical/constant.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <cstdlib>

#include "base/append.h"

namespace weft::logical {

namespace {

U128 from_bytes(const uint8_t* bytes, size_t count) {
    U128 v = 0;
    for (size_t i = 0; i < count; ++i) v = v << 8 | bytes[i];
    return v;
}

unsigned format_width(Format format) {
    switch (format) {
        case Format::kIpv4:
            return 32;
        case Format::kEthernet:
            return 48;
        default:
            return 128;
    }
}

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return 99;
}

std::optional<U128> parse_based(std::string_view text, unsigned base) {
    if (text.empty()) return std::nullopt;
    U128 v = 0;
    const U128 limit = ~static_cast<U128>(0);
    for (char c : text) {
        unsigned d = static_cast<unsigned>(digit(c));
        if (d >= base || v > (limit - d) / base) return std::nullopt;
        v = v * base + d;
    }
    return v;
}

std::optional<U128> parse_ethernet(std::string_view text) {
    U128 v = 0;
    int groups = 0;
    while (true) {
        size_t colon = text.find(':');
        std::string_view group = text.substr(0, colon);
        if (group.empty() || group.size() > 2) return std::nullopt;
        std::optional<U128> byte = parse_based(group, 16);
        if (!byte) return std::nullopt;
        v = v << 8 | *byte;
        ++groups;
        if (colon == std::string_view::npos) break;
        text.remove_prefix(colon + 1);
    }
    return groups == 6 ? std::optional<U128>(v) : std::nullopt;
}

struct Plain {
    U128 value;
    Format format;
};

// One number or address, without a mask.
std::optional<Plain> parse_plain(std::string_view text) {
    if (text.size() >= 64 || text.empty()) return std::nullopt;
    bool colon = text.find(':') != std::string_view::npos;
    if (!colon && text.find('.') == std::string_view::npos) {
        bool hex = text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
        std::optional<U128> v = hex ? parse_based(text.substr(2), 16) : parse_based(text, 10);
        if (!v || (!hex && high64(*v))) return std::nullopt;
        return Plain{*v, hex ? Format::kHex : Format::kDecimal};
    }
    if (colon) {
        if (std::optional<U128> ethernet = parse_ethernet(text)) return Plain{*ethernet, Format::kEthernet};
    }
    std::array<char, 64> copy{};
    text.copy(copy.data(), text.size());
    std::array<uint8_t, 16> bytes{};
    if (inet_pton(colon ? AF_INET6 : AF_INET, copy.data(), bytes.data()) != 1) return std::nullopt;
    if (colon) return Plain{from_bytes(bytes.data(), 16), Format::kIpv6};
    return Plain{from_bytes(bytes.data(), 4), Format::kIpv4};
}

bool is_prefix_mask(U128 mask, unsigned width) {
    unsigned zeros = mask ? trailing_zeros(mask) : width;
    return mask == (low_bits(width) & ~low_bits(zeros));
}

}  // namespace

Constant make_integer(U128 value, Format format) {
    Constant c;
    c.value = value;
    c.mask = low_bits(format_width(format));
    c.format = format;
    return c;
}

Constant make_string(std::string_view text) {
    Constant c;
    c.is_string = true;
    c.text = text;
    return c;
}

std::optional<Constant> parse_integer_constant(std::string_view text) {
    size_t slash = text.find('/');
    std::optional<Plain> plain = parse_plain(text.substr(0, slash));
    if (!plain) return std::nullopt;
    Constant c = make_integer(plain->value, plain->format);
    if (slash == std::string_view::npos) return c;

    std::optional<Plain> mask = parse_plain(text.substr(slash + 1));
    if (!mask) return std::nullopt;
    c.masked = true;
    unsigned width = format_width(c.format);
    bool address = c.format == Format::kIpv4 || c.format == Format::kIpv6;
    if (address && mask->format == Format::kDecimal) {
        if (mask->value > width) return std::nullopt;
        c.mask = low_bits(width) & ~low_bits(width - static_cast<unsigned>(mask->value));
    } else {
        bool number = c.format == Format::kDecimal || c.format == Format::kHex;
        bool mask_number = mask->format == Format::kDecimal || mask->format == Format::kHex;
        if (number ? !mask_number : mask->format != c.format) return std::nullopt;
        c.mask = mask->value;
    }
    if (c.value & ~c.mask) return std::nullopt;
    return c;
}

void print_integer(U128 value, Format format, std::string& out) {
    std::array<uint8_t, 16> bytes{};
    for (size_t i = 0; i < 16; ++i) bytes[15 - i] = static_cast<uint8_t>(value >> (8 * i));
    std::array<char, INET6_ADDRSTRLEN> text{};
    switch (format) {
        case Format::kDecimal:
            if (high64(value)) return print_integer(value, Format::kHex, out);
            append(out, "{}", low64(value));
            return;
        case Format::kHex:
            if (high64(value)) {
                append(out, "0x{:x}{:016x}", high64(value), low64(value));
            } else {
                append(out, "0x{:x}", low64(value));
            }
            return;
        case Format::kIpv4:
            append(out, "{}.{}.{}.{}", bytes[12], bytes[13], bytes[14], bytes[15]);
            return;
        case Format::kIpv6:
            inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
            out += text.data();
            return;
        case Format::kEthernet:
            append(out, "{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", bytes[10], bytes[11], bytes[12],
                   bytes[13], bytes[14], bytes[15]);
            return;
    }
}

void print_quoted(std::string_view text, std::string& out) {
    out += '"';
    for (char c : text) {
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\b':
                out += "\\b";
                break;
            case '\f':
                out += "\\f";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    append(out, "\\u{:04x}", static_cast<unsigned>(c));
                } else {
                    out += c;
                }
        }
    }
    out += '"';
}

void print_constant(const Constant& constant, std::string& out) {
    if (constant.is_string) return print_quoted(constant.text, out);
    print_integer(constant.value, constant.format, out);
    if (!constant.masked) return;
    out += '/';
    unsigned width = format_width(constant.format);
    bool address = constant.format == Format::kIpv4 || constant.format == Format::kIpv6;
    if (address && is_prefix_mask(constant.mask, width)) {
        unsigned zeros = constant.mask ? trailing_zeros(constant.mask) : width;
        print_integer(width - zeros, Format::kDecimal, out);
    } else {
        print_integer(constant.mask, constant.format, out);
    }
}

}  // namespace weft::logical
