#include "switch/connection/multipart_requests.h"

#include <cassert>

namespace weft::vswitch {

using openflow::OfError;

namespace {

constexpr size_t kTransaction = 4, kKind = 8, kFlags = 10, kHeader = 16;
constexpr uint16_t kMore = 1;

}  // namespace

void MultipartRequests::forget(std::map<uint32_t, Request>::iterator request) {
    bytes_ -= request->second.bytes;
    requests_.erase(request);
}

MultipartRequests::Outcome MultipartRequests::add(ByteView message, int64_t now_ms) {
    assert(message.size() >= kHeader);
    uint32_t transaction = load_be32(message.data() + kTransaction);
    uint16_t kind = load_be16(message.data() + kKind);
    bool more = load_be16(message.data() + kFlags) & kMore;
    Outcome out;
    auto it = requests_.find(transaction);
    if (it == requests_.end()) {
        if (!more) {
            out.parts.emplace_back(message.begin(), message.end());
            return out;
        }
        if (requests_.size() >= kMostRequests) {
            out.error = OfError::OFPBRC_MULTIPART_BUFFER_OVERFLOW;
            return out;
        }
        it = requests_.emplace(transaction, Request{}).first;
        it->second.kind = kind;
    }
    Request& request = it->second;
    if (request.kind != kind)
        out.error = OfError::OFPBRC_BAD_STAT;  // parts of one request are of one kind
    else if (bytes_ + message.size() > kMostBytes)
        out.error = OfError::OFPBRC_MULTIPART_BUFFER_OVERFLOW;
    if (out.error != OfError::kNone) {
        forget(it);
        return out;
    }
    request.late_ms = now_ms + kPatienceMs;
    if (message.size() > kHeader) {
        request.bytes += message.size();
        bytes_ += message.size();
        request.parts.emplace_back(message.begin(), message.end());
    } else {
        request.empty.assign(message.begin(), message.end());
    }
    if (more) return out;
    out.parts = std::move(request.parts);
    if (out.parts.empty()) out.parts.push_back(std::move(request.empty));
    forget(it);
    return out;
}

std::vector<Bytes> MultipartRequests::take_late(int64_t now_ms) {
    std::vector<Bytes> out;
    for (auto it = requests_.begin(); it != requests_.end();) {
        auto request = it++;
        if (request->second.late_ms > now_ms) continue;
        std::vector<Bytes>& parts = request->second.parts;
        out.push_back(std::move(parts.empty() ? request->second.empty : parts.back()));
        forget(request);
    }
    return out;
}

}  // namespace weft::vswitch
