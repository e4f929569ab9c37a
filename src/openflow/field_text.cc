// Field values and subfields as text.

#include "openflow/field.h"
#include "openflow/flag_text.h"
#include "openflow/names.h"
#include "openflow/text.h"

namespace weft::openflow {
namespace {

constexpr uint32_t kAllCtState = 0xff, kAllTcpFlags = 0xfff;

// A number of any size, right-aligned in the field.  kTooLarge is told apart, for its message.
enum class NumberError { kNone, kSyntax, kTooLarge };
NumberError parse_number(std::string_view text, const Field& f, FieldValue& out) {
    out = FieldValue();
    if (f.bytes <= 8) {
        auto value = text::parse_u64(text);
        if (!value) return NumberError::kSyntax;
        if (f.bytes < 8 && *value >> f.bytes * 8) return NumberError::kTooLarge;
        out = FieldValue::from_u64(f, *value);
        return NumberError::kNone;
    }
    if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        text.remove_prefix(2);
        for (char c : text) {
            if (text::hex_digit(c) < 0) return NumberError::kSyntax;
        }
        while (!text.empty() && text[0] == '0') text.remove_prefix(1);
        if (text.size() > f.bytes * 2u) return NumberError::kTooLarge;
        for (size_t i = 0; i < text.size(); i++) {
            int digit = text::hex_digit(text[text.size() - 1 - i]);
            out.bytes[f.bytes - 1 - i / 2] |= static_cast<uint8_t>(i % 2 ? digit << 4 : digit);
        }
        return NumberError::kNone;
    }
    auto value = text::parse_u64(text);
    if (!value) return NumberError::kSyntax;
    out = FieldValue::from_u64(f, *value);
    return NumberError::kNone;
}

Result<void> parse_integer(const Field& f, std::string_view text, std::string_view value_text,
                           std::optional<std::string_view> mask_text, FieldValue& value, FieldValue& mask) {
    switch (parse_number(value_text, f, value)) {
        case NumberError::kSyntax:
            return Error{fmt::format("{}: bad syntax for {} value", text, f.name)};
        case NumberError::kTooLarge:
            return Error{fmt::format("{}: value too large for {}-byte field {}", text, f.bytes, f.name)};
        case NumberError::kNone:
            break;
    }
    if (!mask_text) {
        mask.bytes.fill(0);
        for (unsigned i = 0; i < f.bytes; i++) mask.bytes[i] = 0xff;
        return {};
    }
    switch (parse_number(*mask_text, f, mask)) {
        case NumberError::kSyntax:
            return Error{fmt::format("{}: bad syntax for {} mask", text, f.name)};
        case NumberError::kTooLarge:
            return Error{fmt::format("{}: mask too large for {}-byte field {}", text, f.bytes, f.name)};
        case NumberError::kNone:
            break;
    }
    // Of a field that has no masks all of it counts, with the bits that are never set, or nothing.
    auto each = [&](uint8_t wanted) {
        return std::all_of(mask.bytes.begin(), mask.bytes.begin() + f.bytes,
                           [&](uint8_t byte) { return byte == wanted; });
    };
    if (!f.maskable && !each(0xff) && !each(0)) {
        return Error{fmt::format("{}: invalid mask for field {}", text, f.name)};
    }
    return {};
}

template <size_t N>
void store(const std::array<uint8_t, N>& bytes, FieldValue& out) {
    std::copy(bytes.begin(), bytes.end(), out.bytes.begin());
}

Result<void> parse_ethernet(std::string_view value_text, std::optional<std::string_view> mask_text,
                            FieldValue& value, FieldValue& mask) {
    auto address = text::parse_mac(value_text);
    if (!address) return Error{fmt::format("{}: invalid Ethernet address", value_text)};
    store(*address, value);
    packet::EthAddr ones;
    ones.fill(0xff);
    auto m = mask_text ? text::parse_mac(*mask_text) : std::optional(ones);
    if (!m) return Error{fmt::format("{}: invalid Ethernet address", *mask_text)};
    store(*m, mask);
    return {};
}

Result<void> parse_ip(const Field& f, std::string_view text, std::string_view value_text,
                      std::optional<std::string_view> mask_text, FieldValue& value, FieldValue& mask) {
    auto address = text::parse_ipv4(value_text);
    if (!address) return Error{fmt::format("{}: invalid IP address", text)};
    uint32_t m = 0xffffffff;
    if (mask_text) {
        auto length = text::parse_u64_max(*mask_text, 32);
        auto dotted = text::parse_ipv4(*mask_text);
        if (dotted) {
            m = *dotted;
        } else if (length) {
            m = *length ? ~0u << (32 - *length) : 0;
        } else {
            return Error{fmt::format("{}: invalid IP address or mask", text)};
        }
    }
    value = FieldValue::from_u64(f, *address);
    mask = FieldValue::from_u64(f, m);
    return {};
}

Result<void> parse_ip6(std::string_view text, std::string_view value_text,
                       std::optional<std::string_view> mask_text, FieldValue& value, FieldValue& mask) {
    auto address = text::parse_ipv6(value_text);
    if (!address) return Error{fmt::format("{}: invalid IPv6 address", text)};
    packet::Ipv6Addr m;
    m.fill(0xff);
    if (mask_text) {
        auto length = text::parse_u64_max(*mask_text, 128);
        auto address_mask = text::parse_ipv6(*mask_text);
        if (length) {
            for (unsigned i = 0; i < 16; i++) {
                uint64_t bits = *length > i * 8 ? std::min<uint64_t>(*length - i * 8, 8) : 0;
                m[i] = static_cast<uint8_t>(0xff00 >> bits);
            }
        } else if (address_mask) {
            m = *address_mask;
        } else {
            return Error{fmt::format("{}: bad syntax for IPv6 address/mask", text)};
        }
    }
    store(*address, value);
    store(m, mask);
    return {};
}

struct FragName {
    const char* name;
    uint8_t value, mask;
};
constexpr FragName kFrags[] = {
    {"no", 0, 3}, {"yes", 1, 1}, {"first", 1, 3}, {"later", 3, 3}, {"not_later", 0, 2}};

Result<void> parse_frag(const Field& f, std::string_view text, FieldValue& value, FieldValue& mask) {
    for (const FragName& frag : kFrags) {
        if (text::equals_ignoring_case(text, frag.name)) {
            value = FieldValue::from_u64(f, frag.value);
            mask = FieldValue::from_u64(f, frag.mask);
            return {};
        }
    }
    return Error{
        fmt::format("{}: unknown fragment type (valid types are \"no\", \"yes\", \"first\", \"later\", "
                    "\"not_later\"",
                    text)};
}

Result<void> parse_packet_type(const Field& f, std::string_view text, FieldValue& value, FieldValue& mask) {
    std::string_view inside = text;
    if (inside.size() > 2 && inside.front() == '(' && inside.back() == ')') {
        inside = inside.substr(1, inside.size() - 2);
    }
    size_t comma = inside.find(',');
    auto ns = text::parse_u64_max(text::trim(inside.substr(0, comma)), 0xffff);
    auto type = comma == inside.npos ? std::nullopt
                                     : text::parse_u64_max(text::trim(inside.substr(comma + 1)), 0xffff);
    if (!ns || !type) return Error{fmt::format("{}: packet type must be of the form (NS,TYPE)", text)};
    value = FieldValue::from_u64(f, *ns << 16 | *type);
    mask = FieldValue::all_ones(f);
    return {};
}

Result<void> parse_flag_field(const Field& f, std::string_view text, FieldValue& value, FieldValue& mask) {
    uint32_t v, m;
    std::span<const FlagName> names = f.format == FieldFormat::kCtState    ? ct_state_flags()
                                      : f.format == FieldFormat::kTcpFlags ? tcp_flags()
                                                                           : tunnel_flags();
    uint32_t all = f.format == FieldFormat::kCtState    ? kAllCtState
                   : f.format == FieldFormat::kTcpFlags ? kAllTcpFlags
                                                        : 1;
    WEFT_TRY(parse_flags(names, f.name, text, all, v, m));
    value = FieldValue::from_u64(f, v);
    // "All the flags that exist" is what an exact match means.
    mask = m == all ? FieldValue::all_ones(f) : FieldValue::from_u64(f, m);
    return {};
}

void format_number(const Field& f, const FieldValue& value, bool hex, std::string& out) {
    if (f.bytes <= 8) {
        uint64_t v = value.low_u64(f);
        if (hex) {
            text::append_hex(out, v);
        } else {
            text::append_decimal(out, v);
        }
        return;
    }
    unsigned i = 0;
    while (i < f.bytes && !value.bytes[i]) i++;
    if (i == f.bytes) {
        out += '0';
        return;
    }
    text::append(out, "0x{:x}", value.bytes[i++]);
    for (; i < f.bytes; i++) text::append(out, "{:02x}", value.bytes[i]);
}

// Only the bytes that a number could have count for "no mask": the mask 0xff of a 124-byte field is exact if
// it covers all that its value has.
bool mask_is_exact(const Field& f, const FieldValue& mask) {
    if (!f.is_tun_metadata()) return is_all_ones(f, mask);
    unsigned i = 0;
    while (i < f.bytes && !mask.bytes[i]) i++;
    if (i == f.bytes) return false;
    for (; i < f.bytes; i++) {
        if (mask.bytes[i] != 0xff) return false;
    }
    return true;
}

void format_integer(const Field& f, const FieldValue& value, const FieldValue* mask, std::string& out) {
    format_number(f, value, f.format != FieldFormat::kDecimal, out);
    if (!mask || mask_is_exact(f, *mask)) return;
    out += '/';
    format_number(f, *mask, true, out);
}

template <size_t N>
std::array<uint8_t, N> take(const FieldValue* value) {
    std::array<uint8_t, N> out;
    if (value) {
        std::copy_n(value->bytes.begin(), N, out.begin());
    } else {
        out.fill(0xff);
    }
    return out;
}

}  // namespace

