#include "controller/responders/dhcpv4.h"

#include <algorithm>
#include <vector>

namespace weft::controller::dhcpv4 {

namespace {

// The message (RFC 2131 section 2).
constexpr size_t kOp = 0, kFlags = 10, kCiaddr = 12, kYiaddr = 16, kSiaddr = 20, kSname = 44, kFile = 108,
                 kCookie = 236, kOptions = 240;
constexpr size_t kSnameSize = 64, kFileSize = 128;
constexpr uint8_t kBootRequest = 1, kBootReply = 2;
constexpr uint16_t kBroadcast = 0x8000;
constexpr uint32_t kMagic = 0x63825363;

// Options (RFC 2132); 175 is Etherboot's, which iPXE sends.
constexpr uint8_t kPad = 0, kNetmask = 1, kRequestedAddress = 50, kLeaseTime = 51, kOverload = 52,
                  kMessageType = 53, kServerId = 54, kMaximalSize = 57, kT1 = 58, kT2 = 59, kBootfile = 67,
                  kEtherboot = 175, kNextServer = 253, kBootfileAlternative = 254, kEnd = 255;
constexpr uint8_t kInFile = 1, kInSname = 2;  // values of option 52

struct Request {
    std::optional<uint8_t> type;
    uint32_t address = 0;
    bool etherboot = false;
    uint8_t overload = 0;
    size_t maximal_size = 0;  // of the IP packet; 0: the client does not say
};

// Options up to the end mark, or up to one that is cut.
void read_options(ByteView bytes, Request& request) {
    ByteReader in(bytes);
    while (!in.empty()) {
        uint8_t code = in.u8();
        if (code == kEnd) return;
        if (code == kPad) continue;
        ByteReader value = in.sub(in.u8());
        if (!in.ok()) return;
        switch (code) {
            case kMessageType:
                if (value.size() == 1) request.type = value.u8();
                break;
            case kRequestedAddress:
                if (value.size() == 4) request.address = value.u32();
                break;
            case kOverload:
                if (value.size() == 1) request.overload = value.u8();
                break;
            case kMaximalSize:
                if (value.size() == 2) request.maximal_size = value.u16();
                break;
            case kEtherboot:
                request.etherboot = true;
                break;
            default:
                break;
        }
    }
}

std::optional<Request> read_request(ByteView message) {
    if (message.size() < kOptions || message[kOp] != kBootRequest || load_be32(&message[kCookie]) != kMagic)
        return std::nullopt;
    Request request;
    read_options(message.subspan(kOptions), request);
    uint8_t overload = request.overload;
    if (overload & kInFile) read_options(message.subspan(kFile, kFileSize), request);
    if (overload & kInSname) read_options(message.subspan(kSname, kSnameSize), request);
    if (!request.address) request.address = load_be32(&message[kCiaddr]);
    return request;
}

struct Option {
    uint8_t code;
    ByteView value;
};

std::vector<Option> read_parameters(ByteReader& in) {
    std::vector<Option> options;
    while (!in.empty()) {
        Option option{in.u8(), {}};
        option.value = in.bytes(in.u8());
        if (!in.ok()) break;
        options.push_back(option);
    }
    return options;
}

const Option* find(const std::vector<Option>& options, uint8_t code) {
    auto it = std::find_if(options.begin(), options.end(), [&](const Option& o) { return o.code == code; });
    return it == options.end() ? nullptr : &*it;
}

bool sent_in_inform(uint8_t code) {
    return code != kLeaseTime && code != kNetmask && code != kT1 && code != kT2;
}

// What the answer carries, in the order of the action.
std::vector<Option> choose(const std::vector<Option>& parameters, const Request& request, MessageType type) {
    std::vector<Option> chosen;
    if (type == MessageType::kNak) {
        // RFC 2131 table 3: a NAK has the server's identifier and nothing else of ours.
        if (const Option* server = find(parameters, kServerId)) chosen.push_back(*server);
        return chosen;
    }
    bool inform = request.type == static_cast<uint8_t>(MessageType::kInform);
    bool alternative = find(parameters, kBootfileAlternative) && !request.etherboot;
    for (const Option& option : parameters) {
        if (inform && !sent_in_inform(option.code)) continue;
        if (option.code == kBootfile && alternative) continue;
        if (option.code == kBootfileAlternative) {
            if (alternative) chosen.push_back({kBootfile, option.value});
            continue;
        }
        chosen.push_back(option);
    }
    return chosen;
}

void put(const Option& option, ByteWriter& out) {
    out.u8(option.code);
    out.u8(static_cast<uint8_t>(option.value.size()));
    out.bytes(option.value);
}

// Moves options from the front of `options` into a field of the header until it is full.
void fill_field(Bytes& message, size_t at, size_t size, std::vector<Option>& options) {
    ByteWriter field;
    std::vector<Option> rest;
    for (const Option& option : options) {
        if (field.size() + 2 + option.value.size() + 1 <= size) {
            put(option, field);
        } else {
            rest.push_back(option);
        }
    }
    field.u8(kEnd);
    std::fill_n(message.begin() + static_cast<ptrdiff_t>(at), size, 0);
    std::copy(field.view().begin(), field.view().end(), message.begin() + static_cast<ptrdiff_t>(at));
    options = std::move(rest);
}

// Behind the options comes a word of padding, the end, and another word: what Debian's clients expect of OVN.
constexpr size_t kPadding = 4, kTail = kPadding + 1 + kPadding;

Bytes assemble(Bytes header, MessageType type, std::vector<Option> options, size_t limit) {
    size_t needed = kOptions + 3 + kTail;
    for (const Option& option : options) needed += 2 + option.value.size();
    std::vector<Option> overflow;
    if (limit && needed > limit) {
        needed += 3;  // option 52
        while (needed > limit && !options.empty()) {
            needed -= 2 + options.back().value.size();
            overflow.insert(overflow.begin(), options.back());
            options.pop_back();
        }
    }
    uint8_t overload = 0;
    if (!overflow.empty()) {
        fill_field(header, kFile, kFileSize, overflow);
        overload = kInFile;
        if (!overflow.empty()) {
            fill_field(header, kSname, kSnameSize, overflow);
            overload |= kInSname;
        }
    }
    ByteWriter out(std::move(header));
    out.u8(kMessageType);
    out.u8(1);
    out.u8(static_cast<uint8_t>(type));
    if (overload) {
        out.u8(kOverload);
        out.u8(1);
        out.u8(overload);
    }
    for (const Option& option : options) put(option, out);
    out.zeros(kPadding);
    out.u8(kEnd);
    out.zeros(kPadding);
    return out.take();
}

std::optional<MessageType> answer_type(const Request& request, uint32_t offered) {
    if (!request.type) return std::nullopt;
    switch (static_cast<MessageType>(*request.type)) {
        case MessageType::kDiscover:
            return MessageType::kOffer;
        case MessageType::kRequest:
            return request.address == offered ? MessageType::kAck : MessageType::kNak;
        case MessageType::kInform:
            return MessageType::kAck;
        default:
            return std::nullopt;
    }
}

}  // namespace

std::optional<Summary> summarize(ByteView message) {
    std::optional<Request> request = read_request(message);
    if (!request || !request->type) return std::nullopt;
    return Summary{static_cast<MessageType>(*request->type), load_be32(&message[kCiaddr]), request->address};
}

std::optional<Answer> answer(ByteView message, ByteView parameter_bytes) {
    std::optional<Request> request = read_request(message);
    if (!request) return std::nullopt;
    ByteReader in(parameter_bytes);
    Answer answer;
    answer.offered = in.u32();
    if (!in.ok()) return std::nullopt;
    std::vector<Option> parameters = read_parameters(in);
    std::optional<MessageType> type = answer_type(*request, answer.offered);
    if (!type) return std::nullopt;
    answer.type = *type;
    answer.broadcast = load_be16(&message[kFlags]) & kBroadcast;

    Bytes header(message.begin(), message.begin() + kOptions);
    header[kOp] = kBootReply;
    bool inform = request->type == static_cast<uint8_t>(MessageType::kInform);
    bool assigns = *type != MessageType::kNak && !inform;
    const Option* next = assigns ? find(parameters, kNextServer) : nullptr;
    store_be32(&header[kYiaddr], assigns ? answer.offered : 0);
    store_be32(&header[kSiaddr], next && next->value.size() == 4 ? load_be32(next->value.data()) : 0);
    if (request->overload) {  // what is in them were options
        std::fill_n(header.begin() + kSname, kSnameSize + kFileSize, 0);
    }
    constexpr size_t kHeaders = 28, kMinimum = 576;  // IP and UDP; what every client takes
    size_t limit = request->maximal_size >= kMinimum ? request->maximal_size - kHeaders : 0;
    answer.message = assemble(std::move(header), *type, choose(parameters, *request, *type), limit);
    return answer;
}

}  // namespace weft::controller::dhcpv4
