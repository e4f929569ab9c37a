#include "datapath/conntrack/tracker.h"

#include <algorithm>

#include "packet/ethernet.h"
#include "packet/ipv4.h"
#include "packet/tcp.h"

namespace weft::datapath::conntrack {

namespace {

using packet::Flow;

constexpr size_t kSweepPerPacket = 4, kSweepWhenFull = 64, kSweepPerRun = 4096;

void set_original_tuple(Flow& key, const Tuple& tuple) {
    key.ct_nw_proto = tuple.protocol;
    if (tuple.v6) {
        key.ct_ipv6_src = tuple.src;
        key.ct_ipv6_dst = tuple.dst;
    } else {
        key.ct_nw_src = load_be32(tuple.src.data());
        key.ct_nw_dst = load_be32(tuple.dst.data());
    }
    if (tuple.is_icmp()) {  // type and code
        key.ct_tp_src = static_cast<uint16_t>(tuple.dst_port >> 8);
        key.ct_tp_dst = static_cast<uint16_t>(tuple.dst_port & 0xff);
    } else {
        key.ct_tp_src = tuple.src_port;
        key.ct_tp_dst = tuple.dst_port;
    }
}

Timeout timeout_of(const Connection& connection) {
    if (auto* tcp = std::get_if<TcpTracking>(&connection.protocol)) return tcp->timeout();
    using State = DatagramTracking::State;
    State state = std::get<DatagramTracking>(connection.protocol).state;
    if (connection.original.is_icmp())
        return state == State::kAnswered ? Timeout::kIcmpReply : Timeout::kIcmpFirst;
    return state == State::kAnswered   ? Timeout::kUdpMultiple
           : state == State::kRepeated ? Timeout::kUdpSingle
                                       : Timeout::kUdpFirst;
}

// Sets the time that the protocol's state gives; true if it is nearer than it was.
bool renew(Connection& connection, int64_t now_ms) {
    int64_t expires = now_ms + int64_t{1000} * connection.timeouts->of(timeout_of(connection));
    bool nearer = expires < connection.expires_ms;
    connection.expires_ms = expires;
    return nearer;
}

// What a packet of the original or the reply direction becomes.
Tuple translated(const Connection& connection, bool reply) {
    return reversed(reply ? connection.original : connection.reply);
}

uint32_t nat_bits(const Connection& connection, bool reply) {
    uint32_t bits = 0;
    if (connection.source_nat) bits |= reply ? packet::kCtDnat : packet::kCtSnat;
    if (connection.destination_nat) bits |= reply ? packet::kCtSnat : packet::kCtDnat;
    return bits;
}

void write_mark_and_label(Connection& connection, const Conntrack& action) {
    if (action.mark) {
        auto [value, mask] = *action.mark;
        connection.mark = (connection.mark & ~mask) | (value & mask);
    }
    if (action.label) {
        const auto& [value, mask] = *action.label;
        for (size_t i = 0; i < connection.label.size(); i++)
            connection.label[i] =
                static_cast<uint8_t>((connection.label[i] & ~mask[i]) | (value[i] & mask[i]));
    }
}

void read_mark_and_label(Flow& key, const Connection& connection) {
    key.ct_mark = connection.mark;
    key.ct_label = connection.label;
}

bool may_begin(const Headers& headers) {
    if (headers.quoted) return false;
    if (headers.tuple.protocol == packet::protocol::kTcp) return TcpTracking::may_begin(headers.tcp);
    if (headers.tuple.is_icmp()) return headers.may_begin_icmp;
    return true;
}

datapath::Connection describe(const Connection& connection, int64_t now_ms) {
    datapath::Connection out;
    out.original = to_api(connection.original);
    out.reply = to_api(connection.reply);
    out.zone = connection.original.zone;
    out.mark = connection.mark;
    out.label = connection.label;
    out.expires_in_ms = connection.expires_ms - now_ms;
    if (auto* tcp = std::get_if<TcpTracking>(&connection.protocol)) {
        out.state = tcp_state_name(tcp->state());
        out.original_state = tcp_state_name(tcp->state(false));
        out.reply_state = tcp_state_name(tcp->state(true));
        for (bool reply : {false, true}) {
            out.liberal[reply] = tcp->liberal(reply);
            out.window_scale[reply] = tcp->window_scale(reply);
        }
    }
    if (connection.helper != Connection::Helper::kNone)
        out.helper = connection.helper == Connection::Helper::kFtp ? "ftp" : "tftp";
    if (connection.parent) out.parent = to_api(*connection.parent);
    return out;
}

}  // namespace

Tracked Tracker::track(packet::Packet& packet, const packet::Layout& layout, Flow& key,
                       const Conntrack& action, int64_t now_ms, std::vector<packet::Packet>& fragments,
                       explain::DropReason& reason) {
    std::lock_guard lock(mutex_);
    fragments_.expire(now_ms);
    store_.sweep(now_ms, kSweepPerPacket);
    // Translated in this zone before: it looks like the other side's packets now.
    translated_before_ = key.ct_state & (packet::kCtSnat | packet::kCtDnat) && key.ct_zone == action.zone;
    clear_connection_fields(key);
    key.ct_zone = action.zone;
    bool v6 = key.dl_type == packet::ethernet::kIpv6;
    std::vector<Fragments::Piece> pieces;
    if (key.nw_frag && fragments_.enabled(v6)) {
        switch (fragments_.add(packet, layout, key, action.zone, now_ms, pieces)) {
            case Fragments::Fate::kHeld:
                return Tracked::kHeld;
            case Fragments::Fate::kInvalid:
                key.ct_state = packet::kCtTracked | packet::kCtInvalid;
                return Tracked::kGoOn;
            case Fragments::Fate::kWhole:
                break;
        }
        Flow whole_key = key;
        packet::Layout whole_layout = packet::extract(packet, whole_key);
        in_fragments_ = true;
        Outcome outcome = track_whole(packet, whole_layout, whole_key, action, now_ms);
        in_fragments_ = false;
        // The pieces' own fields are read again by whoever goes on with them.
        key = whole_key;
        if (outcome == Outcome::kNatExhausted) {
            reason = explain::DropReason::kNatExhausted;
            return Tracked::kDropped;
        }
        Fragments::spread(packet, pieces);
        for (Fragments::Piece& piece : pieces) fragments.push_back(std::move(piece.packet));
        return Tracked::kFragments;
    }
    if (track_whole(packet, layout, key, action, now_ms) == Outcome::kNatExhausted) {
        reason = explain::DropReason::kNatExhausted;
        return Tracked::kDropped;
    }
    return Tracked::kGoOn;
}

Tracker::Outcome Tracker::track_whole(packet::Packet& packet, const packet::Layout& layout, Flow& key,
                                      const Conntrack& action, int64_t now_ms) {
    key.ct_state = packet::kCtTracked | packet::kCtInvalid;
    std::optional<Headers> headers = read_headers(packet, layout, key, action.zone);
    if (!headers) return Outcome::kGoOn;
    if (headers->quoted) {
        track_error(packet, layout, key, *headers, action, now_ms);
        return Outcome::kGoOn;
    }
    Found found = store_.find(headers->tuple, now_ms);
    if (!found && translated_before_) {
        found = store_.find(reversed(headers->tuple), now_ms);
        found.reply = !found.reply;
    }
    if (found && action.commit && action.force && found.reply) {
        end(found.connection);
        found = {};
    }
    uint32_t state = 0;
    packet::Layout here = layout;
    if (found && found.connection->shifts) {
        shift_acknowledgment(packet, layout, (*found.connection->shifts)[!found.reply]);
        headers->tcp.acknowledgment = load_be32(packet.data() + layout.l4 + packet::tcp::kAcknowledgment);
    }
    if (found) {
        state = update(found, *headers, now_ms);
        if (!state) found = {};
    }
    if (!found) return track_new(packet, layout, key, *headers, action, now_ms);

    Connection& connection = *found.connection;
    key.ct_state = packet::kCtTracked | state;
    if (connection.parent && !(state & packet::kCtInvalid)) key.ct_state |= packet::kCtRelated;
    if (action.commit && !(state & packet::kCtInvalid)) write_mark_and_label(connection, action);
    offer(connection, !(state & packet::kCtInvalid));
    read_mark_and_label(key, connection);
    set_original_tuple(key, connection.original);
    if (connection.helper != Connection::Helper::kNone && !(state & packet::kCtInvalid)) {
        if (!help(packet, here, *headers, connection, found.reply, action, now_ms))
            key.ct_state |= packet::kCtInvalid;
    }
    if (connection.shifts) shift_sequence(packet, here, (*connection.shifts)[found.reply]);
    if (action.nat && connection.translated()) {
        rewrite_tuple(packet, here, headers->tuple, translated(connection, found.reply));
        key.ct_state |= nat_bits(connection, found.reply);
    }
    return Outcome::kGoOn;
}

// What it announced ends with it.
void Tracker::end(Connection* connection) {
    expectations_.forget(connection->original);
    store_.remove(connection);
}

uint32_t Tracker::update(const Found& found, const Headers& headers, int64_t now_ms) {
    Connection& connection = *found.connection;
    renew_accelerated(connection);
    uint32_t direction = found.reply ? packet::kCtReply : 0;
    uint32_t state = packet::kCtInvalid;
    if (auto* tcp = std::get_if<TcpTracking>(&connection.protocol)) {
        switch (tcp->update(found.reply, headers.tcp, check_sequences_)) {
            case TcpVerdict::kInvalid:
                return packet::kCtInvalid;
            case TcpVerdict::kRestart:
                end(found.connection);
                return 0;
            case TcpVerdict::kNew:
                state = packet::kCtNew;
                break;
            case TcpVerdict::kTolerated:
                return packet::kCtEstablished | direction;
            case TcpVerdict::kEstablished:
                state = packet::kCtEstablished | direction;
                break;
        }
    } else {
        using State = DatagramTracking::State;
        State& datagrams = std::get<DatagramTracking>(connection.protocol).state;
        if (found.reply)
            datagrams = State::kAnswered;
        else if (datagrams == State::kFirst)
            datagrams = State::kRepeated;
        state = datagrams == State::kAnswered ? packet::kCtEstablished | direction : packet::kCtNew;
    }
    if (renew(connection, now_ms)) store_.hasten(&connection, now_ms);
    return state;
}

void Tracker::accelerate(Accelerator* accelerator) {
    accelerator_ = accelerator;
    store_.set_accelerated([this](Connection& connection) { renew_accelerated(connection); },
                           [this](Connection& connection) { accelerator_->remove(connection); });
}

// What has passed without coming here counts.
void Tracker::renew_accelerated(Connection& connection) const {
    if (!connection.accelerated) return;
    int64_t used = accelerator_->read(connection);
    int64_t expires = used + int64_t{1000} * connection.timeouts->of(timeout_of(connection));
    connection.expires_ms = std::max(connection.expires_ms, expires);
}

void Tracker::offer(Connection& connection, bool used) {
    if (!accelerator_) return;
    // Whose text is read, and what has the state "related", is the tracker's alone.
    if (connection.helper != Connection::Helper::kNone || connection.parent) return;
    bool goes_on;
    if (auto* tcp = std::get_if<TcpTracking>(&connection.protocol)) {
        goes_on = tcp->established();
    } else {
        using State = DatagramTracking::State;
        State state = std::get<DatagramTracking>(connection.protocol).state;
        goes_on = (state == State::kAnswered &&
                   (connection.original.has_ports() || connection.original.is_icmp())) ||
                  (state == State::kRepeated && connection.original.protocol == packet::protocol::kUdp);
    }
    if (goes_on)
        accelerator_->put(connection,
                          {used, connection.timeouts->of(timeout_of(connection)), check_sequences_});
    else if (connection.accelerated)
        accelerator_->remove(connection);
}

void Tracker::adopt(const Connection& connection, uint32_t timeout_s, int64_t now_ms) {
    std::lock_guard lock(mutex_);
    if (Found found = store_.find(connection.original, now_ms)) {
        Connection& there = *found.connection;
        auto* tcp = std::get_if<TcpTracking>(&there.protocol);
        auto* seen = std::get_if<TcpTracking>(&connection.protocol);
        if (found.reply || there.reply != connection.reply || !tcp != !seen) return;
        for (bool reply : {false, true}) {
            if (tcp) tcp->advance(reply, seen->numbers(reply));
        }
        return offer(there, true);
    }
    if (!store_.is_free(connection.reply, now_ms) || store_.size() >= max_connections_) return;
    auto taken = std::make_unique<Connection>();
    taken->original = connection.original;
    taken->reply = connection.reply;
    taken->protocol = connection.protocol;
    taken->mark = connection.mark;
    taken->label = connection.label;
    taken->source_nat = connection.source_nat;
    taken->destination_nat = connection.destination_nat;
    // The policy's name is not known any more, its time is.
    taken->timeouts = policies_.find("");
    if (Timeout what = timeout_of(*taken); taken->timeouts->of(what) != timeout_s) {
        auto own = std::make_shared<TimeoutPolicy>(*taken->timeouts);
        own->seconds[static_cast<size_t>(what)] = timeout_s;
        taken->timeouts = std::move(own);
    }
    renew(*taken, now_ms);
    offer(*store_.add(std::move(taken), now_ms), true);
}

// What holds for all connections has changed.
void Tracker::offer_again() {
    if (!accelerator_) return;
    store_.each([this](Connection& connection) {
        if (connection.accelerated) offer(connection, false);
    });
}

bool Tracker::has_room(uint16_t zone, int64_t now_ms) {
    auto own = zone_limits_.find(zone);
    uint32_t limit = own == zone_limits_.end() ? default_limit_ : own->second;
    auto room = [&] { return store_.size() < max_connections_ && (!limit || store_.size(zone) < limit); };
    if (room()) return true;
    store_.sweep(now_ms, kSweepWhenFull);
    return room();
}

Tracker::Outcome Tracker::track_new(packet::Packet& packet, const packet::Layout& layout, Flow& key,
                                    const Headers& headers, const Conntrack& action, int64_t now_ms) {
    if (!may_begin(headers)) return Outcome::kGoOn;  // as invalid
    key.ct_state = packet::kCtTracked | packet::kCtNew;
    set_original_tuple(key, headers.tuple);
    if (expectations_.find(headers.tuple, now_ms)) key.ct_state |= packet::kCtRelated;
    if (!action.commit || !has_room(action.zone, now_ms)) return Outcome::kGoOn;

    auto connection = std::make_unique<Connection>();
    connection->original = headers.tuple;
    connection->reply = reversed(headers.tuple);
    auto is_free = [&](const Tuple& tuple) { return store_.is_free(tuple, now_ms); };
    auto expected = expectations_.take(headers.tuple, now_ms);
    if (expected) {
        connection->parent = std::make_unique<Tuple>(expected->parent);
        connection->mark = expected->mark;
        connection->label = expected->label;
        expected->translated.src_port = headers.tuple.src_port;
    }
    if (expected && action.nat && is_free(reversed(expected->translated))) {
        // As the connection that announced it.
        connection->reply = reversed(expected->translated);
        connection->source_nat = expected->source_nat;
        connection->destination_nat = expected->destination_nat;
    } else if (action.nat && (action.nat->source || action.nat->destination)) {
        auto reply = nat_.choose(headers.tuple, *action.nat, is_free);
        if (!reply) return Outcome::kNatExhausted;
        Tuple plain = connection->reply;
        connection->reply = *reply;
        // Asked for, the bit is set also where the translation changes nothing.
        connection->source_nat =
            action.nat->source || reply->dst != plain.dst || reply->dst_port != plain.dst_port;
        connection->destination_nat = action.nat->destination;
        if (connection->original.is_icmp()) {
            connection->source_nat = action.nat->source;
            connection->destination_nat = action.nat->destination;
        }
    } else if (!is_free(connection->reply)) {
        // Answers would be those of another connection, which is translated to this tuple.
        return action.nat ? Outcome::kNatExhausted : Outcome::kGoOn;
    }
    if (headers.tuple.protocol == packet::protocol::kTcp) {
        TcpTracking tcp;
        tcp.begin(headers.tcp);
        connection->protocol = tcp;
    }
    if (action.helper == "ftp" && headers.tuple.protocol == packet::protocol::kTcp)
        connection->helper = Connection::Helper::kFtp;
    if (action.helper == "tftp" && headers.tuple.protocol == packet::protocol::kUdp)
        connection->helper = Connection::Helper::kTftp;
    connection->timeouts = policies_.find(action.timeout_policy);
    renew(*connection, now_ms);
    write_mark_and_label(*connection, action);
    Connection* added = store_.add(std::move(connection), now_ms);
    read_mark_and_label(key, *added);
    if (added->helper != Connection::Helper::kNone) {
        packet::Layout here = layout;
        Headers copy = headers;
        (void)help(packet, here, copy, *added, false, action, now_ms);
    }
    if (action.nat && added->translated()) {
        rewrite_tuple(packet, layout, headers.tuple, translated(*added, false));
        key.ct_state |= nat_bits(*added, false);
    }
    return Outcome::kGoOn;
}

// An ICMP error belongs to the connection of the packet that it quotes, in the direction opposite to that
// packet's.
void Tracker::track_error(packet::Packet& packet, const packet::Layout& layout, Flow& key,
                          const Headers& headers, const Conntrack& action, int64_t now_ms) {
    Tuple answering = reversed(*headers.quoted);
    Found found = store_.find(answering, now_ms);
    if (!found || headers.tuple.dst != answering.dst) return;  // unknown, or not for its sender: invalid
    Connection& connection = *found.connection;
    key.ct_state = packet::kCtTracked | packet::kCtRelated | (found.reply ? packet::kCtReply : uint32_t{0});
    if (action.commit) {
        write_mark_and_label(connection, action);
        offer(connection, false);
    }
    read_mark_and_label(key, connection);
    set_original_tuple(key, connection.original);
    if (!action.nat || !connection.translated()) return;
    Tuple to = translated(connection, found.reply);
    // Who reports, a router on the way perhaps, hides behind the translation as the connection's end does.
    uint32_t bits = nat_bits(connection, found.reply);
    rewrite_addresses(packet, layout, headers.tuple.v6, bits & packet::kCtSnat ? to.src : headers.tuple.src,
                      bits & packet::kCtDnat ? to.dst : headers.tuple.dst);
    rewrite_quoted(packet, layout, headers, reversed(to));
    key.ct_state |= bits;
}

bool Tracker::run(int64_t now_ms) {
    std::lock_guard lock(mutex_);
    fragments_.expire(now_ms);
    return store_.sweep(now_ms, kSweepPerRun);
}

size_t Tracker::flush(std::optional<uint16_t> zone, const PartialTuple& original, const PartialTuple& reply,
                      const PartialMarks& marks) {
    std::lock_guard lock(mutex_);
    size_t flushed = 0;
    bool any = original.empty() && reply.empty() && marks.empty();
    store_.each([&](Connection& connection) {
        if (zone && connection.original.zone != *zone) return;
        if (!any &&
            (!original.matches(to_api(connection.original)) || !reply.matches(to_api(connection.reply))))
            return;
        if (!marks.match(connection.mark, connection.label)) return;
        flushed++;
        end(&connection);
    });
    if (any && !zone) expectations_.clear();
    return flushed;
}

// Piece by piece, so that packets of other threads need not wait for all of it.  Each list of the store is
// looked through at once for its tuples alone.
void Tracker::dump(std::optional<uint16_t> zone, int64_t now_ms,
                   const std::function<void(const datapath::Connection&)>& each) const {
    constexpr size_t kPiece = 256;
    std::vector<Tuple> tuples;
    std::vector<datapath::Connection> piece;
    for (uint32_t slot = 0; slot < ConnectionStore::kSlots; ++slot) {
        tuples.clear();
        {
            std::lock_guard lock(mutex_);
            store_.each_in(slot, [&](const Connection& connection) {
                if (!zone || connection.original.zone == *zone) tuples.push_back(connection.original);
            });
        }
        for (size_t i = 0; i < tuples.size();) {
            piece.clear();
            {
                std::lock_guard lock(mutex_);
                for (size_t end = std::min(i + kPiece, tuples.size()); i < end; ++i) {
                    Found found = store_.find(tuples[i], now_ms);
                    if (!found || found.reply) continue;  // it has ended meanwhile
                    renew_accelerated(*found.connection);
                    piece.push_back(describe(*found.connection, now_ms));
                }
            }
            for (const datapath::Connection& one : piece) each(one);
        }
    }
}

size_t Tracker::count(std::optional<uint16_t> zone) const {
    std::lock_guard lock(mutex_);
    return zone ? store_.size(*zone) : store_.size();
}

void Tracker::set_zone_limit(uint16_t zone, std::optional<uint32_t> limit) {
    std::lock_guard lock(mutex_);
    if (limit)
        zone_limits_[zone] = *limit;
    else
        zone_limits_.erase(zone);
}

}  // namespace weft::datapath::conntrack
