// ofp-parse-pcap: the OpenFlow messages in a file of packets (classic pcap, draft-ietf-opsawg-pcap), from the
// TCP streams of the given ports (ovs-ofctl(8)).
//
// A stream is put together in the order of its sequence numbers (RFC 9293 §3.4); what is missing ends the
// stream's messages, as their bounds are lost then.  IPv4 over Ethernet, with VLAN tags or without.

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <map>
#include <memory>
#include <set>

#include "cli/ofctl/ofctl.h"
#include "openflow/text.h"

namespace weft::cli::ofctl {
namespace {

using namespace openflow;  // NOLINT: the commands speak OpenFlow throughout

constexpr uint32_t kMagic = 0xa1b2c3d4, kMagicNs = 0xa1b23c4d;
constexpr uint32_t kLinkEthernet = 1;
constexpr size_t kMaxPacket = 262144;

struct Packet {
    uint32_t seconds = 0, fraction = 0;
    Bytes bytes;
};

class Reader {
  public:
    static Result<std::unique_ptr<Reader>> open(const std::string& file) {
        FILE* in = file == "-" ? stdin : std::fopen(file.c_str(), "rb");
        if (!in) return Error{fmt::format("{}: open failed ({})", file, std::strerror(errno))};
        std::unique_ptr<Reader> out(new Reader(in));
        uint8_t head[24];
        if (std::fread(head, 1, sizeof head, in) != sizeof head)
            return Error{fmt::format("{}: too short for a pcap file", file)};
        uint32_t magic = load_be32(head);
        out->swapped_ = magic != kMagic && magic != kMagicNs;
        magic = out->number(head);
        if (magic != kMagic && magic != kMagicNs) return Error{fmt::format("{}: not a pcap file", file)};
        out->nanoseconds_ = magic == kMagicNs;
        if (uint32_t link = out->number(head + 20); link != kLinkEthernet)
            return Error{fmt::format("{}: packets of link type {}, not Ethernet's 1", file, link)};
        return out;
    }
    ~Reader() {
        if (file_ != stdin) std::fclose(file_);
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    // False at the end.
    bool next(Packet& packet) {
        uint8_t head[16];
        if (std::fread(head, 1, sizeof head, file_) != sizeof head) return false;
        packet.seconds = number(head);
        packet.fraction = number(head + 4) / (nanoseconds_ ? 1000000 : 1000);
        size_t length = number(head + 8);
        if (length > kMaxPacket) return false;
        packet.bytes.resize(length);
        return std::fread(packet.bytes.data(), 1, length, file_) == length;
    }

  private:
    explicit Reader(FILE* file) : file_(file) {}
    uint32_t number(const uint8_t* bytes) const {
        uint32_t value = load_be32(bytes);
        return swapped_ ? __builtin_bswap32(value) : value;
    }
    FILE* file_;
    bool swapped_ = false, nanoseconds_ = false;
};

struct StreamKey {
    uint32_t src = 0, dst = 0;  // host byte order
    uint16_t src_port = 0, dst_port = 0;
    auto operator<=>(const StreamKey&) const = default;
};
struct Segment {
    StreamKey key;
    uint32_t sequence = 0;
    bool syn = false;
    ByteView payload;
};

// A TCP segment over IPv4, whole.
bool take_segment(ByteView packet, Segment& out) {
    ByteReader in(packet);
    in.skip(12);
    uint16_t type = in.u16();
    while (type == 0x8100 || type == 0x88a8) {
        in.skip(2);
        type = in.u16();
    }
    if (!in.ok() || type != 0x0800 || in.size() < 20) return false;
    ByteView ip = in.rest();
    size_t header = static_cast<size_t>(ip[0] & 15) * 4, total = load_be16(ip.data() + 2);
    bool fragment = load_be16(ip.data() + 6) & 0x3fff;
    if (ip[0] >> 4 != 4 || header < 20 || total > ip.size() || total < header + 20 || fragment || ip[9] != 6)
        return false;
    ByteView tcp = ip.first(total).subspan(header);
    size_t offset = static_cast<size_t>(tcp[12] >> 4) * 4;
    if (offset < 20 || offset > tcp.size()) return false;
    out.key = {load_be32(ip.data() + 12), load_be32(ip.data() + 16), load_be16(tcp.data()),
               load_be16(tcp.data() + 2)};
    out.sequence = load_be32(tcp.data() + 4);
    out.syn = tcp[13] & 2;
    out.payload = tcp.subspan(offset);
    return true;
}

struct Stream {
    bool begun = false;
    uint32_t next = 0;                // sequence number wanted
    std::map<uint32_t, Bytes> early;  // segments that came before what precedes them
    Bytes data;                       // not yet a whole message

