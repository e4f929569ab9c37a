#include "controller/responders/prefix_delegation.h"

#include <algorithm>

#include "controller/responders/dhcpv6.h"

namespace weft::controller {

using dhcpv6::MessageType;

namespace {

constexpr uint32_t kForever = 0xffffffff;
constexpr uint16_t kDuidLinkLayer = 3, kHardwareEthernet = 1;
constexpr size_t kMostServerId = 130;  // RFC 8415 section 11.1
// Retransmission (RFC 8415 section 7.6), in milliseconds.
constexpr int64_t kSolicitWait = 1000, kSolicitMost = 3'600'000, kRequestWait = 1000, kRequestMost = 30'000,
                  kRenewWait = 10'000, kRenewMost = 600'000;
constexpr int kRequestTries = 10;

int64_t lifetime_end(uint32_t seconds, int64_t now_ms) {
    return seconds == kForever ? INT64_MAX : now_ms + int64_t{seconds} * 1000;
}

}  // namespace

struct PrefixDelegation::Reply {
    MessageType type = MessageType::kReply;
    ByteView server;
    bool failed = false;
    std::optional<Prefix> prefix;
    uint32_t t1 = 0, t2 = 0, preferred = 0, valid = 0;
};

std::optional<PrefixDelegation::Reply> PrefixDelegation::read(ByteView message) const {
    ByteReader in(message);
    uint32_t first = in.u32();
    if (!in.ok() || (first & 0xffffff) != transaction_) return std::nullopt;
    Reply reply;
    reply.type = static_cast<MessageType>(first >> 24);
    if (reply.type != MessageType::kAdvertise && reply.type != MessageType::kReply) return std::nullopt;
    bool for_us = false, has_association = false;
    auto read_association = [&](ByteReader options) {
        while (!options.empty()) {
            uint16_t code = options.u16();
            ByteReader value = options.sub(options.u16());
            if (!options.ok()) return;
            if (code == dhcpv6::kStatusCode) reply.failed |= value.u16() != 0;
            if (code != dhcpv6::kIaPrefix || reply.prefix) continue;
            uint32_t preferred = value.u32(), valid = value.u32();
            Prefix prefix;
            prefix.length = value.u8();
            prefix.address = value.array<16>();
            if (!value.ok() || prefix.length == 0 || prefix.length > 128 || preferred > valid) continue;
            reply.prefix = prefix;
            reply.preferred = preferred;
            reply.valid = valid;
        }
    };
    while (!in.empty()) {
        uint16_t code = in.u16();
        ByteReader value = in.sub(in.u16());
        if (!in.ok()) return std::nullopt;
        switch (code) {
            case dhcpv6::kClientId: {
                uint16_t kind = value.u16(), hardware = value.u16();
                packet::EthAddr mac = value.array<6>();
                for_us = value.ok() && value.empty() && kind == kDuidLinkLayer &&
                         hardware == kHardwareEthernet && mac == mac_;
                break;
            }
            case dhcpv6::kServerId:
                reply.server = value.rest();
                break;
            case dhcpv6::kStatusCode:
                reply.failed |= value.u16() != 0;
                break;
            case dhcpv6::kIaPd: {
                uint32_t identity = value.u32(), t1 = value.u32(), t2 = value.u32();
                if (!value.ok() || identity != identity_) break;
                has_association = true;
                reply.t1 = t1;
                reply.t2 = t2;
                read_association(ByteReader(value.rest()));
                break;
            }
            default:
                break;
        }
    }
    if (!has_association && !reply.failed) return std::nullopt;
    if (!for_us || reply.server.empty() || reply.server.size() > kMostServerId) return std::nullopt;
    return reply;
}

uint32_t PrefixDelegation::next_random() {
    // xorshift: the ids need to differ, not more.
    random_ ^= random_ << 13;
    random_ ^= random_ >> 17;
    random_ ^= random_ << 5;
    return random_;
}

void PrefixDelegation::enter(State state, int64_t now_ms) {
    state_ = state;
    tries_ = 0;
    wait_ms_ = 0;
    due_ms_ = now_ms;
    transaction_ = next_random() & 0xffffff;
}

bool PrefixDelegation::received(ByteView message, int64_t now_ms) {
    std::optional<Reply> reply = read(message);
    if (!reply || wait_ms_ == 0) return false;
    bool usable = !reply->failed && reply->prefix && reply->valid > 0;
    if (state_ == State::kSoliciting) {
        if (reply->type != MessageType::kAdvertise || !usable) return false;
        server_.assign(reply->server.begin(), reply->server.end());
        offered_ = reply->prefix;
        enter(State::kRequesting, now_ms);
        return false;
    }
    if (reply->type != MessageType::kReply || state_ == State::kBound) return false;
    std::optional<Prefix> before = prefix_;
    if (!usable) {  // refused: from the beginning
        prefix_.reset();
        enter(State::kSoliciting, now_ms);
        due_ms_ = now_ms + kSolicitWait;
        return before.has_value();
    }
    server_.assign(reply->server.begin(), reply->server.end());
    prefix_ = reply->prefix;
    // A server that leaves T1 and T2 to the client sends zeros (RFC 8415 section 14.2).
    uint32_t t1 = reply->t1 ? reply->t1 : reply->preferred == kForever ? kForever : reply->preferred / 2;
    uint32_t t2 = reply->t2 ? reply->t2 : reply->preferred == kForever ? kForever : reply->preferred / 5 * 4;
    constexpr uint32_t kLeast = 1;  // second, so that no server makes us busy
    renew_ms_ = lifetime_end(std::max(t1, kLeast), now_ms);
    rebind_ms_ = lifetime_end(std::max({t2, t1, kLeast}), now_ms);
    expires_ms_ = lifetime_end(reply->valid, now_ms);
    enter(State::kBound, now_ms);
    due_ms_ = std::min(renew_ms_, expires_ms_);
    return before != prefix_;
}

void PrefixDelegation::progress(int64_t now_ms) {
    if (prefix_ && now_ms >= expires_ms_) {
        prefix_.reset();
        enter(State::kSoliciting, now_ms);
    } else if (state_ == State::kBound && now_ms >= renew_ms_) {
        offered_ = prefix_;
        enter(State::kRenewing, now_ms);
    } else if (state_ == State::kRenewing && now_ms >= rebind_ms_) {
        enter(State::kRebinding, now_ms);
    } else if (state_ == State::kRequesting && tries_ >= kRequestTries) {
        enter(State::kSoliciting, now_ms);
    }
}

std::optional<Bytes> PrefixDelegation::run(int64_t now_ms) {
    if (now_ms < due_ms_) return std::nullopt;
    progress(now_ms);
    if (state_ == State::kBound || now_ms < due_ms_) return std::nullopt;
    bool renews = state_ == State::kRenewing || state_ == State::kRebinding;
    int64_t first = renews ? kRenewWait : state_ == State::kSoliciting ? kSolicitWait : kRequestWait;
    int64_t most = renews ? kRenewMost : state_ == State::kSoliciting ? kSolicitMost : kRequestMost;
    if (!transaction_) transaction_ = next_random() & 0xffffff;
    wait_ms_ = wait_ms_ ? std::min(wait_ms_ * 2, most) : first;
    ++tries_;
    due_ms_ = now_ms + wait_ms_;
    // What comes earlier than the next try.
    if (state_ == State::kRenewing) due_ms_ = std::min(due_ms_, rebind_ms_);
    if (prefix_) due_ms_ = std::min(due_ms_, expires_ms_);
    return message();
}

Bytes PrefixDelegation::message() const {
    MessageType type = state_ == State::kSoliciting   ? MessageType::kSolicit
                       : state_ == State::kRequesting ? MessageType::kRequest
                       : state_ == State::kRenewing   ? MessageType::kRenew
                                                      : MessageType::kRebind;
    ByteWriter out;
    out.u32(static_cast<uint32_t>(type) << 24 | transaction_);
    out.u16(dhcpv6::kClientId);
    out.u16(10);
    out.u16(kDuidLinkLayer);
    out.u16(kHardwareEthernet);
    out.bytes(mac_);
    if (type == MessageType::kRequest || type == MessageType::kRenew) {
        out.u16(dhcpv6::kServerId);
        out.u16(static_cast<uint16_t>(server_.size()));
        out.bytes(server_);
    }
    constexpr uint16_t kElapsedTime = 8, kPrefixSize = 25;
    out.u16(kElapsedTime);
    out.u16(2);
    out.u16(0);
    bool names_prefix = type != MessageType::kSolicit && offered_;
    out.u16(dhcpv6::kIaPd);
    out.u16(static_cast<uint16_t>(12 + (names_prefix ? 4 + kPrefixSize : 0)));
    out.u32(identity_);
    out.u32(0);  // T1 and T2: the server decides
    out.u32(0);
    if (names_prefix) {
        out.u16(dhcpv6::kIaPrefix);
        out.u16(kPrefixSize);
        out.u32(0);
        out.u32(0);
        out.u8(offered_->length);
        out.bytes(offered_->address);
    }
    return out.take();
}

}  // namespace weft::controller
