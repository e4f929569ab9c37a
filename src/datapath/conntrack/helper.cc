// Helpers: connections that announce others (ct(...,alg=ftp|tftp), ovs-actions(7)).

#include "datapath/conntrack/ftp.h"
#include "datapath/conntrack/tracker.h"
#include "packet/udp.h"

namespace weft::datapath::conntrack {

namespace {

constexpr uint16_t kLeastPort = 1024;
constexpr int kPortTries = 256;
constexpr uint16_t kTftpRead = 1, kTftpWrite = 2;  // RFC 1350 section 5

}  // namespace

uint16_t Tracker::expect(const Tuple& tuple, const Connection& connection, bool reply, bool translate,
                         uint16_t port, int64_t now_ms) {
    const Tuple& original = connection.original;
    const Tuple& answer = connection.reply;
    Expectation e;
    e.parent = original;
    e.mark = connection.mark;
    e.label = connection.label;
    // The other end connects: from where it really is, to the sender as it sees that.
    e.first = tuple;
    e.first.src = reply ? original.src : answer.src;
    e.first.dst = translate ? (reply ? original.dst : answer.dst) : tuple.src;
    e.first.src_port = 0;
    e.first.dst_port = port;
    // To the client as if the client's address were hidden, from it as if it hid behind another; the other
    // way round where it is the server that has another address.
    e.destination_nat = !reply != (connection.destination_nat && !connection.source_nat);
    e.source_nat = !e.destination_nat;
    e.translated = e.first;
    if (translate) {
        e.translated.src = tuple.dst;
        e.translated.dst = tuple.src;
        // Two stations behind one address may wait at the same port.
        for (int i = 0; i < kPortTries; i++) {
            const Expectation* other = expectations_.find(e.first, now_ms);
            if (!other || other->parent == original) break;
            e.first.dst_port =
                e.first.dst_port == 65535 ? kLeastPort : static_cast<uint16_t>(e.first.dst_port + 1);
        }
    }
    expectations_.add(e, now_ms);
    return e.first.dst_port;
}

bool Tracker::help_ftp(packet::Packet& packet, packet::Layout& layout, Headers& headers,
                       Connection& connection, bool reply, bool translate, int64_t now_ms) {
    if (!layout.payload || layout.payload >= layout.l3_end || !headers.tcp.length) return true;
    bool v6 = headers.tuple.v6;
    std::string_view payload(reinterpret_cast<const char*>(packet.data()) + layout.payload,
                             static_cast<size_t>(layout.l3_end - layout.payload));
    auto mention = find_ftp_mention(payload, !reply, v6);
    if (!mention) return true;
    if (mention->port < kLeastPort) return true;
    // One end announces itself, nobody else (RFC 2577 section 3).
    if (mention->address && *mention->address != headers.tuple.src) return false;
    uint16_t port = expect(headers.tuple, connection, reply, translate, mention->port, now_ms);
    if (!translate) return true;
    const packet::Ipv6Addr& seen = reply ? connection.original.dst : connection.reply.dst;
    if (seen == headers.tuple.src && port == mention->port) return true;
    std::string text = ftp_mention_text(*mention, seen, port, v6);
    if (!replace_payload(packet, layout, mention->at, mention->size, text)) return true;
    auto by = static_cast<int32_t>(text.size()) - static_cast<int32_t>(mention->size);
    if (!by) return true;
    if (!connection.shifts) connection.shifts = std::make_unique<std::array<SequenceShift, 2>>();
    (*connection.shifts)[reply].grow(headers.tcp.sequence, by);
    return true;
}

bool Tracker::help(packet::Packet& packet, packet::Layout& layout, Headers& headers, Connection& connection,
                   bool reply, const Conntrack& action, int64_t now_ms) {
    if (in_fragments_) return true;  // its text could not grow
    bool translate = action.nat && connection.translated();
    if (connection.helper == Connection::Helper::kFtp) {
        return help_ftp(packet, layout, headers, connection, reply, translate, now_ms);
    }
    size_t payload = static_cast<size_t>(layout.l4) + packet::udp::kHeader;
    if (reply || payload + 2 > layout.l3_end) return true;
    uint16_t operation = load_be16(packet.data() + payload);
    if (operation != kTftpRead && operation != kTftpWrite) return true;
    // The server sends to where the request came from, which it sees translated.
    Tuple request = headers.tuple;
    expect(request, connection, false, translate, translate ? connection.reply.dst_port : request.src_port,
           now_ms);
    return true;
}

}  // namespace weft::datapath::conntrack
