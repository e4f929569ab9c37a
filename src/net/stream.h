// Byte streams to peers: unix, tcp and TLS, active and passive, behind one interface.
//
// Names are those of ovsdb(7), "Connection Methods": `unix:FILE`, `tcp:HOST:PORT`, `ssl:HOST:PORT` connect;
// `punix:FILE`, `ptcp:[PORT][:HOST]`, `pssl:[PORT][:HOST]` listen.  IPv6 addresses are in [brackets].
// Nothing blocks.  A fake (stream_pair) serves tests without sockets.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/loop.h"

namespace weft::net {

class Stream {
  public:
    // `on_ready` is called when there may be something to read or room to write, or the stream was closed or
    // failed. Set once by the owner before the loop's next turn.
    virtual ~Stream() = default;
    virtual void set_on_ready(Loop::Callback on_ready) = 0;

    virtual bool connected() const = 0;  // false while connecting
    // Appends what arrived to `out`.  False once the peer has closed (after all it sent was read) or the
    // stream failed; error() then says why ("" for an orderly close).
    virtual bool read(std::string& out) = 0;
    // False: nothing is read for now, and what the peer sends stays in the kernel, so that the peer has to
    // wait. on_ready may still come.
    virtual void set_reading(bool) {}
    // Queues all of it; what the kernel does not take yet is sent as it takes it.
    virtual void write(std::string_view bytes) = 0;
    // The same for a text that goes to many streams: it is kept once.
    virtual void write_shared(std::shared_ptr<const std::string> bytes) { write(*bytes); }
    virtual size_t backlog() const = 0;          // bytes queued and not yet taken by the kernel
    virtual uint64_t sent() const { return 0; }  // bytes that the kernel took
    virtual std::string error() const = 0;
    // The common name of the peer's verified certificate; "" without TLS.
    virtual std::string peer_id() const { return ""; }
    virtual const std::string& name()
        const = 0;  // as the user wrote it, or `unix#3`, `tcp:10.0.0.1:5000` for accepted ones
};

class Listener {
  public:
    virtual ~Listener() = default;
    virtual const std::string& name() const = 0;
    virtual uint16_t port() const = 0;  // the one bound, of TCP and TLS; 0 of unix
};

// Certificates and such for ssl: and pssl:, as file names; process-wide because that is how the programs'
// flags are.  Files that change are read again for the next connection.  ca_cert may be "none": any peer is
// believed.
struct TlsConfig {
    std::string private_key, certificate, ca_cert;
    std::string peer_ca_cert;        // sent to peers, so that they can learn it as we do
    bool bootstrap_ca_cert = false;  // take the CA of the first connection and keep it in the file ca_cert
    std::string protocols, ciphers;  // "TLSv1.2,TLSv1.3"; as openssl ciphers(1)
    std::string server_name;         // sent to servers (SNI) instead of the host's name

    bool operator==(const TlsConfig&) const = default;
};
void set_tls_config(TlsConfig config);

// Connecting goes on in the background; only a malformed name is an error here.
Result<std::unique_ptr<Stream>> connect(Loop& loop, std::string_view remote);
using AcceptCallback = std::function<void(std::unique_ptr<Stream>)>;
Result<std::unique_ptr<Listener>> listen(Loop& loop, std::string_view remote, AcceptCallback on_accept);
bool is_passive_name(std::string_view remote);
bool is_active_name(std::string_view remote);
// The name with `port` put in where it needs one and has none: the default otherwise is OVSDB's, 6640.
std::string with_default_port(std::string_view remote, uint16_t port);

// Two ends of a stream without sockets, for tests.
std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> stream_pair(Loop& loop);

}  // namespace weft::net
