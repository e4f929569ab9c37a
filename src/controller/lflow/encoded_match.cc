#include "controller/lflow/encoded_match.h"

#include <cassert>

#include "base/bytes.h"
#include "openflow/match.h"

namespace weft::controller {

namespace {

std::string to_text(const ByteWriter& writer) {
    ByteView bytes = writer.view();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Where the value of OXM_OF_METADATA begins in an encoded match (OpenFlow 1.5, 7.2.3): after the match's
// header come entries of class, field and length.
size_t find_metadata(const std::string& match) {
    static constexpr uint32_t kMetadataHeader = 0x80000408;
    const auto* bytes = reinterpret_cast<const uint8_t*>(match.data());
    for (size_t at = 4; at + 4 <= match.size();) {
        if (load_be32(bytes + at) == kMetadataHeader) return at + 4;
        at += 4 + size_t{bytes[at + 3]};
    }
    assert(!"a logical flow's match has no datapath");
    return 0;
}

}  // namespace

EncodedMatch encode_match(const logical::Conjunct& tests, std::optional<uint32_t> conj_id) {
    openflow::Match match;
    tests.to_match(match);
    match.set_metadata(0);
    if (conj_id) match.set(openflow::FieldId::kConjId, *conj_id);
    ByteWriter writer;
    openflow::encode_oxm_match(match, openflow::Version::k15, writer);
    EncodedMatch out;
    out.bytes = to_text(writer);
    out.key_offset = find_metadata(out.bytes);
    return out;
}

std::string encode_instructions(const openflow::ActionList& actions) {
    ByteWriter writer;
    openflow::encode_instructions(actions, openflow::Version::k15, writer);
    return to_text(writer);
}

}  // namespace weft::controller
