#include "net/tls_context.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "net/stream.h"

namespace weft::net {

namespace {

log::Module lg("stream_ssl");

struct State {
    TlsConfig config;
    SslContext context;       // nullptr: to be made
    std::string fingerprint;  // of the files it was made of
};

State& state() {
    static State instance;
    return instance;
}

// Changes whenever a file is replaced or written.
std::string fingerprint_of(const TlsConfig& config) {
    std::string out;
    for (const std::string* path :
         {&config.private_key, &config.certificate, &config.ca_cert, &config.peer_ca_cert}) {
        struct stat s {};
        if (stat(path->c_str(), &s) == 0) {
            out += fmt::format("{}:{}.{}:{};", s.st_ino, s.st_mtim.tv_sec, s.st_mtim.tv_nsec, s.st_size);
        } else {
            out += "-;";
        }
    }
    return out;
}

bool exists(const std::string& path) {
    return access(path.c_str(), F_OK) == 0;
}

Result<void> set_protocols(SSL_CTX* context, const std::string& protocols) {
    if (protocols.empty()) return {};
    struct Protocol {
        std::string_view name;
        uint64_t off;
        int version;
    };
    constexpr Protocol kKnown[] = {{"TLSv1", SSL_OP_NO_TLSv1, TLS1_VERSION},
                                   {"TLSv1.1", SSL_OP_NO_TLSv1_1, TLS1_1_VERSION},
                                   {"TLSv1.2", SSL_OP_NO_TLSv1_2, TLS1_2_VERSION},
                                   {"TLSv1.3", SSL_OP_NO_TLSv1_3, TLS1_3_VERSION}};
    uint64_t off = 0;
    for (const Protocol& known : kKnown) off |= known.off;
    int lowest = 0;
    for (size_t at = 0; at < protocols.size();) {
        size_t end = std::min(protocols.find_first_of(" ,\t", at), protocols.size());
        std::string_view word = std::string_view(protocols).substr(at, end - at);
        at = end + 1;
        if (word.empty()) continue;
        const Protocol* found = nullptr;
        for (const Protocol& known : kKnown) {
            if (word == known.name) found = &known;
        }
        if (!found) {
            return Error{fmt::format(
                "{}: SSL protocol not recognized; TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3 are", word)};
        }
        off &= ~found->off;
        if (lowest == 0 || found->version < lowest) lowest = found->version;
    }
    SSL_CTX_set_min_proto_version(context, lowest);
    SSL_CTX_set_options(context, off);
    return {};
}

Result<void> add_peer_ca(SSL_CTX* context, const std::string& path) {
    BIO* file = BIO_new_file(path.c_str(), "r");
    X509* certificate = file ? PEM_read_bio_X509(file, nullptr, nullptr, nullptr) : nullptr;
    BIO_free(file);
    // The context owns what it was given.
    if (certificate && SSL_CTX_add_extra_chain_cert(context, certificate) == 1) return {};
    X509_free(certificate);
    return Error{fmt::format("{}: no certificate can be read ({})", path, tls_error())};
}

Result<SslContext> make_context(const TlsConfig& config) {
    if (config.private_key.empty()) return Error{"Private key must be configured to use SSL"};
    if (config.certificate.empty()) return Error{"Certificate must be configured to use SSL"};
    if (config.ca_cert.empty()) return Error{"CA certificate must be configured to use SSL"};
    ERR_clear_error();
    SslContext context(SSL_CTX_new(TLS_method()), SSL_CTX_free);
    if (!context) return Error{"TLS: " + tls_error()};
    SSL_CTX* raw = context.get();
    SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_use_PrivateKey_file(raw, config.private_key.c_str(), SSL_FILETYPE_PEM) != 1) {
        return Error{fmt::format("{}: no private key can be read ({})", config.private_key, tls_error())};
    }
    if (SSL_CTX_use_certificate_chain_file(raw, config.certificate.c_str()) != 1) {
        return Error{fmt::format("{}: no certificate can be read ({})", config.certificate, tls_error())};
    }
    if (SSL_CTX_check_private_key(raw) != 1) {
        return Error{fmt::format("{} is not the private key of {}", config.private_key, config.certificate)};
    }
    if (!config.peer_ca_cert.empty()) WEFT_TRY(add_peer_ca(raw, config.peer_ca_cert));
    WEFT_TRY(set_protocols(raw, config.protocols));
    if (!config.ciphers.empty() && SSL_CTX_set_cipher_list(raw, config.ciphers.c_str()) != 1) {
        return Error{fmt::format("SSL_CTX_set_cipher_list: \"{}\": {}", config.ciphers, tls_error())};
    }
    if (config.ca_cert == "none") {
        lg.warn("Peer certificate validation disabled (this is a security risk)");
        SSL_CTX_set_verify(raw, SSL_VERIFY_NONE, nullptr);
    } else if (config.bootstrap_ca_cert && !exists(config.ca_cert)) {
        // Anyone is believed once; the certificate must be there to be kept.
        auto accept = [](int, X509_STORE_CTX*) { return 1; };
        SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept);
    } else {
        if (SSL_CTX_load_verify_locations(raw, config.ca_cert.c_str(), nullptr) != 1) {
            return Error{fmt::format("{}: no certificate can be read ({})", config.ca_cert, tls_error())};
        }
        SSL_CTX_set_client_CA_list(raw, SSL_load_client_CA_file(config.ca_cert.c_str()));
        SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    return context;
}

}  // namespace

void set_tls_config(TlsConfig config) {
    state() = State{std::move(config), nullptr, {}};
}

Result<SslContext> tls_context() {
    State& s = state();
    std::string fingerprint = fingerprint_of(s.config);
    if (s.context && fingerprint == s.fingerprint) return s.context;
    WEFT_ASSIGN(s.context, make_context(s.config));
    s.fingerprint = std::move(fingerprint);
    return s.context;
}

bool tls_bootstrapping() {
    const TlsConfig& config = state().config;
    return config.bootstrap_ca_cert && config.ca_cert != "none" && !exists(config.ca_cert);
}

Result<void> tls_bootstrap(SSL* ssl) {
    const std::string& path = state().config.ca_cert;
    STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
    int count = chain ? sk_X509_num(chain) : 0;
    if (count == 0) return Error{"no certificate presented by peer to bootstrap the CA certificate from"};
    X509* ca = sk_X509_value(chain, count - 1);
    if (X509_check_ca(ca) < 1 || X509_NAME_cmp(X509_get_subject_name(ca), X509_get_issuer_name(ca)) != 0) {
        return Error{
            "could not bootstrap CA certificate: the peer's chain does not end in a self-signed one"};
    }
    int fd = open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444);
    if (fd < 0) {
        if (errno == EEXIST) return {};  // another connection was first
        return Error{fmt::format("could not bootstrap CA certificate: creating {} failed: {}", path,
                                 std::strerror(errno))};
    }
    std::FILE* file = fdopen(fd, "w");
    bool written = file && PEM_write_X509(file, ca) == 1;
    if (file && std::fclose(file) != 0) written = false;
    if (!written) {
        unlink(path.c_str());
        return Error{fmt::format("could not bootstrap CA certificate: writing {} failed", path)};
    }
    lg.info("successfully bootstrapped CA cert to {}", path);
    return {};
}

const std::string& tls_server_name() {
    return state().config.server_name;
}

std::string tls_error() {
    unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) return "";
    const char* reason = ERR_reason_error_string(code);
    return reason ? reason : fmt::format("error {:#x}", code);
}

}  // namespace weft::net
