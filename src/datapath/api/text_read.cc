#include <absl/container/inlined_vector.h>
#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/hash_map.h"
#include "datapath/api/text_fields.h"
#include "packet/address.h"
#include "packet/ethernet.h"
#include "packet/geneve.h"
#include "packet/ipv4.h"
#include "packet/tcp.h"

namespace weft::datapath {

namespace text {

using packet::Flow;

Result<uint64_t> read_number(std::string_view text, uint64_t max) {
    std::string_view digits = text;
    int base = 10;
    if (digits.starts_with("0x") || digits.starts_with("0X")) {
        digits.remove_prefix(2);
        base = 16;
    }
    uint64_t value = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (error != std::errc() || end != digits.data() + digits.size() || value > max) {
        return Error{fmt::format("\"{}\" is not a number from 0 to {}", text, max)};
    }
    return value;
}

namespace {

enum class Mark : uint8_t { kNone, kOpen, kClose, kSeparator };
constexpr auto kMarks = [] {
    std::array<Mark, 256> marks{};
    for (char c : {'(', '{'}) marks[static_cast<uint8_t>(c)] = Mark::kOpen;
    for (char c : {')', '}'}) marks[static_cast<uint8_t>(c)] = Mark::kClose;
    for (char c : {',', ' '}) marks[static_cast<uint8_t>(c)] = Mark::kSeparator;
    return marks;
}();

// Takes the items of a text one by one.
class Splitter {
  public:
    explicit Splitter(std::string_view text) : rest_(text) {}
    bool done() {
        while (!rest_.empty() && (rest_[0] == ',' || rest_[0] == ' ' || rest_[0] == '\n'))
            rest_.remove_prefix(1);
        return rest_.empty();
    }
    // The next one, if not done().
    Result<void> next(Item& item) {
        size_t at = 0, open = rest_.npos;
        int depth = 0;
        for (; at < rest_.size(); at++) {
            Mark mark = kMarks[static_cast<uint8_t>(rest_[at])];
            if (mark == Mark::kNone) continue;
            if (mark == Mark::kSeparator && !depth) break;
            if (mark == Mark::kOpen && depth++ == 0 && rest_[at] == '(') open = at;
            if (mark == Mark::kClose && --depth < 0)
                return Error{fmt::format("unbalanced parenthesis at \"{}\"", rest_)};
        }
        if (depth) return Error{fmt::format("missing closing parenthesis in \"{}\"", rest_)};
        std::string_view whole = rest_.substr(0, at);
        rest_.remove_prefix(at);
        item = {};
        item.name = whole.substr(0, open);
        if (open == whole.npos) return {};
        if (whole.back() != ')') return Error{fmt::format("text behind the parenthesis in \"{}\"", whole)};
        item.body = whole.substr(open + 1, whole.size() - open - 2);
        item.has_body = true;
        return {};
    }

  private:
    std::string_view rest_;
};

}  // namespace

Result<std::vector<Item>> split_items(std::string_view text) {
    std::vector<Item> items;
    items.reserve(8);  // enough for most
    for (Splitter split(text); !split.done();) WEFT_TRY(split.next(items.emplace_back()));
    return items;
}

namespace {

struct Field {
    std::string_view name, value, mask;
    bool has_mask = false;
    Item item;  // of a field with a parenthesis, like flags(df)
};

using Fields = absl::InlinedVector<Field, 8>;

Result<void> split_fields(std::string_view body, Fields& fields) {
    for (Splitter split(body); !split.done();) {
        Field& field = fields.emplace_back();
        Item& item = field.item;
        WEFT_TRY(split.next(item));
        field.name = item.name;
        size_t equals = item.name.find('=');
        if (!item.has_body && equals != item.name.npos) {
            field.name = item.name.substr(0, equals);
            field.value = item.name.substr(equals + 1);
            size_t slash = field.value.find('/');
            if (slash != field.value.npos) {
                field.mask = field.value.substr(slash + 1);
                field.value = field.value.substr(0, slash);
                field.has_mask = true;
            }
        } else if (!item.has_body) {
            return Error{fmt::format("\"{}\" is not of the form FIELD=VALUE", item.name)};
        }
    }
    return {};
}

// Readers of one value[/mask] into fields of key and mask.
struct Target {
    const Field& field;

