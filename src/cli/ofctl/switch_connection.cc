#include "cli/ofctl/switch_connection.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "net/directories.h"

namespace weft::cli::ofctl {
namespace {

using namespace openflow;  // NOLINT: this file speaks OpenFlow throughout

constexpr uint16_t kDefaultPort = 6653;

bool is_socket(const std::string& path) {
    struct stat status;
    return !stat(path.c_str(), &status) && S_ISSOCK(status.st_mode);
}

}  // namespace

namespace {

// What the target means as the name of a stream.
Result<std::string> stream_name(const std::string& target, const char* suffix) {
    if (target.starts_with("unix:")) return target;
    if (target.starts_with("tcp:") || target.starts_with("ssl:"))
        return net::with_default_port(target, kDefaultPort);
    std::string managed = fmt::format("{}/{}.{}", net::ovs_rundir(), target, suffix);
    if (is_socket(managed)) return "unix:" + managed;
    if (is_socket(target)) return "unix:" + target;
    return Error{fmt::format("{} is not a bridge or a socket", target)};
}

}  // namespace

SwitchConnection::SwitchConnection(std::unique_ptr<net::Loop> loop, std::unique_ptr<net::Stream> stream,
                                   std::string target, uint32_t versions)
    : loop_(std::move(loop)), stream_(std::move(stream)), target_(std::move(target)), connection_(versions) {
    stream_->set_on_ready([this] { loop_->wake(); });
}

Result<std::unique_ptr<SwitchConnection>> SwitchConnection::open(const std::string& target, uint32_t versions,
                                                                 const char* suffix) {
    WEFT_ASSIGN(std::string name, stream_name(target, suffix));
    auto failed = [&](const std::string& why) {
        const char* reason = why.empty() ? "Connection refused" : why.c_str();
        return name == target || name.starts_with(target + ":")
                   ? Error{fmt::format("connecting to {} ({})", target, reason)}
                   : Error{fmt::format("{}: failed to connect to socket ({})", target, reason)};
    };
    auto loop = std::make_unique<net::Loop>();
    auto stream = net::connect(*loop, name);
    if (!stream) return failed(stream.message());
    std::unique_ptr<SwitchConnection> out(
        new SwitchConnection(std::move(loop), *std::move(stream), target, versions));
    std::string early;
    while (!out->stream_->connected()) {
        if (!out->stream_->read(early)) return failed(out->stream_->error());
        out->loop_->run_once(-1);
    }
    WEFT_TRY(out->flush());
    while (!out->connection_.version()) {
        WEFT_TRY(out->fill());
        out->connection_.next();
        if (!out->connection_.fault().empty())
            return Error{fmt::format("{}: {}", target, out->connection_.fault())};
    }
    return out;
}

SwitchConnection::~SwitchConnection() = default;

Result<void> SwitchConnection::send(ByteView bytes) {
    stream_->write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (std::string why = stream_->error(); !why.empty())
        return Error{fmt::format("failed to send to {} ({})", target_, why)};
    return {};
}

Result<void> SwitchConnection::flush() {
    if (!connection_.has_output()) return {};
    Bytes bytes = connection_.take_output();
    return send(bytes);
}

Result<void> SwitchConnection::poll() {
    std::string bytes;
    bool open = stream_->read(bytes);
    connection_.receive({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    if (open || !bytes.empty()) return {};
    std::string why = stream_->error();
    return Error{fmt::format("OpenFlow packet receive failed ({})", why.empty() ? "End of file" : why)};
}

Result<void> SwitchConnection::fill() {
    std::string bytes;
    for (;;) {
        bool open = stream_->read(bytes);
        if (!bytes.empty()) {
            connection_.receive({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
            return {};
        }
        if (!open) {
            std::string why = stream_->error();
            return Error{
                fmt::format("OpenFlow packet receive failed ({})", why.empty() ? "End of file" : why)};
        }
        loop_->run_once(-1);
    }
}

std::optional<Bytes> SwitchConnection::next() {
    std::optional<Bytes> message = connection_.next();
    if (connection_.has_output()) (void)flush();
    return message;
}

Result<Bytes> SwitchConnection::receive() {
    while (true) {
        std::optional<Bytes> message = connection_.next();
        WEFT_TRY(flush());
        if (message) return std::move(*message);
        if (!connection_.fault().empty()) return Error{fmt::format("{}: {}", target_, connection_.fault())};
        WEFT_TRY(fill());
    }
}

Result<std::vector<Message>> SwitchConnection::request(Body body) {
    std::vector<Message> out;
    WEFT_TRY(request(std::move(body), nullptr, [&](Message message) { out.push_back(std::move(message)); }));
    return out;
}

Result<void> SwitchConnection::request(Body body, EachFlow each_flow, const EachMessage& each_message) {
    uint32_t xid = next_xid();
    Bytes bytes = encode(version(), xid, std::move(body));
    if (bytes.empty()) return Error{fmt::format("{} has no such request", version_name(version()))};
    WEFT_TRY(send(bytes));
    DecodeOptions options;
    options.each_flow = std::move(each_flow);
    while (true) {
        WEFT_ASSIGN(Bytes reply, receive());
        Header header;
        peek_header(reply, header);
        if (header.xid != xid) continue;
        Message message;
        if (OfError error = decode(reply, options, message); error != OfError::kNone)
            return Error{print(reply)};
        if (message.get_if<ErrorMessage>()) return Error{openflow::to_string(message)};
        each_message(std::move(message));
        // The flag of a multipart reply that more parts follow.
        bool multipart = header.type == (header.version == 1 ? 17 : 19);
        if (!multipart || !(load_be16(reply.data() + kHeaderBytes + 2) & 1)) return {};
    }
}

Result<void> SwitchConnection::transact(const std::vector<Bytes>& messages) {
    Bytes batch;
    for (const Bytes& message : messages) {
        batch.insert(batch.end(), message.begin(), message.end());
        if (batch.size() > 1 << 20) {
            WEFT_TRY(send(batch));
            batch.clear();
        }
    }
    uint32_t xid = next_xid();
    Bytes barrier = encode(version(), xid, BarrierRequest{});
    batch.insert(batch.end(), barrier.begin(), barrier.end());
    WEFT_TRY(send(batch));
    std::string errors;
    while (true) {
        WEFT_ASSIGN(Bytes reply, receive());
        Message message;
        if (decode(reply, {}, message) != OfError::kNone) continue;
        if (message.get_if<ErrorMessage>()) errors += openflow::to_string(message);
        if (message.get_if<BarrierReply>() && message.xid == xid) break;
    }
    if (!errors.empty()) return Error{errors};
    return {};
}

}  // namespace weft::cli::ofctl
