#include "controller/responders/dns.h"

#include <algorithm>

#include "controller/responders/domain_name.h"
#include "packet/address.h"

namespace weft::controller::dns {

namespace {

// The header (RFC 1035 section 4.1.1): id, flags, and the numbers of questions, answers, authorities and
// additional records.
constexpr size_t kFlags = 2, kAnswers = 6, kHeader = 12;
constexpr uint16_t kResponse = 0x8000, kOpcode = 0x7800;
constexpr uint16_t kA = 1, kPtr = 12, kAaaa = 28, kAny = 255;
constexpr uint16_t kClassIn = 1;
constexpr uint32_t kTimeToLive = 3600;

bool is_known(uint16_t type) {
    return type == kA || type == kAaaa || type == kPtr || type == kAny;
}

// One record: the name as the question spelt it, in full.
void put_record(ByteView name, uint16_t type, ByteView data, ByteWriter& out) {
    out.bytes(name);
    out.u16(type);
    out.u16(kClassIn);
    out.u32(kTimeToLive);
    out.u16(static_cast<uint16_t>(data.size()));
    out.bytes(data);
}

}  // namespace

Records parse_records(std::string_view text, bool owned) {
    Records records;
    records.owned = owned;
    std::string_view rest = text;
    while (!rest.empty()) {
        size_t end = rest.find_first_of(", ");
        std::string_view word = rest.substr(0, end);
        if (auto v4 = packet::parse_ipv4(word)) {
            records.ipv4.push_back(*v4);
        } else if (auto v6 = packet::parse_ipv6(word)) {
            records.ipv6.push_back(*v6);
        }
        if (end == std::string_view::npos) break;
        rest.remove_prefix(end + 1);
    }
    if (records.ipv4.empty() && records.ipv6.empty()) records.pointer = text;
    return records;
}

std::optional<Question> read_query(ByteView message) {
    ByteReader in(message);
    in.skip(kFlags);
    uint16_t flags = in.u16(), questions = in.u16(), answers = in.u16(), authorities = in.u16(),
             additional = in.u16();
    if (!in.ok() || flags & (kResponse | kOpcode)) return std::nullopt;
    if (questions != 1 || answers || authorities || additional) return std::nullopt;
    std::optional<std::string> name = read_domain_name(in);
    if (!name || name->empty()) return std::nullopt;
    uint16_t type = in.u16(), klass = in.u16();
    if (!in.ok() || !in.empty() || klass != kClassIn || !is_known(type)) return std::nullopt;
    return Question{*name, type, message.size()};
}

std::optional<Bytes> answer(ByteView message, const Question& question, const Records& records) {
    ByteView name = message.subspan(kHeader, question.size - kHeader - 4);
    ByteWriter out;
    out.bytes(message.first(question.size));
    size_t count = 0;
    if (question.type == kA || question.type == kAny) {
        for (uint32_t address : records.ipv4) {
            uint8_t data[4];
            store_be32(data, address);
            put_record(name, kA, data, out);
            ++count;
        }
    }
    if (question.type == kAaaa || question.type == kAny) {
        for (const packet::Ipv6Addr& address : records.ipv6) {
            put_record(name, kAaaa, address, out);
            ++count;
        }
    }
    if (question.type == kPtr && !records.pointer.empty()) {
        ByteWriter data;
        if (put_domain_name(records.pointer, data)) {
            put_record(name, kPtr, data.view(), out);
            ++count;
        }
    }
    if (!count && !records.owned) return std::nullopt;
    out.patch_u16(kFlags, load_be16(&message[kFlags]) | kResponse);
    out.patch_u16(kAnswers, static_cast<uint16_t>(count));
    return out.take();
}

}  // namespace weft::controller::dns
