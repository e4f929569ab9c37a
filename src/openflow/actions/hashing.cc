#include "openflow/actions/hashing.h"

#include "openflow/actions/codec.h"

namespace weft::openflow::actions {
namespace {

constexpr uint16_t kNxMultipath = 10, kNxBundle = 12, kNxBundleLoad = 13;
constexpr uint32_t kMemberTypeOfport = 0x00000002;  // NXM_OF_IN_PORT
constexpr size_t kMaxMembers = 2048;

constexpr const char* kHashNames[] = {"eth_src", "symmetric_l4", "symmetric_l3l4", "symmetric_l3l4+udp",
                                      "nw_src",  "nw_dst",       "symmetric_l3"};
constexpr const char* kMultipathNames[] = {"modulo_n", "hash_threshold", "hrw", "iter_hash"};
constexpr const char* kBundleNames[] = {"active_backup", "hrw"};

template <size_t N>
std::optional<uint16_t> by_name(const char* const (&names)[N], std::string_view text) {
    for (uint16_t i = 0; i < N; i++) {
        if (text::equals_ignoring_case(text, names[i])) return i;
    }
    return std::nullopt;
}

// The next of comma- or space-separated words; parentheses and brackets do not count here.
std::string_view word(std::string_view& text) {
    size_t start = text.find_first_not_of(", ");
    if (start == text.npos) {
        text = {};
        return {};
    }
    text.remove_prefix(start);
    size_t end = text.find_first_of(", ");
    std::string_view out = text.substr(0, end);
    text.remove_prefix(out.size());
    return out;
}

}  // namespace

void encode(const Multipath& a, EncodeContext& c) {
    size_t start = begin_nicira(c, kNxMultipath);
    c.out.u16(static_cast<uint16_t>(a.fields));
    c.out.u16(a.basis);
    c.out.zeros(2);
    c.out.u16(static_cast<uint16_t>(a.algorithm));
    c.out.u16(a.max_link);
    c.out.u32(a.arg);
    c.out.zeros(2);
    c.out.u16(ofs_nbits(a.dst));
    encode_field_header(c, a.dst.field);
    end(c, start);
}

void format(const Multipath& a, const Names*, std::string& out) {
    text::append(out, "multipath({},{},{},{},{},", kHashNames[static_cast<size_t>(a.fields)], a.basis,
                 kMultipathNames[static_cast<size_t>(a.algorithm)], a.max_link + 1, a.arg);
    format_subfield(a.dst, out);
    out += ')';
}

void encode(const Boxed<Bundle>& boxed, EncodeContext& c) {
    const Bundle& a = *boxed;
    size_t start = begin_nicira(c, a.dst.valid() ? kNxBundleLoad : kNxBundle);
    c.out.u16(static_cast<uint16_t>(a.algorithm));
    c.out.u16(static_cast<uint16_t>(a.fields));
    c.out.u16(a.basis);
    c.out.u32(kMemberTypeOfport);
    c.out.u16(static_cast<uint16_t>(a.members.size()));
    c.out.u16(a.dst.valid() ? ofs_nbits(a.dst) : 0);
    if (a.dst.valid()) {
        encode_field_header(c, a.dst.field);
    } else {
        c.out.u32(0);
    }
    c.out.zeros(4);
    for (uint32_t member : a.members) c.out.u16(port_to_of10(member));
    end(c, start);
}

void format(const Boxed<Bundle>& boxed, const Names* names, std::string& out) {
    const Bundle& a = *boxed;
    text::append(out, "{}({},{},{},ofport,", a.dst.valid() ? "bundle_load" : "bundle",
                 kHashNames[static_cast<size_t>(a.fields)], a.basis,
                 kBundleNames[static_cast<size_t>(a.algorithm)]);
    if (a.dst.valid()) {
        format_subfield(a.dst, out);
        out += ',';
    }
    out += "members:";
    for (size_t i = 0; i < a.members.size(); i++) {
        if (i) out += ',';
        format_port(a.members[i], names, out);
    }
    out += ')';
}

namespace {

OfError decode_multipath(ByteReader& in, DecodeContext& c) {
    Multipath a;
    uint16_t fields = in.u16();
    a.basis = in.u16();
    in.skip(2);
    uint16_t algorithm = in.u16();
    a.max_link = in.u16();
    a.arg = in.u32();
    in.skip(2);
    uint16_t bits = in.u16();
    if (OfError error = decode_subfield(in, c, bits, a.dst); error != OfError::kNone) return error;
    if (!in.ok() || fields >= std::size(kHashNames) || algorithm >= std::size(kMultipathNames)) {
        return OfError::OFPBAC_BAD_ARGUMENT;
    }
    if (a.dst.bits < 16 && a.max_link >> a.dst.bits) return OfError::OFPBAC_BAD_ARGUMENT;
    a.fields = static_cast<HashFields>(fields);
    a.algorithm = static_cast<Multipath::Algorithm>(algorithm);
    c.out.push_back(a);
    return OfError::kNone;
}

OfError decode_any_bundle(ByteReader& in, DecodeContext& c, bool load) {
    Bundle a;
    uint16_t algorithm = in.u16(), fields = in.u16();
    a.basis = in.u16();
    uint32_t type = in.u32();
    uint16_t members = in.u16(), bits = in.u16();
    if (load) {
        if (OfError error = decode_subfield(in, c, bits, a.dst); error != OfError::kNone) return error;
        if (a.dst.bits < 16) return OfError::OFPBAC_BAD_ARGUMENT;
        in.skip(4);
    } else {
        if (bits || in.u32()) return OfError::OFPBAC_BAD_ARGUMENT;
        in.skip(4);
    }
    if (!in.ok() || fields >= std::size(kHashNames) || algorithm >= std::size(kBundleNames) ||
        type != kMemberTypeOfport || members > kMaxMembers) {
        return OfError::OFPBAC_BAD_ARGUMENT;
    }
    a.fields = static_cast<HashFields>(fields);
    a.algorithm = static_cast<Bundle::Algorithm>(algorithm);
    if (in.size() < members * 2u) return OfError::OFPBAC_BAD_LEN;
    for (unsigned i = 0; i < members; i++) a.members.push_back(port_from_of10(in.u16()));
    c.out.push_back(Boxed<Bundle>(std::move(a)));
    return OfError::kNone;
}

OfError decode_bundle(ByteReader& in, DecodeContext& c) {
    return decode_any_bundle(in, c, false);
}
OfError decode_bundle_load(ByteReader& in, DecodeContext& c) {
    return decode_any_bundle(in, c, true);
}

}  // namespace

const NumberedDecoder kHashingDecoders[] = {{kNxMultipath, decode_multipath},
                                            {kNxBundle, decode_bundle},
                                            {kNxBundleLoad, decode_bundle_load},
                                            {0, nullptr}};

namespace {

Result<void> parse_multipath(std::string_view text, ParseContext& c) {
    std::string_view original = text;
    std::string_view fields = word(text), basis = word(text), algorithm = word(text), links = word(text),
                     arg = word(text), dst = word(text);
    if (dst.empty()) return Error{fmt::format("{}: not enough arguments to multipath action", original)};
    Multipath a;
    auto hash = by_name(kHashNames, fields);
    if (!hash) return Error{fmt::format("{}: unknown fields `{}'", original, fields)};
    auto chooser = by_name(kMultipathNames, algorithm);
    if (!chooser) return Error{fmt::format("{}: unknown algorithm `{}'", original, algorithm)};
    auto basis_number = text::parse_u64_max(basis, 65535), n_links = text::parse_u64(links),
         arg_number = text::parse_u64_max(arg, 0xffffffff);
    if (!n_links || *n_links < 1 || *n_links > 65536) {
        return Error{fmt::format("{}: n_links {} is not in valid range 1 to 65536", original, links)};
    }
    a.fields = static_cast<HashFields>(*hash);
    a.algorithm = static_cast<Multipath::Algorithm>(*chooser);
    a.basis = static_cast<uint16_t>(basis_number.value_or(0));
    a.max_link = static_cast<uint16_t>(*n_links - 1);
    a.arg = static_cast<uint32_t>(arg_number.value_or(0));
    WEFT_ASSIGN(a.dst, parse_whole_subfield(dst));
    if (!field(a.dst.field).writable) return Error{fmt::format("{}: field is not writable", original)};
    if (field(a.dst.field).nxm.experimenter || field(a.dst.field).oxm.experimenter) {
        return Error{
            fmt::format("{}: experimenter OXM field '{}' not supported", original, field(a.dst.field).name)};
    }
    if (a.dst.bits > 64) {
        return Error{
            fmt::format("{}: a destination of {} bits does not fit the action, which has room for 64",
                        original, a.dst.bits)};
    }
    if (a.dst.bits < 16 && *n_links > 1ull << a.dst.bits) {
        return Error{
            fmt::format("{}: {}-bit destination field has {} possible values, less than specified n_links {}",
                        original, a.dst.bits, 1u << a.dst.bits, *n_links)};
    }
    c.out.push_back(a);
    return {};
}

Result<void> parse_any_bundle(std::string_view text, ParseContext& c, bool load) {
    const char* name = load ? "bundle_load" : "bundle";
    std::string_view original = text;
    std::string_view fields = word(text), basis = word(text), algorithm = word(text), type = word(text);
    std::string_view dst = load ? word(text) : std::string_view();
    std::string_view rest = text::trim(text);
    if (!rest.empty() && rest[0] == ',') rest.remove_prefix(1);
    rest = text::trim(rest);
    size_t colon = rest.find(':');
    if (type.empty() || colon == rest.npos) {
        return Error{fmt::format("{}: not enough arguments to {} action", original, name)};
    }
    std::string_view delimiter = rest.substr(0, colon);
    if (delimiter != "members" && delimiter != "slaves") {
        return Error{
            fmt::format("{}: missing member delimiter, expected `members', got `{}'", original, delimiter)};
    }
    Bundle a;
    auto hash = by_name(kHashNames, fields);
    if (!hash) return Error{fmt::format("{}: unknown fields `{}'", original, fields)};
    auto chooser = by_name(kBundleNames, algorithm);
    if (!chooser) return Error{fmt::format("{}: unknown algorithm `{}'", original, algorithm)};
    if (type != "ofport") return Error{fmt::format("{}: unknown member_type `{}'", original, type)};
    a.fields = static_cast<HashFields>(*hash);
    a.algorithm = static_cast<Bundle::Algorithm>(*chooser);
    a.basis = static_cast<uint16_t>(text::parse_u64_max(basis, 65535).value_or(0));
    if (load) {
        WEFT_ASSIGN(a.dst, parse_whole_subfield(dst));
        if (a.dst.bits < 16) {
            return Error{fmt::format("{}: bundle_load requires a 16-bit destination", original)};
        }
    }
    rest.remove_prefix(colon + 1);
    for (std::string_view member = word(rest); !member.empty(); member = word(rest)) {
        auto port = parse_port(member, c.names);
        if (!port) return Error{fmt::format("{}: bad port number", member)};
        if (a.members.size() == kMaxMembers) return Error{"too many members"};
        a.members.push_back(*port);
    }
    c.out.push_back(Boxed<Bundle>(std::move(a)));
    return {};
}

Result<void> parse_bundle(std::string_view text, ParseContext& c) {
    return parse_any_bundle(text, c, false);
}
Result<void> parse_bundle_load(std::string_view text, ParseContext& c) {
    return parse_any_bundle(text, c, true);
}

}  // namespace

const NamedParser kHashingParsers[] = {{"multipath", parse_multipath},
                                       {"bundle", parse_bundle},
                                       {"bundle_load", parse_bundle_load},
                                       {nullptr, nullptr}};

}  // namespace weft::openflow::actions
