#include "switch/connection/of_connection.h"

#include <iterator>

#include "base/clock.h"
#include "base/log.h"
#include "openflow/messages/form.h"
#include "switch/connection/connection_manager.h"
#include "switch/connection/of_connection_state.h"

namespace weft::vswitch {

namespace of = openflow;

namespace {

log::Module lg("vconn");

constexpr uint8_t kHello = 0, kErrorMessage = 1, kEchoReply = 3;

// A message of this connection must be of its version; an echo's answer may be of any.
of::OfError unfit(ByteView frame, of::Version version) {
    of::Header header;
    if (!of::peek_header(frame, header)) return of::OfError::OFPBRC_BAD_LEN;
    if (!header.version) return of::OfError::OFPBRC_BAD_VERSION;
    if (header.type == kHello) return of::OfError::OFPBRC_BAD_TYPE;
    if (header.type == kEchoReply) return of::OfError::kNone;
    if (header.type == kErrorMessage && header.length >= of::kHeaderBytes + 4)
        return of::OfError::OFPBRC_BAD_TYPE;
    if (header.version != static_cast<uint8_t>(version)) return of::OfError::OFPBRC_BAD_VERSION;
    auto type = of::messages::type_of_wire(version, header.type);
    if (!type) return of::OfError::OFPBRC_BAD_TYPE;
    ByteView body = frame.subspan(of::kHeaderBytes);
    // A part of a request that has nothing to say, and others follow (MultipartRequests).
    if (*type == of::messages::kStatsRequest && version != of::Version::k10 && body.size() == 8 &&
        load_be16(body.data() + 2) & 1)
        return of::OfError::kNone;
    if (of::OfError error = of::messages::check_form(version, *type, body); error != of::OfError::kNone)
        return error;
    return of::messages::is_from_switch(*type, body) ? of::OfError::OFPBRC_BAD_TYPE : of::OfError::kNone;
}

bool is_for_primary(ByteView frame, of::Version version) {
    auto type = of::messages::type_of_wire(version, frame[1]);
    return type && of::messages::is_for_primary(*type, frame.subspan(of::kHeaderBytes));
}

// Whether it may be one of several parts (from OpenFlow 1.1 on).
bool is_request(ByteView frame, of::Version version) {
    return version != of::Version::k10 &&
           frame[1] == of::messages::wire_type(version, of::messages::kStatsRequest);
}

// What a later part of a request adds to it.
of::OfError append(of::Message& whole, of::Message&& part) {
    if (auto* tables = std::get_if<of::TableFeaturesRequest>(&whole.body)) {
        auto& more = std::get<of::TableFeaturesRequest>(part.body).tables;
        std::move(more.begin(), more.end(), std::back_inserter(tables->tables));
        return of::OfError::kNone;
    }
    if (auto* monitors = std::get_if<of::FlowMonitorRequest>(&whole.body)) {
        auto& more = std::get<of::FlowMonitorRequest>(part.body).monitors;
        std::move(more.begin(), more.end(), std::back_inserter(monitors->monitors));
        return of::OfError::kNone;
    }
    return of::OfError::OFPBRC_BAD_STAT;  // of the others one message holds all that they can ask
}

}  // namespace

OfConnection::OfConnection(ConnectionManager& manager, net::Loop& loop, Bridge& bridge, Backer& backer,
                           Kind kind, std::unique_ptr<net::Stream> stream, uint32_t versions, Closed closed)
    : manager_(manager),
      loop_(loop),
      bridge_(bridge),
      backer_(backer),
      kind_(kind),
      stream_(std::move(stream)),
      protocol_(versions),
      closed_(std::move(closed)),
      last_received_ms_(clock::monotonic_ms()) {
    miss_send_len_ = kind_ == Kind::kPrimary ? 128 : 0;
    stream_->set_on_ready([this] { on_ready(); });
    if (stream_->connected()) on_ready();
}

OfConnection::~OfConnection() = default;

void OfConnection::on_ready() {
    if (stream_->connected() && !greeted_) {
        greeted_ = true;
        Bytes hello = protocol_.take_output();
        send_raw(hello);
    }
    if (dump_) return;  // go_on() reads when it is done
    std::string input;
    bool open = stream_->read(input);
    if (!input.empty()) {
        last_received_ms_ = clock::monotonic_ms();
        protocol_.receive(as_bytes(input));
        handle_frames();
        if (ready()) manager_.connection_ready(*this);
    }
    if (dump_) return;
    if (!protocol_.fault().empty()) {
        lg.info("{}: {}", name(), protocol_.fault());
        if (closed_) closed_(*this, protocol_.fault());
        return;
    }
    if (!open && closed_) closed_(*this, stream_->error());
}

void OfConnection::handle_frames() {
    bool was_ready = ready();
    while (!dump_) {
        auto frame = protocol_.next();
        if (!frame) break;
        if (!was_ready) set_default_async(), was_ready = true;
        // Answers to echo requests that came before it.
        if (protocol_.has_output()) send_raw(protocol_.take_output());
        receive(*frame);
    }
    if (!was_ready && ready()) set_default_async();
    if (protocol_.has_output()) {
        Bytes out = protocol_.take_output();
        send_raw(out);
    }
    flush_updates();
}

void OfConnection::go_on() {
    turns_++;
    flush_updates();
    if (!dump_) return;
    if (uint64_t sent = stream_->sent(); sent != sent_) {  // whoever takes a reply lives
        sent_ = sent;
        last_received_ms_ = clock::monotonic_ms();
    }
    go_on_dumping();
    if (dump_) return;
    handle_frames();
    on_ready();
}

void OfConnection::receive(ByteView frame) {
    of::Message message;
    of::OfError error = unfit(frame, version());
    MultipartRequests::Outcome request;
    frame_ = frame;
    xid_ = frame.size() >= of::kHeaderBytes ? load_be32(frame.data() + 4) : 0;
    bool whole = true;
    if (error == of::OfError::kNone && role_ == of::Role::kSecondary && is_for_primary(frame, version()))
        error = of::OfError::OFPBRC_IS_SECONDARY;
    if (error == of::OfError::kNone && is_request(frame, version())) {
        request = requests_.add(frame, clock::monotonic_ms());
        error = request.error;
        whole = !request.parts.empty();
        if (whole && error == of::OfError::kNone) error = put_together(request.parts, message);
    } else if (error == of::OfError::kNone) {
        error = of::decode(frame, decode_options(), message);
    }
    manager_.snoop(bridge_, frame);
    if (of::Header header; of::peek_header(frame, header) && header.type == kEchoReply && header.version)
        return;
    if (error != of::OfError::kNone) {
        static log::RateLimit limit(10, 10);
        if (limit.pass(lg)) lg.info("{}: received a bad message: {}", name(), of::error_name(error));
        return fail(error);
    }
    if (lg.enabled(log::Level::kDbg))
        lg.dbg("{}: received message of type {}, xid={:#x}", name(), frame[1], xid_);
    if (whole) handle(message, frame);
}

// A request of several parts as one message; frame_ is the part that an error is about.
of::OfError OfConnection::put_together(const std::vector<Bytes>& parts, of::Message& message) {
    for (size_t i = 0; i < parts.size(); ++i) {
        of::Message part;
        frame_ = parts[i];
        if (of::OfError error = of::decode(parts[i], decode_options(), part); error != of::OfError::kNone)
            return error;
        if (i == 0) {
            message = std::move(part);
        } else if (of::OfError error = append(message, std::move(part)); error != of::OfError::kNone) {
            frame_ = parts[0];
            return error;
        }
    }
    return of::OfError::kNone;
}

void OfConnection::forget_late_requests(int64_t now_ms) {
    if (!ready()) return;
    for (const Bytes& first : requests_.take_late(now_ms)) {
        frame_ = first;
        fail(of::OfError::OFPBRC_MULTIPART_REQUEST_TIMEOUT);
        frame_ = {};
    }
}

of::DecodeOptions OfConnection::decode_options() const {
    of::DecodeOptions options;
    options.tunnel_table = bridge_.tunnel_table;
    options.flow_mod_table_id = flow_mod_table_id_;
    return options;
}

bool OfConnection::may_write() {
    if (role_ != of::Role::kSecondary) return true;
    fail(of::OfError::OFPBRC_IS_SECONDARY);
    return false;
}

void OfConnection::handle(const of::Message& message, ByteView) {
    auto visitor = [this](const auto& body) {
        using T = std::decay_t<decltype(body)>;
        if constexpr (requires { this->handle(body); }) {
            handle(body);
        } else if constexpr (std::is_same_v<T, of::EchoRequest> || std::is_same_v<T, of::Hello> ||
                             std::is_same_v<T, of::ErrorMessage>) {
            // Answered by the protocol, or an error that the peer had with us: nothing to do.
        } else if constexpr (std::is_same_v<T, of::VendorMessage>) {
            fail(of::OfError::OFPBRC_BAD_VENDOR);
        } else {
            fail(of::OfError::OFPBRC_BAD_TYPE);  // a switch's message
        }
    };
    std::visit(visitor, message.body);
}

void OfConnection::send_raw(ByteView bytes) {
    stream_->write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

void OfConnection::send(of::Body body) {
    of::Message message{version(), 0, std::move(body)};
    Bytes bytes = of::encode(message);
    if (bytes.empty()) return;
    manager_.snoop(bridge_, bytes);
    send_raw(bytes);
}

void OfConnection::reply(of::Body body) {
    of::Message message{version(), xid_, std::move(body)};
    lg.dbg("{}: sent (Success): a reply, xid={:#x}", name(), xid_);
    Bytes bytes = of::encode(message);
    if (bytes.empty()) return fail(of::OfError::OFPBRC_BAD_TYPE);
    manager_.snoop(bridge_, bytes);
    send_raw(bytes);
}

void OfConnection::fail(of::OfError error) {
    Bytes bytes = of::encode_error(error, frame_);
    if (lg.enabled(log::Level::kDbg)) lg.dbg("{}: sent error {}", name(), of::error_name(error));
    manager_.snoop(bridge_, bytes);
    send_raw(bytes);
}

void OfConnection::probe() {
    if (ready()) send(of::EchoRequest{});
}

}  // namespace weft::vswitch