Result<void> parse_value(const Field& f, std::string_view text, const Names* names, FieldValue& value,
                         FieldValue& mask) {
    value = FieldValue();
    mask = FieldValue();
    if (text == "*") return {};
    size_t slash = text.find('/');
    std::string_view value_text = text.substr(0, slash);
    std::optional<std::string_view> mask_text;
    if (slash != text.npos) mask_text = text.substr(slash + 1);
    switch (f.format) {
        case FieldFormat::kDecimal:
        case FieldFormat::kHexadecimal:
            return parse_integer(f, text, value_text, mask_text, value, mask);
        case FieldFormat::kEthernet:
            return parse_ethernet(value_text, mask_text, value, mask);
        case FieldFormat::kIpv4:
            return parse_ip(f, text, value_text, mask_text, value, mask);
        case FieldFormat::kIpv6:
            return parse_ip6(text, value_text, mask_text, value, mask);
        case FieldFormat::kPort16:
        case FieldFormat::kPort32: {
            auto port = parse_port(text, names);
            if (!port) return Error{fmt::format("{}: invalid or unknown port for {}", text, f.name)};
            if (f.bytes == 4 && !port_in_range(*port))
                return Error{fmt::format("{}: port value out of range for {}", text, f.name)};
            value = FieldValue::from_u64(f, f.bytes == 2 ? port_to_of10(*port) : *port);
            mask = FieldValue::all_ones(f);
            return {};
        }
        case FieldFormat::kFrag:
            return parse_frag(f, text, value, mask);
        case FieldFormat::kPacketType:
            return parse_packet_type(f, text, value, mask);
        case FieldFormat::kTunnelFlags:
        case FieldFormat::kTcpFlags:
        case FieldFormat::kCtState:
            return parse_flag_field(f, text, value, mask);
    }
    return {};
}

