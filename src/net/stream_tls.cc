// TLS (RFC 8446, RFC 5246) over any stream: OpenSSL reads and writes memory, the stream below moves the
// bytes.
//
// What is to be sent is encrypted only as the stream below has room, so that a peer that does not read costs
// the plain text once, and texts that many streams share (write_shared) are still kept once.

#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/log.h"
#include "net/address.h"
#include "net/send_queue.h"
#include "net/tls_context.h"
#include "net/transport.h"

namespace weft::net {

namespace {

log::Module lg("stream_ssl");
log::RateLimit limit(10, 25);

constexpr size_t kAhead = 256 << 10;  // encrypted bytes that may wait for the kernel

class TlsStream : public Stream {
  public:
    enum class Role { kClient, kServer };

    TlsStream(Loop& loop, std::unique_ptr<Stream> below, SslContext context, Role role,
              const std::string& host)
        : loop_(loop),
          below_(std::move(below)),
          context_(std::move(context)),
          bootstrapping_(tls_bootstrapping()) {
        ssl_ = SSL_new(context_.get());
        from_peer_ = BIO_new(BIO_s_mem());
        to_peer_ = BIO_new(BIO_s_mem());
        SSL_set_bio(ssl_, from_peer_, to_peer_);  // which owns them from here on
        tls_report_verdict(ssl_, &verdict_);
        if (role == Role::kClient) {
            const std::string& name = tls_server_name().empty() ? host : tls_server_name();
            // Names are sent, addresses are not (RFC 6066, section 3).
            if (!name.empty() && !numeric_address(name, 0)) SSL_set_tlsext_host_name(ssl_, name.c_str());
            SSL_set_connect_state(ssl_);
        } else {
            SSL_set_accept_state(ssl_);
        }
        below_->set_on_ready([this] { below_ready(); });
    }
    ~TlsStream() override {
        *alive_ = false;
        if (established_ && !closed_) {
            encrypt(kAhead);
            SSL_shutdown(ssl_);
            flush();
        }
        SSL_free(ssl_);
    }

    void set_on_ready(Loop::Callback on_ready) override { on_ready_ = std::move(on_ready); }
    bool connected() const override { return established_ && !closed_; }
    void set_reading(bool reading) override { below_->set_reading(reading); }
    size_t backlog() const override { return queue_.size() + below_->backlog(); }
    uint64_t sent() const override { return below_->sent(); }
    std::string error() const override { return error_; }
    const std::string& name() const override { return below_->name(); }

    bool read(std::string& out) override {
        if (!established_) return !closed_;
        char buffer[16384];  // the greatest record
        while (true) {
            ERR_clear_error();
            int n = SSL_read(ssl_, buffer, sizeof buffer);
            if (n > 0) {
                out.append(buffer, static_cast<size_t>(n));
                continue;
            }
            int why = SSL_get_error(ssl_, n);
            flush();  // answers to key updates and such
            if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
                if (!below_closed_) return !closed_;
                // A peer that goes without saying so is no error here: the protocols above know where their
                // messages end.
                error_ = below_->error();
            } else if (why != SSL_ERROR_ZERO_RETURN) {
                fail("read");
            }
            closed_ = true;
            return false;
        }
    }

    void write(std::string_view bytes) override {
        if (closed_) return;
        queue_.push(bytes);
        encrypt(kAhead);
    }
    void write_shared(std::shared_ptr<const std::string> bytes) override {
        if (closed_) return;
        queue_.push(std::move(bytes));
        encrypt(kAhead);
    }

    std::string peer_id() const override {
        return verified_ ? tls_common_name(SSL_get0_peer_certificate(ssl_)) : "";
    }

  private:
    void below_ready() {
        if (closed_) return;
        std::string bytes;
        bool open = below_->read(bytes);
        if (!bytes.empty()) BIO_write(from_peer_, bytes.data(), static_cast<int>(bytes.size()));
        if (!open) below_closed_ = true;
        if (!established_ && (below_->connected() || !bytes.empty())) handshake();
        if (below_closed_ && !established_ && !closed_) {
            error_ = below_->error();
            if (error_.empty()) error_ = "connection closed during the TLS handshake";
            closed_ = true;
        }
        encrypt(kAhead);
        if (established_ || closed_) notify();
    }