    void add(const Segment& segment) {
        if (segment.syn || !begun) {
            next = segment.sequence + (segment.syn ? 1 : 0);
            begun = true;
            early.clear();
            data.clear();
        }
        if (segment.payload.empty()) return;
        constexpr size_t kMaxEarly = 1024;
        if (early.size() < kMaxEarly)
            early[segment.sequence + (segment.syn ? 1 : 0)].assign(segment.payload.begin(),
                                                                   segment.payload.end());
        for (bool found = true; found;) {
            found = false;
            for (auto it = early.begin(); it != early.end();) {
                int32_t ahead = static_cast<int32_t>(it->first - next);
                if (ahead > 0) {
                    ++it;
                    continue;
                }
                size_t old = static_cast<size_t>(-static_cast<int64_t>(ahead));
                if (old < it->second.size()) {
                    data.insert(data.end(), it->second.begin() + static_cast<std::ptrdiff_t>(old),
                                it->second.end());
                    next += static_cast<uint32_t>(it->second.size() - old);
                    found = true;
                }
                it = early.erase(it);
            }
        }
    }
    // The next whole message; none if there is not one yet.
    Bytes take_message() {
        if (data.size() < kHeaderBytes) return {};
        size_t length = std::max<size_t>(load_be16(data.data() + 2), kHeaderBytes);
        if (data.size() < length) return {};
        Bytes out(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(length));
        data.erase(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(length));
        return out;
    }
};

std::string address(uint32_t a, uint16_t port) {
    return fmt::format("{}.{}.{}.{}.{}", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255, port);
}

Result<void> ofp_parse_pcap(const Options& options, const Words& words) {
    std::set<uint64_t> ports;
    for (size_t i = 1; i < words.size(); i++) {
        auto port = text::parse_u64_max(words[i], 65535);
        if (!port) return Error{fmt::format("{}: not a TCP port", words[i])};
        ports.insert(*port);
    }
    if (ports.empty()) ports = {6633, 6653};
    std::unique_ptr<Reader> reader;
    WEFT_ASSIGN(reader, Reader::open(words[0]));
    std::map<StreamKey, Stream> streams;
    Packet packet;
    while (reader->next(packet)) {
        Segment segment;
        if (!take_segment(packet.bytes, segment)) continue;
        const StreamKey& key = segment.key;
        if (!ports.contains(key.src_port) && !ports.contains(key.dst_port)) continue;
        Stream& stream = streams[key];
        stream.add(segment);
        for (Bytes message; !(message = stream.take_message()).empty();) {
            if (options.timestamp) {
                std::time_t seconds = packet.seconds;
                std::tm local{};
                localtime_r(&seconds, &local);
                write_out(fmt::format("{:02}:{:02}:{:02}.{:03} ", local.tm_hour, local.tm_min, local.tm_sec,
                                      packet.fraction));
            }
            write_out(fmt::format("{} > {}:\n{}", address(key.src, key.src_port),
                                  address(key.dst, key.dst_port),
                                  print(message, nullptr, options.verbosity)));
        }
    }
    return {};
}

}  // namespace

const std::vector<Command>& pcap_commands() {
    static const std::vector<Command> kCommands = {
        {"ofp-parse-pcap", "pcap [port...]", 1, 64, ofp_parse_pcap}};
    return kCommands;
}

}  // namespace weft::cli::ofctl