void format_value(const Field& f, const FieldValue& value, const FieldValue* mask, const Names* names,
                  std::string& out) {
    if (mask && is_all_ones(f, *mask)) mask = nullptr;
    if (mask && is_all_zeros(f, *mask)) {
        out += '*';
        return;
    }
    uint64_t v = value.low_u64(f), m = mask ? mask->low_u64(f) : 0xffffffff;
    switch (f.format) {
        case FieldFormat::kDecimal:
        case FieldFormat::kHexadecimal:
            format_integer(f, value, mask, out);
            return;
        case FieldFormat::kEthernet:
            text::format_mac_masked(take<6>(&value), take<6>(mask), out);
            return;
        case FieldFormat::kIpv4:
            text::format_ipv4_masked(static_cast<uint32_t>(v), static_cast<uint32_t>(m), out);
            return;
        case FieldFormat::kIpv6:
            text::format_ipv6_masked(take<16>(&value), take<16>(mask), out);
            return;
        case FieldFormat::kPort16:
            format_port(port_from_of10(static_cast<uint16_t>(v)), names, out);
            return;
        case FieldFormat::kPort32:
            format_port(static_cast<uint32_t>(v), names, out);
            return;
        case FieldFormat::kFrag:
            for (const FragName& frag : kFrags) {
                if (frag.value == v && frag.mask == (m & 3)) {
                    out += frag.name;
                    return;
                }
            }
            out += "<error>";
            return;
        case FieldFormat::kTunnelFlags:
            format_flags_masked(tunnel_flags(), static_cast<uint32_t>(v), static_cast<uint32_t>(m), 1, out);
            return;
        case FieldFormat::kTcpFlags:
            format_flags_masked(tcp_flags(), static_cast<uint32_t>(v), static_cast<uint32_t>(m), kAllTcpFlags,
                                out);
            return;
        case FieldFormat::kCtState:
            format_flags_masked(ct_state_flags(), static_cast<uint32_t>(v), static_cast<uint32_t>(m),
                                kAllCtState, out);
            return;
        case FieldFormat::kPacketType:
            text::append(out, "({},0x{:x})", v >> 16, v & 0xffff);
            return;
    }
}

