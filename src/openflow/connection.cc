#include "openflow/connection.h"

#include <fmt/format.h>

#include <algorithm>

#include "openflow/message.h"

namespace weft::openflow {

Result<uint32_t> parse_versions(std::string_view list) {
    uint32_t out = 0;
    while (!list.empty()) {
        std::string_view text = list.substr(0, list.find(','));
        auto version = parse_version(text);
        if (!version) return Error{fmt::format("Unknown OpenFlow version: \"{}\"", text)};
        out |= version_bit(*version);
        list.remove_prefix(std::min(list.size(), text.size() + 1));
    }
    if (!out) return Error{"no OpenFlow version is named, such as OpenFlow13"};
    return out;
}

Connection::Connection(uint32_t versions) : versions_(versions) {
    Version highest = static_cast<Version>(31 - __builtin_clz(versions));
    output_.bytes(encode(highest, 1, Hello{versions}));
}

void Connection::receive(ByteView bytes) {
    if (consumed_) {
        input_.erase(input_.begin(), input_.begin() + static_cast<long>(consumed_));
        consumed_ = 0;
    }
    input_.insert(input_.end(), bytes.begin(), bytes.end());
}

void Connection::handle_hello(ByteView bytes) {
    Message message;
    if (decode(bytes, {}, message) != OfError::kNone || !message.get_if<Hello>()) {
        fault_ = fmt::format("received an unexpected message before a hello (type {})", bytes[1]);
        return;
    }
    uint32_t common = message.get_if<Hello>()->versions & versions_;
    if (common) {
        version_ = static_cast<Version>(31 - __builtin_clz(common));
        return;
    }
    fault_ =
        fmt::format("version negotiation failed (we support versions {}, peer supports versions {})",
                    version_bitmap_text(versions_), version_bitmap_text(message.get_if<Hello>()->versions));
    Version ours = static_cast<Version>(31 - __builtin_clz(versions_));
    output_.bytes(
        encode(ours, message.xid, ErrorMessage{error_code(OfError::OFPHFC_INCOMPATIBLE, ours), {}}));
}

std::optional<Bytes> Connection::next() {
    while (fault_.empty()) {
        ByteView rest(input_.data() + consumed_, input_.size() - consumed_);
        Header header;
        if (!peek_header(rest, header)) return std::nullopt;
        if (header.length < kHeaderBytes) {
            fault_ = fmt::format("received too-short ofp_header ({} bytes)", header.length);
            return std::nullopt;
        }
        if (rest.size() < header.length) return std::nullopt;
        ByteView message = rest.first(header.length);
        consumed_ += header.length;
        if (!version_) {
            handle_hello(message);
            continue;
        }
        if (header.type == 2 && header.version) {  // echo request, of any version
            output_.u8(header.version);
            output_.u8(3);
            output_.u16(header.length);
            output_.u32(header.xid);
            output_.bytes(message.subspan(kHeaderBytes));
            continue;
        }
        return Bytes(message.begin(), message.end());
    }
    return std::nullopt;
}

}  // namespace weft::openflow
