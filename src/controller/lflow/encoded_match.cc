#include "controller/lflow/encoded_match.h"

#include <cassert>

#include "base/bytes.h"
#include "base/hash_map.h"
#include "controller/lflow/byte_places.h"
#include "openflow/match.h"

namespace weft::controller {

namespace {

std::string to_text(const ByteWriter& writer) {
    ByteView bytes = writer.view();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// One that has grown already.
ByteWriter& empty_writer() {
    static thread_local ByteWriter writer;
    writer.clear();
    return writer;
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

EncodedMatch encode_in_full(const logical::Conjunct& tests, std::optional<uint32_t> conj_id) {
    openflow::Match match;
    tests.to_match(match);
    match.set_metadata(0);
    if (conj_id) match.set(openflow::FieldId::kConjId, *conj_id);
    ByteWriter& writer = empty_writer();
    openflow::encode_oxm_match(match, openflow::Version::k15, writer);
    EncodedMatch out;
    out.bytes = to_text(writer);
    out.key_offset = find_metadata(out.bytes);
    return out;
}

using logical::FieldTest;

// Of 4 bytes or more, compared as a whole: a register, an address.  What a packet is (eth_type, ip_proto),
// which decides how others are encoded, is smaller.
bool is_value(const FieldTest& test) {
    const openflow::Field& field = openflow::field(test.field);
    return field.bytes >= 4 && field.bytes <= 16 && test.mask == low_bits(field.bytes * 8u);
}

PlacedValue value_of_size(size_t size) {
    PlacedValue value;
    value.size = static_cast<uint8_t>(size);
    value.mask.fill(0xff);
    return value;
}

ValueBytes to_bytes(U128 value, size_t size) {
    ValueBytes bytes{};
    for (size_t i = size; i-- > 0; value >>= 8) bytes[i] = static_cast<uint8_t>(value);
    return bytes;
}
U128 to_number(const ValueBytes& bytes, size_t size) {
    U128 value = 0;
    for (size_t i = 0; i < size; ++i) value = value << 8 | bytes[i];
    return value;
}

// Matches of one form: all that is not a value, and how it is encoded around the values.
class MatchForm {
  public:
    // Nothing if the form is not known, or cannot be filled in.
    static std::optional<EncodedMatch> encode(const logical::Conjunct& tests,
                                              std::optional<uint32_t> conj_id) {
        static constexpr size_t kMostForms = 1024;
        static thread_local HashMap<std::string, MatchForm> forms;
        static thread_local std::string key;
        std::array<ValueBytes, kMostPlaced> values;
        size_t count = 0;
        key.assign(1, conj_id ? 'c' : '-');
        if (conj_id) values[count++] = to_bytes(*conj_id, sizeof *conj_id);
        for (const FieldTest& test : tests.tests()) {
            const bool value = is_value(test);
            if (count == values.size()) return std::nullopt;
            key.append({static_cast<char>(static_cast<unsigned>(test.field) >> 8),
                        static_cast<char>(test.field), value ? 'v' : '-'});
            if (value) {
                values[count++] = to_bytes(test.value, openflow::field(test.field).bytes);
            } else {
                key.append(reinterpret_cast<const char*>(&test.value), sizeof test.value);
                key.append(reinterpret_cast<const char*>(&test.mask), sizeof test.mask);
            }
        }
        if (forms.size() >= kMostForms) forms.clear();
        MatchForm& form = forms[key];
        if (form.seen_ < 2 && ++form.seen_ == 2) form.learn(tests, conj_id.has_value());
        if (!form.usable_) return std::nullopt;
        EncodedMatch out = form.blank_;
        fill_places(form.places_, values.data(), sizeof(ValueBytes), out.bytes);
        return out;
    }

  private:
    void learn(const logical::Conjunct& tests, bool has_conj_id) {
        std::vector<PlacedValue> values;
        std::array<EncodedMatch, 2> encoded;
        for (const bool second : {false, true}) {
            values.clear();
            auto probe = [&](size_t size) {
                values.push_back(value_of_size(size));
                return to_number(probe_value(values.back(), values.size() - 1, second), size);
            };
            std::optional<uint32_t> conj_id;
            if (has_conj_id) conj_id = static_cast<uint32_t>(probe(sizeof *conj_id));
            logical::Conjunct probed;
            for (const FieldTest& test : tests.tests()) {
                const U128 value = is_value(test) ? probe(openflow::field(test.field).bytes) : test.value;
                if (!probed.add(test.field, value, test.mask)) return;
            }
            encoded[second] = encode_in_full(probed, conj_id);
        }
        std::optional<std::vector<BytePlace>> places =
            find_places(encoded[0].bytes, encoded[1].bytes, values);
        if (!places) return;
        for (size_t i = 0; i < values.size(); ++i) {  // fields that lie in each other's place
            size_t bytes = 0;
            for (const BytePlace& place : *places) bytes += place.value == i ? place.size : 0u;
            if (bytes != values[i].size) return;
        }
        blank_ = std::move(encoded[0]);
        places_ = *std::move(places);
        usable_ = true;
    }

    unsigned seen_ = 0;
    bool usable_ = false;
    EncodedMatch blank_;
    std::vector<BytePlace> places_;
};

}  // namespace

EncodedMatch encode_match(const logical::Conjunct& tests, std::optional<uint32_t> conj_id) {
    if (std::optional<EncodedMatch> filled = MatchForm::encode(tests, conj_id)) return *std::move(filled);
    return encode_in_full(tests, conj_id);
}

std::string encode_instructions(const openflow::ActionList& actions) {
    ByteWriter& writer = empty_writer();
    openflow::encode_instructions(actions, openflow::Version::k15, writer);
    return to_text(writer);
}

}  // namespace weft::controller
