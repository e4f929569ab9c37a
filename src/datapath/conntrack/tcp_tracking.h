// What a TCP connection is up to, as one who only watches it can know (RFC 9293; window tracking after G. van
// Rooij, "Real Stateful TCP Packet Filtering in IP Filter", 2001).
//
// Each end has a state of its own and the range of sequence numbers that it may use: it may not send beyond
// what the other end's acknowledgments and windows allow, nor repeat what lies further back than a window,
// nor acknowledge what was not sent.  A segment that does is invalid and changes nothing.
//
// Pure: segments in, verdicts out.  What may go wrong: a connection that is picked up in the middle has
// windows whose scale is unknown, so both its ends are `liberal`: their sequence numbers are not checked.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "datapath/conntrack/timeouts.h"

namespace weft::datapath::conntrack {

// Of one end.  In the order in which a connection goes through them.
enum class TcpState : uint8_t { kClosed, kSynSent, kEstablished, kClosing, kFinWait2, kTimeWait };
std::string_view tcp_state_name(TcpState state);  // "SYN_SENT"

struct TcpSegment {
    uint32_t sequence = 0, acknowledgment = 0;
    uint16_t flags = 0;  // packet::tcp::k...
    uint16_t window = 0;
    uint32_t length = 0;           // of the payload
    uint8_t window_scale = kNone;  // of a SYN's option (RFC 7323)
    static constexpr uint8_t kNone = 0xff;
};

enum class TcpVerdict : uint8_t {
    kInvalid,
    kNew,          // of a connection that nobody has answered yet
    kEstablished,  // of one that was
    kTolerated,    // the same, but it does not keep the connection alive
    kRestart,      // a SYN of a new connection on the ports of one that is over
};

class TcpTracking {
  public:
    // True if a connection may begin with this segment.
    static bool may_begin(const TcpSegment& segment);

    // Begins with the first segment of the original direction, for which may_begin().
    void begin(const TcpSegment& segment);
    TcpVerdict update(bool reply, const TcpSegment& segment, bool check_sequences);

    Timeout timeout() const;
    TcpState state(bool reply) const { return ends_[reply].state; }
    bool liberal(bool reply) const { return ends_[reply].liberal; }
    std::optional<uint8_t> window_scale(bool reply) const {
        return ends_[reply].scales ? std::optional(ends_[reply].scale) : std::nullopt;
    }
    // Of the connection as a whole, for people.
    TcpState state() const;

    // Both ends are in the midst of it: segments without SYN, FIN and RST, within the windows, change numbers
    // alone, and only upwards.  So somebody else can follow them, with these numbers, and tell later how far
    // they have come.
    bool established() const {
        return ends_[0].state == TcpState::kEstablished && ends_[1].state == TcpState::kEstablished;
    }
    struct Numbers {
        uint32_t next = 0, limit = 0;  // as in End
        uint16_t max_window = 0;
        uint8_t scale = 0;  // by which the windows that this end announces are shifted
        // As in End; what the end is, and does not change.
        bool scales = false, liberal = false, liberal_scale = false;
    };
    Numbers numbers(bool reply) const;
    // One that somebody else has followed for a process that is no more.
    static TcpTracking established_with(const Numbers& original, const Numbers& reply);
    void advance(bool reply, const Numbers& seen);
    // How far an acknowledgment may be off: the biggest window without scaling, and a header's worth of
    // doubt.
    static constexpr int32_t kAcknowledgmentSlack = 0xffff + 1500;

  private:
    struct End {
        uint32_t next = 0;   // the sequence number after the highest that it sent
        uint32_t limit = 0;  // that it may send up to: what the other end has acknowledged plus its window
        uint16_t max_window = 0;  // that it announced, not scaled
        uint8_t scale = 0;
        bool scales = false;         // it sent the option
        bool liberal = false;        // picked up in the middle
        bool liberal_scale = false;  // so its scale is unknown, and taken to be the greatest
        TcpState state = TcpState::kClosed;

        void reach(TcpState least) {
            if (state < least) state = least;
        }
    };
    bool first_answer(End& from, End& to, const TcpSegment& segment, uint32_t end);
    // By which the windows of `from` are to be shifted.
    static uint8_t scale_of(const End& from, const End& to);
    bool in_window(const End& from, const End& to, const TcpSegment& segment, uint32_t sequence, uint32_t end,
                   uint32_t acknowledgment) const;
    bool nearly_in_window(const End& from, const End& to, uint32_t sequence, uint32_t end) const;

    End ends_[2];
};

}  // namespace weft::datapath::conntrack
