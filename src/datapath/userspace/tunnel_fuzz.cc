// Fuzzes what any host of the underlay can send: tunnel headers, and the joining of inner segments.

#include "datapath/userspace/tunnel_header.h"
#include "packet/coalesce.h"
#include "packet/extract.h"
#include "packet/segment.h"

using namespace weft;
using namespace weft::datapath;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2) return 0;
    static constexpr PortType kTypes[] = {PortType::kGeneve, PortType::kVxlan, PortType::kGre,
                                          PortType::kErspan, PortType::kGtpu};
    packet::Tunnel key;
    std::memset(static_cast<void*>(&key), 0, sizeof key);
    auto inner = read_tunnel_header(ByteView(data + 2, size - 2), kTypes[data[0] % std::size(kTypes)], key);
    if (!inner) return 0;
    if (inner->packet_type) {
        packet::Packet packet(inner->bytes);
        packet::Flow flow = packet::zero_flow();
        flow.packet_type = inner->packet_type;
        packet::extract(packet, flow);
        return 0;
    }
    packet::Coalescer joined;
    size_t half = data[1] < inner->bytes.size() ? data[1] : inner->bytes.size();
    joined.start(inner->bytes.first(half));
    joined.append(inner->bytes.subspan(half));
    packet::Packet packet = joined.finish();
    packet::Flow flow = packet::zero_flow();
    packet::extract(packet, flow);
    packet::segment(std::move(packet));
    return 0;
}
