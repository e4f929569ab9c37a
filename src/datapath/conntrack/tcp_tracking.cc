#include "datapath/conntrack/tcp_tracking.h"

#include <algorithm>

#include "packet/tcp.h"

namespace weft::datapath::conntrack {

namespace {

namespace tcp = packet::tcp;

constexpr uint32_t kUnknownLimit = 1;
constexpr uint8_t kMaxScale = 14;  // RFC 7323 section 2.3

// Sequence numbers wrap: a is at or behind b (RFC 9293 section 3.4).
bool at_most(uint32_t a, uint32_t b) {
    return static_cast<int32_t>(a - b) <= 0;
}
bool below(uint32_t a, uint32_t b) {
    return static_cast<int32_t>(a - b) < 0;
}

bool has(const TcpSegment& segment, uint16_t flag) {
    return segment.flags & flag;
}

// Flags that a segment can have.
bool sane(const TcpSegment& segment) {
    uint16_t flags = segment.flags & (tcp::kFin | tcp::kSyn | tcp::kRst | tcp::kPsh | tcp::kAck | tcp::kUrg);
    if (!(flags & tcp::kAck)) return flags == tcp::kSyn || flags == tcp::kRst;
    return !(flags & tcp::kSyn) || !(flags & (tcp::kFin | tcp::kRst));
}

uint32_t sequence_end(const TcpSegment& segment) {
    return segment.sequence + segment.length + has(segment, tcp::kSyn) + has(segment, tcp::kFin);
}

uint32_t scaled(uint32_t window, uint8_t scale) {
    return window << scale;
}
uint16_t unscaled(uint16_t window, uint8_t scale) {
    return static_cast<uint16_t>((window + (1u << scale) - 1) >> scale);
}

}  // namespace

std::string_view tcp_state_name(TcpState state) {
    switch (state) {
        case TcpState::kClosed:
            return "CLOSED";
        case TcpState::kSynSent:
            return "SYN_SENT";
        case TcpState::kEstablished:
            return "ESTABLISHED";
        case TcpState::kClosing:
            return "CLOSING";
        case TcpState::kFinWait2:
            return "FIN_WAIT_2";
        case TcpState::kTimeWait:
            return "TIME_WAIT";
    }
    return "";
}

bool TcpTracking::may_begin(const TcpSegment& segment) {
    return sane(segment) && !(has(segment, tcp::kSyn) && has(segment, tcp::kAck));
}

void TcpTracking::begin(const TcpSegment& segment) {
    End& from = ends_[0];
    End& to = ends_[1];
    from = to = End{};
    from.next = segment.sequence;
    from.limit = sequence_end(segment) + 1;  // one byte may always be sent, to probe a closed window
    from.max_window = std::max<uint16_t>(segment.window, 1);
    if (has(segment, tcp::kSyn)) {
        from.scales = segment.window_scale != TcpSegment::kNone;
        from.scale = from.scales ? std::min(segment.window_scale, kMaxScale) : 0;
        from.max_window = unscaled(from.max_window, from.scale);
    } else {
        // Picked up in the middle: nobody knows the windows.
        from.liberal = to.liberal = true;
        from.liberal_scale = to.liberal_scale = true;
    }
    from.state = TcpState::kSynSent;
    to.max_window = 1;
    to.limit = kUnknownLimit;
}

// The other end speaks for the first time: its numbers begin here.  True if they go as far as all that the
// first end allowed before (where a connection is picked up in its middle, by acknowledging).
bool TcpTracking::first_answer(End& from, End& to, const TcpSegment& segment, uint32_t end) {
    uint8_t scale = scale_of(to, from);
    if (has(segment, tcp::kSyn)) {
        scale = to.scale;
        from.scales = segment.window_scale != TcpSegment::kNone;
        if (from.scales && to.scales) {
            from.scale = std::min(segment.window_scale, kMaxScale);
        } else {  // scaling takes two
            from.scales = to.scales = false;
            from.liberal_scale = to.liberal_scale = false;
        }
    }
    // What the other end has said before may allow more.
    uint32_t allowed = end + std::max<uint32_t>(1, scaled(to.max_window, scale));
    from.next = segment.sequence;
    from.state = TcpState::kSynSent;
    if (from.limit != kUnknownLimit && below(allowed, from.limit)) return false;
    from.limit = allowed;
    return true;
}

uint8_t TcpTracking::scale_of(const End& from, const End& to) {
    if (from.liberal_scale && to.liberal_scale) return kMaxScale;
    return from.scales && to.scales ? from.scale : 0;
}

bool TcpTracking::in_window(const End& from, const End& to, const TcpSegment& segment, uint32_t sequence,
                            uint32_t end, uint32_t acknowledgment) const {
    bool syn = has(segment, tcp::kSyn);  // whose window is not scaled, nor are those that it is held against
    auto skew = static_cast<int32_t>(to.next - acknowledgment);
    int64_t back = int64_t{kAcknowledgmentSlack} << (syn ? 0 : scale_of(from, to));
    return at_most(end, from.limit) &&
           !below(sequence, from.next - scaled(to.max_window, syn ? 0 : scale_of(to, from))) &&
           skew >= -kAcknowledgmentSlack && skew <= back &&
           // A reset is what an attacker would forge: it has to be at the edge (RFC 5961 section 3.2).
           (!has(segment, tcp::kRst) || segment.sequence + 1 - from.next <= 2);
}

// Ends that are about to go, or have yet to hear of each other, are allowed more; acknowledgments do not
// count.
bool TcpTracking::nearly_in_window(const End& from, const End& to, uint32_t sequence, uint32_t end) const {
    if (to.state >= TcpState::kSynSent && to.state < TcpState::kFinWait2 && from.state < TcpState::kFinWait2)
        return false;
    return at_most(end, from.limit + kAcknowledgmentSlack) &&
           !below(sequence, from.next - kAcknowledgmentSlack);
}

TcpVerdict TcpTracking::update(bool reply, const TcpSegment& segment, bool check_sequences) {
    End& from = ends_[reply];
    End& to = ends_[!reply];
    if (!sane(segment)) return TcpVerdict::kInvalid;
    uint16_t opening = segment.flags & (tcp::kSyn | tcp::kAck);
    if (opening == tcp::kSyn && from.state >= TcpState::kFinWait2 && to.state >= TcpState::kFinWait2)
        return TcpVerdict::kRestart;
    // The SYN again.  It adds nothing; should it begin anew with another number, the answer's acknowledgment
    // will tell.
    if (opening == tcp::kSyn && from.state == TcpState::kSynSent) return TcpVerdict::kNew;

    uint32_t sequence = segment.sequence, end = sequence_end(segment);
    uint32_t acknowledgment = segment.acknowledgment;
    bool first = from.state == TcpState::kClosed;
    bool begins = first && first_answer(from, to, segment, end);
    // Both ends have sent a SYN and none has acknowledged one (simultaneous open).
    if (first && opening == tcp::kSyn) return TcpVerdict::kNew;
    if (!has(segment, tcp::kAck) || (has(segment, tcp::kRst) && !acknowledgment)) acknowledgment = to.next;
    if (sequence == end) sequence = end = from.next;  // without data nothing is lost if it is odd

    // What begins an end's numbers may acknowledge anything.
    bool good = !check_sequences || begins || in_window(from, to, segment, sequence, end, acknowledgment);
    if (!good && !nearly_in_window(from, to, sequence, end)) return TcpVerdict::kInvalid;
    // Of a SYN the window is not scaled (RFC 7323 section 2.2): kept as if it were, rounded up.
    uint8_t scale = scale_of(from, to);
    uint16_t window = segment.window;
    if (has(segment, tcp::kSyn)) {
        if (first)
            window = unscaled(window, scale);
        else
            scale = 0;
    }
    from.max_window = std::max(from.max_window, window);
    if (below(from.next, end)) from.next = end;
    uint32_t allowed = acknowledgment + std::max<uint32_t>(1, scaled(window, scale));
    if (below(to.limit, allowed)) to.limit = allowed;

    if (has(segment, tcp::kSyn)) from.reach(TcpState::kSynSent);
    if (has(segment, tcp::kFin)) from.reach(TcpState::kClosing);
    if (has(segment, tcp::kAck) && good) {
        if (to.state == TcpState::kSynSent) to.state = TcpState::kEstablished;
        if (to.state == TcpState::kClosing) to.state = TcpState::kFinWait2;
    }
    if (has(segment, tcp::kRst)) from.state = to.state = TcpState::kTimeWait;
    return good ? TcpVerdict::kEstablished : TcpVerdict::kTolerated;
}

TcpTracking::Numbers TcpTracking::numbers(bool reply) const {
    const End& end = ends_[reply];
    return {end.next,   end.limit,   end.max_window,   scale_of(end, ends_[!reply]),
            end.scales, end.liberal, end.liberal_scale};
}

TcpTracking TcpTracking::established_with(const Numbers& original, const Numbers& reply) {
    TcpTracking out;
    for (bool of_reply : {false, true}) {
        const Numbers& from = of_reply ? reply : original;
        End& end = out.ends_[of_reply];
        end.next = from.next;
        end.limit = from.limit;
        end.max_window = from.max_window;
        end.scale = from.scale;
        end.scales = from.scales;
        end.liberal = from.liberal;
        end.liberal_scale = from.liberal_scale;
        end.state = TcpState::kEstablished;
    }
    return out;
}

void TcpTracking::advance(bool reply, const Numbers& seen) {
    End& end = ends_[reply];
    if (below(end.next, seen.next)) end.next = seen.next;
    if (below(end.limit, seen.limit)) end.limit = seen.limit;
    end.max_window = std::max(end.max_window, seen.max_window);
}

Timeout TcpTracking::timeout() const {
    TcpState a = std::min(ends_[0].state, ends_[1].state), b = std::max(ends_[0].state, ends_[1].state);
    if (b == TcpState::kSynSent && a == TcpState::kClosed) return Timeout::kTcpSynSent;
    if (a >= TcpState::kFinWait2) return Timeout::kTcpClose;
    if (a >= TcpState::kClosing) return Timeout::kTcpTimeWait;
    if (a < TcpState::kEstablished) return Timeout::kTcpSynReceived;
    if (b >= TcpState::kClosing) return Timeout::kTcpFinWait;
    return Timeout::kTcpEstablished;
}

TcpState TcpTracking::state() const {
    TcpState latest = std::max(ends_[0].state, ends_[1].state);
    return latest == TcpState::kFinWait2 ? TcpState::kTimeWait : latest;
}

}  // namespace weft::datapath::conntrack
