#include "openflow/connection.h"

#include <fmt/format.h>

#include "openflow/message.h"
#include "openflow/messages/wire.h"

namespace weft::openflow {

namespace {

Version highest(uint32_t versions) {
    Version found = Version::k10;
    for (Version version : kAllVersions) {
        if (versions & version_bit(version)) found = version;
    }
    return found;
}

}  // namespace

Connection::Connection(uint32_t versions) : versions_(versions) {
    output_.bytes(encode(highest(versions), 1, Hello{versions}));
}

void Connection::receive(ByteView bytes) {
    if (consumed_ > 65536 && consumed_ * 2 > input_.size()) {
        input_.erase(input_.begin(), input_.begin() + static_cast<ptrdiff_t>(consumed_));
        consumed_ = 0;
    }
    input_.insert(input_.end(), bytes.begin(), bytes.end());
}

void Connection::handle_hello(ByteView bytes) {
    Message message;
    decode(bytes, {}, message);
    const Hello* hello = message.get_if<Hello>();
    // A version beyond those we know still has all below it.
    uint32_t theirs = hello ? hello->versions : 0;
    uint32_t common = theirs & versions_;
    if (common) {
        version_ = highest(common);
        return;
    }
    fault_ = fmt::format("version negotiation failed (we support version {}, peer supports version {})",
                         version_bitmap_text(versions_), version_bitmap_text(theirs));
    std::string text = fmt::format("We support version {}, you support version {}, no common versions.",
                                   version_bitmap_text(versions_), version_bitmap_text(theirs));
    ErrorMessage error;
    error.code = error_code(OfError::OFPHFC_INCOMPATIBLE, highest(versions_));
    error.data.assign(text.begin(), text.end());
    output_.bytes(encode(highest(versions_), message.xid, std::move(error)));
}

std::optional<Bytes> Connection::next() {
    while (fault_.empty()) {
        ByteView rest = ByteView(input_).subspan(consumed_);
        Header header;
        if (!peek_header(rest, header)) return std::nullopt;
        if (header.length < kHeaderBytes) {
            fault_ = fmt::format("received too-short OpenFlow message ({} bytes)", header.length);
            return std::nullopt;
        }
        if (rest.size() < header.length) return std::nullopt;
        ByteView message = rest.first(header.length);
        consumed_ += header.length;
        if (header.type == wire::kHello) {
            if (!version_) handle_hello(message);
            continue;
        }
        if (!version_) {
            // An error instead of a hello tells why the peer will not talk.
            fault_ = header.type == wire::kError ? "peer refused to negotiate a version"
                                                 : "received a message before the peer's hello";
            return std::nullopt;
        }
        if (header.type == wire::kEchoRequest && header.version == static_cast<uint8_t>(*version_)) {
            Bytes reply(message.begin(), message.end());
            reply[1] = wire::kEchoReply;
            output_.bytes(reply);
            continue;
        }
        return Bytes(message.begin(), message.end());
    }
    return std::nullopt;
}

}  // namespace weft::openflow