    Result<void> mac(packet::EthAddr& key, packet::EthAddr& mask) const {
        auto value = packet::parse_eth(field.value);
        auto bits = field.has_mask ? packet::parse_eth(field.mask) : packet::kEthBroadcast;
        if (!value || !bits) return bad("an Ethernet address");
        key = *value;
        mask = *bits;
        return {};
    }
    Result<void> ipv4(Be32& key, Be32& mask) const {
        auto value = packet::parse_ipv4(field.value);
        auto bits = field.has_mask ? packet::parse_ipv4(field.mask) : UINT32_MAX;
        if (!value || !bits) return bad("an IPv4 address");
        key = *value;
        mask = *bits;
        return {};
    }
    Result<void> ipv6(packet::Ipv6Addr& key, packet::Ipv6Addr& mask) const {
        auto value = packet::parse_ipv6(field.value);
        packet::Ipv6Addr full;
        full.fill(0xff);
        auto bits = field.has_mask ? packet::parse_ipv6(field.mask) : full;
        if (!value || !bits) return bad("an IPv6 address");
        key = *value;
        mask = *bits;
        return {};
    }
    template <typename T>
    Result<void> number(T& key, T& mask, uint64_t max = UINT64_MAX) const {
        constexpr uint64_t kMost = sizeof(T) == 8 ? UINT64_MAX : (uint64_t{1} << (8 * sizeof(T) % 64)) - 1;
        uint64_t limit = std::min(kMost, max);
        uint64_t bits = kMost;
        auto value = read_number(field.value, limit);
        if (!value) return Error{fmt::format("{}: {}", field.name, value.message())};
        if (field.has_mask) {
            auto read = read_number(field.mask, kMost);
            if (!read) return Error{fmt::format("{}: {}", field.name, read.message())};
            bits = *read;
        }
        assign(key, *value);
        assign(mask, bits);
        return {};
    }
    template <typename T, typename U>
    static void assign(T& to, U value) {
        if constexpr (requires { to.raw(); }) {
            to = static_cast<decltype(to.raw())>(value);
        } else {
            to = static_cast<T>(value);
        }
    }
    Error bad(std::string_view what) const {
        return Error{fmt::format("{}={}{}{} is not {}", field.name, field.value, field.has_mask ? "/" : "",
                                 field.mask, what)};
    }
};

Result<void> read_frag(const Field& field, Flow& key, Flow& mask) {
    if (field.value == "no") {
        key.nw_frag = 0;
    } else if (field.value == "first") {
        key.nw_frag = packet::kFragAny;
    } else if (field.value == "later") {
        key.nw_frag = packet::kFragAny | packet::kFragLater;
    } else {
        return Error{fmt::format("frag={} is not frag=no, frag=first or frag=later", field.value)};
    }
    mask.nw_frag = packet::kFragAny | packet::kFragLater;
    return {};
}

Error unknown(std::string_view group, std::string_view field) {
    return Error{fmt::format("{} has no field \"{}\"", group, field)};
}

// The bits of one field in a wider one.
template <typename Wide>
Result<void> read_bits(const Field& field, Wide& key, Wide& mask, uint64_t full, int shift) {
    WEFT_ASSIGN(uint64_t value, read_number(field.value, full));
    uint64_t bits = full;
    if (field.has_mask) {
        WEFT_ASSIGN(bits, read_number(field.mask, full));
    }
    Target::assign(key, (key & ~(full << shift)) | value << shift);
    Target::assign(mask, (mask & ~(full << shift)) | bits << shift);
    return {};
}

Result<void> read_eth(const Fields& fields, Flow& key, Flow& mask) {
    for (const Field& f : fields) {
        if (f.name == "src") {
            WEFT_TRY(Target{f}.mac(key.dl_src, mask.dl_src));
        } else if (f.name == "dst") {
            WEFT_TRY(Target{f}.mac(key.dl_dst, mask.dl_dst));
        } else {
            return unknown("eth", f.name);
        }
    }
    return {};
}

Result<void> read_vlan(const Fields& fields, packet::Vlan& key, packet::Vlan& mask) {
    key.tci |= packet::kVlanCfi;
    mask.tci |= packet::kVlanCfi;
    for (const Field& f : fields) {
        if (f.name == "vid") {
            WEFT_TRY(read_bits(f, key.tci, mask.tci, 0xfff, 0));
        } else if (f.name == "pcp") {
            WEFT_TRY(read_bits(f, key.tci, mask.tci, 7, 13));
        } else if (f.name == "cfi") {
            WEFT_TRY(read_bits(f, key.tci, mask.tci, 1, 12));
        } else if (f.name == "tci") {
            WEFT_TRY(Target{f}.number(key.tci, mask.tci));
        } else {
            return unknown("vlan", f.name);
        }
    }
    return {};
}

Result<void> read_mpls(const Fields& fields, Flow& key, Flow& mask) {
    size_t index = 0;
    bool begun = false;
    for (const Field& f : fields) {
        if (f.name == "label" && begun) index++;
        begun = true;
        if (index >= packet::kMaxMplsLabels) {
            return Error{fmt::format("mpls has more than {} labels", packet::kMaxMplsLabels)};
        }
        Be32 &k = key.mpls_lse[index], &m = mask.mpls_lse[index];
        if (f.name == "label") {
            WEFT_TRY(read_bits(f, k, m, 0xfffff, 12));
        } else if (f.name == "tc") {
            WEFT_TRY(read_bits(f, k, m, 7, 9));
        } else if (f.name == "bos") {
            WEFT_TRY(read_bits(f, k, m, 1, 8));
        } else if (f.name == "ttl") {
            WEFT_TRY(read_bits(f, k, m, 255, 0));
        } else {
            return unknown("mpls", f.name);
        }
    }
    return {};
}

Result<void> read_ip(const Fields& fields, bool v6, Flow& key, Flow& mask) {
    for (const Field& f : fields) {
        Target t{f};
        if (f.name == "src") {
            WEFT_TRY(v6 ? t.ipv6(key.ipv6_src, mask.ipv6_src) : t.ipv4(key.nw_src, mask.nw_src));
        } else if (f.name == "dst") {
            WEFT_TRY(v6 ? t.ipv6(key.ipv6_dst, mask.ipv6_dst) : t.ipv4(key.nw_dst, mask.nw_dst));
        } else if (f.name == "proto") {
            WEFT_TRY(t.number(key.nw_proto, mask.nw_proto));
        } else if (f.name == (v6 ? "tclass" : "tos")) {
            WEFT_TRY(t.number(key.nw_tos, mask.nw_tos));
        } else if (f.name == (v6 ? "hlimit" : "ttl")) {
            WEFT_TRY(t.number(key.nw_ttl, mask.nw_ttl));
        } else if (v6 && f.name == "label") {
            WEFT_TRY(t.number(key.ipv6_label, mask.ipv6_label, 0xfffff));
            mask.ipv6_label &= 0xfffff;
        } else if (f.name == "frag") {
            WEFT_TRY(read_frag(f, key, mask));
        } else {
            return unknown(v6 ? "ipv6" : "ipv4", f.name);
        }
    }
    return {};
}

Result<void> read_two(const Fields& fields, std::string_view group, std::string_view first,
                      std::string_view second, Flow& key, Flow& mask) {
    for (const Field& f : fields) {
        if (f.name == first) {
            WEFT_TRY(Target{f}.number(key.tp_src, mask.tp_src));
        } else if (f.name == second) {
            WEFT_TRY(Target{f}.number(key.tp_dst, mask.tp_dst));
        } else {
            return unknown(group, f.name);
        }
    }
    return {};
}

Result<void> read_arp(const Fields& fields, Flow& key, Flow& mask) {
    for (const Field& f : fields) {
        Target t{f};
        if (f.name == "sip") {
            WEFT_TRY(t.ipv4(key.nw_src, mask.nw_src));
        } else if (f.name == "tip") {
            WEFT_TRY(t.ipv4(key.nw_dst, mask.nw_dst));
        } else if (f.name == "op") {
            Be16 op, bits;
            WEFT_TRY(t.number(op, bits));
            key.nw_proto = static_cast<uint8_t>(op.get() > 255 ? 0 : op.get());
            mask.nw_proto = static_cast<uint8_t>(bits.get());
        } else if (f.name == "sha") {
            WEFT_TRY(t.mac(key.arp_sha, mask.arp_sha));
        } else if (f.name == "tha") {
            WEFT_TRY(t.mac(key.arp_tha, mask.arp_tha));
        } else {
            return unknown("arp", f.name);
        }
    }
    return {};
}

Result<void> read_nd(const Fields& fields, Flow& key, Flow& mask) {
    for (const Field& f : fields) {
        Target t{f};
        if (f.name == "target") {
            WEFT_TRY(t.ipv6(key.nd_target, mask.nd_target));
        } else if (f.name == "sll") {
            WEFT_TRY(t.mac(key.arp_sha, mask.arp_sha));
        } else if (f.name == "tll") {
            WEFT_TRY(t.mac(key.arp_tha, mask.arp_tha));
        } else if (f.name == "nd_reserved") {
            WEFT_TRY(t.number(key.nd_reserved, mask.nd_reserved));
        } else if (f.name == "nd_options_type") {
            WEFT_TRY(t.number(key.nd_options_type, mask.nd_options_type));
        } else {
            return unknown("nd", f.name);
        }
    }
    return {};
}

Result<void> read_nsh(const Fields& fields, Flow& key, Flow& mask) {
    packet::Nsh &k = key.nsh, &m = mask.nsh;
    for (const Field& f : fields) {
        Target t{f};
        if (f.name == "flags") {
            WEFT_TRY(t.number(k.flags, m.flags));
        } else if (f.name == "ttl") {
            WEFT_TRY(t.number(k.ttl, m.ttl));
        } else if (f.name == "mdtype") {
            WEFT_TRY(t.number(k.mdtype, m.mdtype));
        } else if (f.name == "np") {
            WEFT_TRY(t.number(k.np, m.np));
        } else if (f.name == "spi") {
            WEFT_TRY(read_bits(f, k.path_hdr, m.path_hdr, 0xffffff, 8));
        } else if (f.name == "si") {
            WEFT_TRY(read_bits(f, k.path_hdr, m.path_hdr, 255, 0));
        } else if (f.name.size() == 2 && f.name[0] == 'c' && f.name[1] >= '1' && f.name[1] <= '4') {
            size_t index = static_cast<size_t>(f.name[1] - '1');
            WEFT_TRY(t.number(k.context[index], m.context[index]));
        } else {
            return unknown("nsh", f.name);
        }
    }
    return {};
}

// "df|csum", "+df-csum", "0x3/0xff" over named bits.
struct Bit {
    std::string_view name;
    uint32_t bit;
};
template <size_t N>
Result<void> read_flags(std::string_view what, std::string_view text, const Bit (&bits)[N], uint32_t& key,
                        uint32_t& mask) {
    key = mask = 0;
    auto find = [&](std::string_view name) -> uint32_t {
        for (const Bit& b : bits) {
            if (b.name == name) return b.bit;
        }
        return 0;
    };
    if (!text.empty() && text[0] >= '0' && text[0] <= '9') {
        size_t slash = text.find('/');
        WEFT_ASSIGN(uint64_t value, read_number(text.substr(0, slash), UINT32_MAX));
        uint64_t all = UINT32_MAX;
        if (slash != text.npos) {
            WEFT_ASSIGN(all, read_number(text.substr(slash + 1), UINT32_MAX));
        }
        key = static_cast<uint32_t>(value);
        mask = static_cast<uint32_t>(all);
        return {};
    }
    bool some = !text.empty() && (text[0] == '+' || text[0] == '-');
    if (!some) mask = UINT32_MAX;
    size_t at = 0;
    while (at < text.size()) {
        bool set = text[at] != '-';
        if (some || text[at] == '|') at++;
        size_t end = text.find_first_of(some ? "+-" : "|", at);
        std::string_view name = text.substr(at, end == text.npos ? end : end - at);
        uint32_t bit = find(name);
        if (!bit) return Error{fmt::format("{} has no flag \"{}\"", what, name)};
        if (some) mask |= bit;
        if (set) key |= bit;
        at = end == text.npos ? text.size() : end;
    }
    return {};
}

constexpr Bit kCtStates[] = {{"new", packet::kCtNew},     {"est", packet::kCtEstablished},
                             {"rel", packet::kCtRelated}, {"rpl", packet::kCtReply},
                             {"inv", packet::kCtInvalid}, {"trk", packet::kCtTracked},
                             {"snat", packet::kCtSnat},   {"dnat", packet::kCtDnat}};
constexpr Bit kTcpFlags[] = {
    {"fin", packet::tcp::kFin}, {"syn", packet::tcp::kSyn}, {"rst", packet::tcp::kRst},
    {"psh", packet::tcp::kPsh}, {"ack", packet::tcp::kAck}, {"urg", packet::tcp::kUrg},
    {"ece", packet::tcp::kEce}, {"cwr", packet::tcp::kCwr}, {"ns", packet::tcp::kNs}};
constexpr Bit kTunnelFlags[] = {{"df", packet::kTunnelDontFragment}, {"csum", packet::kTunnelCsum},
                                {"key", packet::kTunnelKey},         {"oam", packet::kTunnelOam},
                                {"gpe", packet::kTunnelGpe},         {"seq", packet::kTunnelSequence}};

// Hex digits of any length into exactly `size` bytes, right-aligned.
bool read_hex(std::string_view text, uint8_t* out, size_t size) {
    if (text.starts_with("0x")) text.remove_prefix(2);
    std::fill(out, out + size, uint8_t{0});
    if (text.empty() || text.size() > 2 * size) return false;
    for (size_t i = 0; i < text.size(); i++) {
        char c = text[text.size() - 1 - i];
        uint8_t digit;
        if (c >= '0' && c <= '9') {
            digit = static_cast<uint8_t>(c - '0');
        } else if ((c | 32) >= 'a' && (c | 32) <= 'f') {
            digit = static_cast<uint8_t>((c | 32) - 'a' + 10);
        } else {
            return false;
        }
        out[size - 1 - i / 2] |= static_cast<uint8_t>(digit << (i % 2 * 4));
    }
    return true;
}

// {class=0x102,type=0x80,len=4,0x10002/0x7fffffff}...
Result<void> read_geneve(std::string_view body, packet::Tunnel& key, packet::Tunnel& mask) {
    size_t used = 0, at = 0;
    while (at < body.size()) {
        size_t end = body.find('}', at);
        if (body[at] != '{' || end == body.npos) {
            return Error{fmt::format("geneve({}): an option is {{class=C,type=T,len=N,VALUE}}", body)};
        }
        std::string_view option = body.substr(at + 1, end - at - 1);
        at = end + 1;
        Be16 option_class, class_mask;
        uint8_t type = 0, type_mask = 0, length = 0, length_mask = 0;
        std::string_view value, bits;
        while (!option.empty()) {
            size_t comma = option.find(',');
            std::string_view part = option.substr(0, comma);
            option = comma == option.npos ? std::string_view() : option.substr(comma + 1);
            if (part.find('=') == part.npos) {
                size_t slash = part.find('/');
                value = part.substr(0, slash);
                if (slash != part.npos) bits = part.substr(slash + 1);
                continue;
            }
            Fields fields;
            WEFT_TRY(split_fields(part, fields));
            Target t{fields[0]};
            if (fields[0].name == "class") {
                WEFT_TRY(t.number(option_class, class_mask));
            } else if (fields[0].name == "type") {
                WEFT_TRY(t.number(type, type_mask));
            } else if (fields[0].name == "len") {
                WEFT_TRY(t.number(length, length_mask));
            } else {
                return unknown("geneve", fields[0].name);
            }
        }
        if (length % 4 || length > 124)
            return Error{fmt::format("geneve option length {} is not 0, 4, ..., 124", length)};
        if (used + 4 + length > packet::geneve::kMaxOptions)
            return Error{"geneve options take more than 252 bytes"};
        uint8_t *k = &key.metadata[used], *m = &mask.metadata[used];
        store_be16(k, option_class);
        store_be16(m, class_mask);
        k[2] = type;
        m[2] = type_mask;
        k[3] = static_cast<uint8_t>(length / 4);
        m[3] = packet::geneve::kOptionLengthMask;
        std::fill(m + 4, m + 4 + length, uint8_t{0xff});
        if (length && !read_hex(value, k + 4, length)) {
            return Error{
                fmt::format("\"{}\" is not a hexadecimal number of at most {} bytes", value, length)};
        }
        if (!bits.empty() && !read_hex(bits, m + 4, length)) {
            return Error{fmt::format("\"{}\" is not a hexadecimal mask of at most {} bytes", bits, length)};
        }
        used += 4 + static_cast<size_t>(length);
    }
    key.metadata_present = used;
    mask.metadata_present = UINT64_MAX;
    return {};
}

Result<void> read_gbp(std::string_view body, packet::Tunnel& key, packet::Tunnel& mask) {
    Fields outer;
    WEFT_TRY(split_fields(body, outer));
    for (const Field& group : outer) {
        if (group.name != "gbp") return unknown("vxlan", group.name);
        Fields fields;
        WEFT_TRY(split_fields(group.item.body, fields));
        for (const Field& f : fields) {
            if (f.name == "id") {
                WEFT_TRY(Target{f}.number(key.gbp_id, mask.gbp_id));
            } else if (f.name == "flags") {
                WEFT_TRY(Target{f}.number(key.gbp_flags, mask.gbp_flags));
            } else {
                return unknown("gbp", f.name);
            }
        }
    }
    return {};
}

Result<void> read_erspan(std::string_view body, packet::Tunnel& key, packet::Tunnel& mask) {
    Fields fields;
    WEFT_TRY(split_fields(body, fields));
    for (const Field& f : fields) {
        if (f.name == "ver") {
            WEFT_TRY(Target{f}.number(key.erspan_ver, mask.erspan_ver));
        } else if (f.name == "idx") {
            WEFT_TRY(Target{f}.number(key.erspan_idx, mask.erspan_idx));
        } else if (f.name == "dir") {
            WEFT_TRY(Target{f}.number(key.erspan_dir, mask.erspan_dir));
        } else if (f.name == "hwid") {
            WEFT_TRY(Target{f}.number(key.erspan_hwid, mask.erspan_hwid));
        } else {
            return unknown("erspan", f.name);
        }
    }
    return {};
}

Result<void> read_gtpu(std::string_view body, packet::Tunnel& key, packet::Tunnel& mask) {
    Fields fields;
    WEFT_TRY(split_fields(body, fields));
    for (const Field& f : fields) {
        if (f.name == "flags") {
            WEFT_TRY(Target{f}.number(key.gtpu_flags, mask.gtpu_flags));
        } else if (f.name == "msgtype") {
            WEFT_TRY(Target{f}.number(key.gtpu_msgtype, mask.gtpu_msgtype));
        } else {
            return unknown("gtpu", f.name);
        }
    }
    return {};
}

Result<void> read_tunnel(const Fields& fields, packet::Tunnel& k, packet::Tunnel& m) {
    for (const Field& f : fields) {
        Target t{f};
        if (f.name == "tun_id") {
            WEFT_TRY(t.number(k.id, m.id));
        } else if (f.name == "src") {
            WEFT_TRY(t.ipv4(k.src, m.src));
        } else if (f.name == "dst") {
            WEFT_TRY(t.ipv4(k.dst, m.dst));
        } else if (f.name == "ipv6_src") {
            WEFT_TRY(t.ipv6(k.ipv6_src, m.ipv6_src));
        } else if (f.name == "ipv6_dst") {
            WEFT_TRY(t.ipv6(k.ipv6_dst, m.ipv6_dst));
        } else if (f.name == "tos") {
            WEFT_TRY(t.number(k.tos, m.tos));
        } else if (f.name == "ttl") {
            WEFT_TRY(t.number(k.ttl, m.ttl));
        } else if (f.name == "tp_src") {
            WEFT_TRY(t.number(k.tp_src, m.tp_src));
        } else if (f.name == "tp_dst") {
            WEFT_TRY(t.number(k.tp_dst, m.tp_dst));
        } else if (f.name == "geneve") {
            WEFT_TRY(read_geneve(f.item.body, k, m));
        } else if (f.name == "vxlan") {
            WEFT_TRY(read_gbp(f.item.body, k, m));
        } else if (f.name == "erspan") {
            WEFT_TRY(read_erspan(f.item.body, k, m));
        } else if (f.name == "gtpu") {
            WEFT_TRY(read_gtpu(f.item.body, k, m));
        } else if (f.name == "flags") {
            uint32_t flags, bits;
            WEFT_TRY(read_flags("tunnel flags", f.item.body, kTunnelFlags, flags, bits));
            k.flags = static_cast<uint16_t>(flags);
            m.flags = static_cast<uint16_t>(bits);
        } else {
            return unknown("tunnel", f.name);
        }
    }
    return {};
}

Result<void> read_tuple(const Fields& fields, bool v6, Flow& key, Flow& mask) {
    for (const Field& f : fields) {
        Target t{f};
        if (f.name == "src") {
            WEFT_TRY(v6 ? t.ipv6(key.ct_ipv6_src, mask.ct_ipv6_src) : t.ipv4(key.ct_nw_src, mask.ct_nw_src));
        } else if (f.name == "dst") {
            WEFT_TRY(v6 ? t.ipv6(key.ct_ipv6_dst, mask.ct_ipv6_dst) : t.ipv4(key.ct_nw_dst, mask.ct_nw_dst));
        } else if (f.name == "proto") {
            WEFT_TRY(t.number(key.ct_nw_proto, mask.ct_nw_proto));
        } else if (f.name == "tp_src") {
            WEFT_TRY(t.number(key.ct_tp_src, mask.ct_tp_src));
        } else if (f.name == "tp_dst") {
            WEFT_TRY(t.number(key.ct_tp_dst, mask.ct_tp_dst));
        } else {
            return unknown(v6 ? "ct_tuple6" : "ct_tuple4", f.name);
        }
    }
    return {};
}

Result<void> read_label(std::string_view body, Flow& key, Flow& mask) {
    size_t slash = body.find('/');
    mask.ct_label.fill(0xff);
    if (!read_hex(body.substr(0, slash), key.ct_label.data(), 16) ||
        (slash != body.npos && !read_hex(body.substr(slash + 1), mask.ct_label.data(), 16))) {
        return Error{fmt::format("ct_label({}) is not a number of 128 bits", body)};
    }
    return {};
}

Result<void> read_packet_type(const Fields& fields, Flow& key, Flow& mask) {
    for (const Field& f : fields) {
        if (f.name == "ns") {
            WEFT_TRY(read_bits(f, key.packet_type, mask.packet_type, 0xffff, 16));
        } else if (f.name == "id") {
            WEFT_TRY(read_bits(f, key.packet_type, mask.packet_type, 0xffff, 0));
        } else {
            return unknown("packet_type", f.name);
        }
    }
    return {};
}

Result<PortNo> read_port(std::string_view text, const PortNames* names) {
    if (names) {
        if (auto port = names->port_of(text)) return *port;
    }
    auto number = read_number(text, UINT32_MAX);
    if (!number) return Error{fmt::format("\"{}\" is neither a port's name nor its number", text)};
    return static_cast<PortNo>(*number);
}

// A group whose body is a single value.
struct Single : Target {
    std::string_view body;
    Flow &key, &mask;
    const PortNames* names;
};

Result<void> read_ether_type(const Single& s) {
    WEFT_TRY(s.number(s.key.dl_type, s.mask.dl_type));
    if (!s.key.dl_type && s.mask.dl_type == 0xffff) s.key.dl_type = packet::ethernet::kTypeNone;
    return {};
}

Result<void> read_ct_state(const Single& s) {
    uint32_t state, bits;
    WEFT_TRY(read_flags("ct_state", s.body, kCtStates, state, bits));
    s.key.ct_state = state;
    s.mask.ct_state = bits;
    return {};
}

Result<void> read_tcp_flags(const Single& s) {
    uint32_t flags, bits;
    WEFT_TRY(read_flags("tcp_flags", s.body, kTcpFlags, flags, bits));
    s.key.tcp_flags = static_cast<uint16_t>(flags);
    s.mask.tcp_flags = static_cast<uint16_t>(bits & 0xfff);
    return {};
}

Result<void> read_in_port(const Single& s) {
    WEFT_ASSIGN(PortNo port, read_port(s.body, s.names));
    s.key.in_port = port;
    s.mask.in_port = UINT32_MAX;
    return {};
}

using SingleReader = Result<void> (*)(const Single&);
SingleReader find_single(std::string_view name) {
    static const HashMap<std::string_view, SingleReader> readers = {
        {"recirc_id", [](const Single& s) { return s.number(s.key.recirc_id, s.mask.recirc_id); }},
        {"dp_hash", [](const Single& s) { return s.number(s.key.dp_hash, s.mask.dp_hash); }},
        {"skb_priority", [](const Single& s) { return s.number(s.key.skb_priority, s.mask.skb_priority); }},
        {"skb_mark", [](const Single& s) { return s.number(s.key.pkt_mark, s.mask.pkt_mark); }},
        {"ct_zone", [](const Single& s) { return s.number(s.key.ct_zone, s.mask.ct_zone); }},
        {"ct_mark", [](const Single& s) { return s.number(s.key.ct_mark, s.mask.ct_mark); }},
        {"ct_label", [](const Single& s) { return read_label(s.body, s.key, s.mask); }},
        {"eth_type", read_ether_type},
        {"ct_state", read_ct_state},
        {"tcp_flags", read_tcp_flags},
        {"in_port", read_in_port},
    };
    auto it = readers.find(name);
    return it == readers.end() ? nullptr : it->second;
}

using GroupReader = Result<void> (*)(const Fields&, Flow&, Flow&);
GroupReader find_group(std::string_view name) {
    using F = const Fields&;
    static const HashMap<std::string_view, GroupReader> readers = {
        {"eth", read_eth},
        // Which tag is the caller's to say.
        {"vlan", [](F f, Flow& key, Flow& mask) { return read_vlan(f, key.vlans[0], mask.vlans[0]); }},
        {"mpls", read_mpls},
        {"ipv4", [](F f, Flow& key, Flow& mask) { return read_ip(f, false, key, mask); }},
        {"ipv6", [](F f, Flow& key, Flow& mask) { return read_ip(f, true, key, mask); }},
        {"tcp", [](F f, Flow& key, Flow& mask) { return read_two(f, "tcp", "src", "dst", key, mask); }},
        {"udp", [](F f, Flow& key, Flow& mask) { return read_two(f, "udp", "src", "dst", key, mask); }},
        {"sctp", [](F f, Flow& key, Flow& mask) { return read_two(f, "sctp", "src", "dst", key, mask); }},
        {"icmp", [](F f, Flow& key, Flow& mask) { return read_two(f, "icmp", "type", "code", key, mask); }},
        {"icmpv6",
         [](F f, Flow& key, Flow& mask) { return read_two(f, "icmpv6", "type", "code", key, mask); }},
        {"arp", read_arp},
        {"nd", read_nd},
        {"nd_ext", read_nd},
        {"nsh", read_nsh},
        {"tunnel", [](F f, Flow& key, Flow& mask) { return read_tunnel(f, key.tunnel, mask.tunnel); }},
        {"packet_type", read_packet_type},
        {"ct_tuple4", [](F f, Flow& key, Flow& mask) { return read_tuple(f, false, key, mask); }},
        {"ct_tuple6", [](F f, Flow& key, Flow& mask) { return read_tuple(f, true, key, mask); }},
    };
    auto it = readers.find(name);
    return it == readers.end() ? nullptr : it->second;
}

}  // namespace

Result<bool> read_group(const Item& item, Flow& key, Flow& mask, const PortNames* names) {
    if (SingleReader read = find_single(item.name)) {
        Field field;
        field.name = item.name;
        size_t slash = item.body.find('/');
        field.value = item.body.substr(0, slash);
        if (slash != item.body.npos) {
            field.has_mask = true;
            field.mask = item.body.substr(slash + 1);
        }
        WEFT_TRY(read({{field}, item.body, key, mask, names}));
        return true;
    }
    GroupReader read = find_group(item.name);
    if (!read) return false;
    Fields fields;
    WEFT_TRY(split_fields(item.body, fields));
    Result<void> done = read(fields, key, mask);
    if (!done) return Error{fmt::format("{}({}): {}", item.name, item.body, done.message())};
    return true;
}

}  // namespace text

namespace {

// One level of a match: the top, or what is inside encap(...) behind `tags` VLAN tags.
Result<void> read_level(std::string_view text, size_t tags, KeyAndMask& out, const PortNames* names) {
    WEFT_ASSIGN(std::vector<text::Item> items, text::split_items(text));
    for (const text::Item& item : items) {
        if (item.name.starts_with("ufid:")) continue;
        if (!item.has_body) return Error{fmt::format("\"{}\" is not of the form NAME(...)", item.name)};
        if (item.name == "encap") {
            WEFT_TRY(read_level(item.body, tags + 1, out, names));
            continue;
        }
        if (item.name == "vlan") {
            if (tags >= packet::kMaxVlans) return Error{"more than two VLAN tags"};
            // The Ethertype read so far is the tag's own.
            KeyAndMask one{packet::zero_flow(), packet::zero_flow()};
            WEFT_ASSIGN(bool known, text::read_group(item, one.key, one.mask, names));
            (void)known;
            out.key.vlans[tags] = one.key.vlans[0];
            out.mask.vlans[tags] = one.mask.vlans[0];
            out.key.vlans[tags].tpid = out.key.dl_type;
            out.mask.vlans[tags].tpid = out.mask.dl_type;
            out.key.dl_type = 0;
            out.mask.dl_type = 0;
            continue;
        }
        WEFT_ASSIGN(bool known, text::read_group(item, out.key, out.mask, names));
        if (!known) return Error{fmt::format("unknown field \"{}\"", item.name)};
    }
    return {};
}

}  // namespace

Result<KeyAndMask> parse_match(std::string_view text, const PortNames* names) {
    KeyAndMask out{packet::zero_flow(), packet::zero_flow()};
    WEFT_TRY(read_level(text, 0, out, names));
    return out;
}

Result<packet::Flow> parse_key(std::string_view text, const PortNames* names) {
    WEFT_ASSIGN(KeyAndMask both, parse_match(text, names));
    if (!both.mask.dl_type) {
        // Without an Ethertype: 802.3.
        both.key.dl_type = packet::ethernet::kTypeNone;
    }
    return both.key;
}

}  // namespace weft::datapath