Result<Subfield> parse_subfield(std::string_view& text) {
    std::string_view original = text;
    size_t end = 0;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_'))
        end++;
    std::string_view name = text.substr(0, end);
    const Field* f = field_by_name(name);
    if (!f) return Error{fmt::format("{}: unknown field `{}'", original, name)};
    if (!f->nxm.exists && !f->oxm.exists) return Error{fmt::format("{}: unknown field `{}'", original, name)};
    text.remove_prefix(end);
    Subfield out = whole_field(f->id);
    if (text.empty() || text[0] != '[') return out;
    size_t close = text.find(']');
    if (close == text.npos) {
        return Error{fmt::format("{}: syntax error expecting [] or [<bit>] or [<start>..<end>]", original)};
    }
    std::string_view range = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    if (range.empty()) return out;
    size_t dots = range.find("..");
    auto start = text::parse_u64_max(range.substr(0, dots), 65535);
    auto last = dots == range.npos ? start : text::parse_u64_max(range.substr(dots + 2), 65535);
    if (!start || !last) {
        return Error{fmt::format("{}: syntax error expecting [] or [<bit>] or [<start>..<end>]", original)};
    }
    if (*start > *last) {
        return Error{fmt::format("{}: starting bit {} is after ending bit {}", original, *start, *last)};
    }
    if (*start >= f->bits) {
        return Error{fmt::format("{}: starting bit {} is not valid because field is only {} bits wide",
                                 original, *start, f->bits)};
    }
    if (*last >= f->bits) {
        return Error{fmt::format("{}: ending bit {} is not valid because field is only {} bits wide",
                                 original, *last, f->bits)};
    }
    out.offset = static_cast<uint16_t>(*start);
    out.bits = static_cast<uint16_t>(*last - *start + 1);
    return out;
}

Result<Subfield> parse_whole_subfield(std::string_view text) {
    std::string_view rest = text;
    WEFT_ASSIGN(Subfield out, parse_subfield(rest));
    if (!rest.empty()) return Error{fmt::format("{}: trailing garbage `{}'", text, rest)};
    return out;
}

void format_subfield(const Subfield& s, std::string& out) {
    const Field& f = field(s.field);
    out += f.nxm_name ? f.nxm_name : f.name;
    if (s.whole()) {
        out += "[]";
    } else if (s.bits == 1) {
        text::append(out, "[{}]", s.offset);
    } else {
        text::append(out, "[{}..{}]", s.offset, s.offset + s.bits - 1);
    }
}

}  // namespace weft::openflow
