#include "openflow/messages/wire.h"

#include <algorithm>

namespace weft::openflow::wire {

void Encoder::text(const std::string& text, size_t size) {
    size_t used = std::min(text.size(), size - 1);
    out.bytes(as_bytes(std::string_view(text).substr(0, used)));
    out.zeros(size - used);
}

void Encoder::match(const Match& match) {
    if (version == Version::k11) {
        encode_ofp11_match(match, out);
    } else {
        encode_oxm_match(match, version, out);
    }
}

void Encoder::nx_match(const Match& match, size_t length_at, uint64_t cookie, uint64_t cookie_mask) {
    size_t start = out.size();
    encode_nxm(match, version, out, cookie, cookie_mask);
    patch_length(length_at, start);
    out.pad(8, start);
}

Bytes Encoder::finish() {
    if (out.size() > 65535) return {};
    out.patch_u16(2, static_cast<uint16_t>(out.size()));
    return out.take();
}

std::string Decoder::text(size_t size) {
    ByteView bytes = in.bytes(size);
    auto end = std::find(bytes.begin(), bytes.end(), 0);
    return {bytes.begin(), end};
}

OfError Decoder::match(Match& match) {
    return version == Version::k11 ? decode_ofp11_match(in, match)
                                   : decode_oxm_match(in, nxm_options(), match);
}

OfError Decoder::nx_match(size_t length, Match& match, uint64_t* cookie, uint64_t* cookie_mask) {
    ByteView entries = in.bytes(length);
    in.skip((8 - length % 8) % 8);
    if (!in.ok()) return OfError::OFPBMC_BAD_LEN;
    return decode_nxm(entries, nxm_options(), match, cookie, cookie_mask);
}

OfError next_property(ByteReader& in, Property& property) {
    property.type = in.u16();
    size_t length = in.u16();
    if (!in.ok() || length < 4) return OfError::OFPBPC_BAD_LEN;
    property.value = ByteReader(in.bytes(length - 4));
    if (!in.ok()) return OfError::OFPBPC_BAD_LEN;
    in.skip(std::min((8 - length % 8) % 8, in.size()));
    return OfError::kNone;
}

}  // namespace weft::openflow::wire
