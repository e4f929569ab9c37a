// A wire between dummy devices of two processes: packets over a stream, each behind its length (16 bits,
// big-endian).

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/loop.h"
#include "packet/packet.h"

namespace weft::datapath {

class Wire {
  public:
    using OnPacket = std::function<void(packet::Packet)>;
    // `remote` as in net/stream.h.  The active end reconnects; the passive one serves any number of peers.
    // `on_link` is called when connected() has changed.
    static Result<std::unique_ptr<Wire>> open(net::Loop& loop, const std::string& remote, bool passive,
                                              OnPacket on_packet, std::function<void()> on_link);
    virtual ~Wire() = default;
    virtual bool connected() const = 0;
    virtual void send(ByteView packet) = 0;
};

}  // namespace weft::datapath