    void handshake() {
        ERR_clear_error();
        int done = SSL_do_handshake(ssl_);
        if (done != 1) {
            int why = SSL_get_error(ssl_, done);
            flush();  // an alert, too
            if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) fail("handshake");
            return;
        }
        flush();
        established_ = true;
        verified_ = SSL_get_verify_mode(ssl_) != SSL_VERIFY_NONE && SSL_get_verify_result(ssl_) == X509_V_OK;
        if (bootstrapping_) {
            Result<void> kept = tls_bootstrap(ssl_);
            closed_ = true;
            error_ = kept ? "the CA certificate is known now, connecting again" : kept.error().message;
            if (!kept && limit.pass(lg)) lg.err("{}: {}", name(), error_);
        }
    }

    // Hands on what is queued until `ahead` bytes wait below.
    void encrypt(size_t ahead) {
        if (!established_ || closed_) return;
        while (!queue_.empty() && below_->backlog() < ahead) {
            ERR_clear_error();
            size_t written = 0;
            std::string_view bytes = queue_.front().substr(0, kAhead);
            // Memory always takes all of it.
            if (SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written) != 1) {
                fail("write");
                return notify_soon();
            }
            queue_.pop(written);
            flush();
        }
        if (queue_.empty()) return;
        // The stream below tells when the kernel has taken more, but not of what it takes at the end of this
        // turn: that is seen in the next one, after what the stream below has deferred to it.
        if (!next_turn_) {
            next_turn_ = loop_.timer([this] {
                loop_.defer([this, alive = alive_] {
                    if (*alive && below_->backlog() < kAhead) encrypt(kAhead);
                });
            });
        }
        next_turn_->arm_in(0);
    }

    void flush() {
        char* data;
        long size = BIO_get_mem_data(to_peer_, &data);
        if (size <= 0) return;
        below_->write({data, static_cast<size_t>(size)});
        (void)BIO_reset(to_peer_);
    }

    void fail(const char* what) {
        closed_ = true;
        error_ = tls_error();
        if (error_.empty()) error_ = "protocol error";
        if (!verdict_.empty()) error_ += fmt::format(" ({})", verdict_);
        if (limit.pass(lg)) lg.warn("{}: SSL {}: {}", name(), what, error_);
    }

    void notify() {
        Loop::Callback on_ready = on_ready_;
        if (on_ready) on_ready();
    }
    void notify_soon() {
        loop_.defer([this, alive = alive_] {
            if (*alive) notify();
        });
    }

    Loop& loop_;
    std::unique_ptr<Stream> below_;
    SslContext context_;
    SSL* ssl_ = nullptr;
    BIO *from_peer_ = nullptr, *to_peer_ = nullptr;
    bool bootstrapping_;  // this connection only teaches us the authority
    bool established_ = false, closed_ = false, below_closed_ = false;
    bool verified_ = false;  // the peer's certificate was asked for and is good
    std::string error_;
    std::string verdict_;  // what is wrong with the peer's certificate
    SendQueue queue_;      // plain
    std::unique_ptr<Loop::Timer> next_turn_;
    Loop::Callback on_ready_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

Result<std::unique_ptr<Stream>> connect_tls(Loop& loop, std::string name, std::string_view rest) {
    WEFT_ASSIGN(HostPort target, parse_active_address(rest));
    WEFT_ASSIGN(SslContext context, tls_context());
    WEFT_ASSIGN(std::unique_ptr<Stream> below, connect_tcp(loop, std::move(name), rest));
    return std::unique_ptr<Stream>(
        new TlsStream(loop, std::move(below), std::move(context), TlsStream::Role::kClient, target.host));
}

Result<std::unique_ptr<Listener>> listen_tls(Loop& loop, std::string name, std::string_view rest,
                                             AcceptCallback on_accept) {
    // The settings may come later, and may change: they count for each connection.
    return listen_tcp(loop, std::move(name), rest,
                      [&loop, on_accept = std::move(on_accept)](std::unique_ptr<Stream> below) {
                          Result<SslContext> context = tls_context();
                          if (!context) {
                              if (limit.pass(lg))
                                  lg.err("{}: refused: {}", below->name(), context.error().message);
                              return;
                          }
                          on_accept(std::make_unique<TlsStream>(loop, std::move(below), *std::move(context),
                                                                TlsStream::Role::kServer, ""));
                      });
}

}  // namespace weft::net
