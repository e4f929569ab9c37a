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
#include "net/directories.h"
#include "net/stream.h"

namespace weft::net {

namespace {

log::Module lg("stream_ssl");

const std::string kDefaultCiphers = "HIGH:!aNULL:!MD5";

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

// All that are in the file.
Result<void> add_peer_ca(SSL_CTX* context, const std::string& path) {
    BIO* file = BIO_new_file(path.c_str(), "r");
    int count = 0;
    while (X509* certificate = file ? PEM_read_bio_X509(file, nullptr, nullptr, nullptr) : nullptr) {
        // The context owns what it was given.
        if (SSL_CTX_add_extra_chain_cert(context, certificate) != 1) X509_free(certificate);
        ++count;
    }
    BIO_free(file);
    std::string error = tls_error();  // after the last one there always is one
    if (count > 0) return {};
    return Error{fmt::format("{}: no certificate can be read ({})", path, error)};
}

int verdict_index() {
    static int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

std::string subject_of(X509* certificate) {
    if (!certificate) return "";
    char* text = X509_NAME_oneline(X509_get_subject_name(certificate), nullptr, 0);
    std::string subject = text ? text : "";
    OPENSSL_free(text);
    return subject;
}

int note_verdict(int ok, X509_STORE_CTX* store) {
    if (ok) return ok;
    auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* verdict = ssl ? static_cast<std::string*>(SSL_get_ex_data(ssl, verdict_index())) : nullptr;
    if (verdict) {
        *verdict = fmt::format("{}: {}", subject_of(X509_STORE_CTX_get_current_cert(store)),
                               X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
    }
    return ok;
}

// Alerts of a peer, as what they mean for us.
const char* alert_meaning(int reason) {
    switch (reason) {
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
            return "the peer does not know who signed our certificate";
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
            return "the peer says that our certificate has expired";
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
            return "the peer refuses our certificate";
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
            return "the peer wants a certificate of us";
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        case SSL_R_UNSUPPORTED_PROTOCOL:
            return "no protocol version that both sides allow";
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        case SSL_R_NO_SHARED_CIPHER:
            return "no cipher that both sides allow";
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_HTTP_REQUEST:
            return "the peer does not speak TLS";
        default:
            return nullptr;
    }
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
    if (X509* own = SSL_CTX_get0_certificate(raw); own && X509_cmp_current_time(X509_get0_notAfter(own)) < 0)
        lg.warn("{}: the certificate has expired, peers will refuse it", config.certificate);
    if (SSL_CTX_check_private_key(raw) != 1) {
        return Error{fmt::format("{} is not the private key of {}", config.private_key, config.certificate)};
    }
    if (!config.peer_ca_cert.empty()) WEFT_TRY(add_peer_ca(raw, config.peer_ca_cert));
    WEFT_TRY(set_protocols(raw, config.protocols));
    const std::string& ciphers = config.ciphers.empty() ? kDefaultCiphers : config.ciphers;
    if (SSL_CTX_set_cipher_list(raw, ciphers.c_str()) != 1) {
        return Error{fmt::format("SSL_CTX_set_cipher_list: \"{}\": {}", ciphers, tls_error())};
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
        SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, note_verdict);
    }
    return context;
}

}  // namespace

void set_tls_config(TlsConfig config) {
    // What a command line says is from where the program was started.
    for (std::string* path :
         {&config.private_key, &config.certificate, &config.ca_cert, &config.peer_ca_cert}) {
        bool is_path = !path->empty() && *path != "none";
        if (is_path && !start_directory().empty()) *path = absolute_path(*path, start_directory());
    }
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
    const char* meaning = ERR_GET_LIB(code) == ERR_LIB_SSL ? alert_meaning(ERR_GET_REASON(code)) : nullptr;
    if (meaning) return fmt::format("{}: {}", reason ? reason : "TLS error", meaning);
    return reason ? reason : fmt::format("error {:#x}", code);
}

void tls_report_verdict(SSL* ssl, std::string* verdict) {
    SSL_set_ex_data(ssl, verdict_index(), verdict);
}

std::string tls_common_name(const X509* certificate) {
    if (!certificate) return "";
    const X509_NAME* subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0) return "";
    unsigned char* bytes = nullptr;
    int size = ASN1_STRING_to_UTF8(&bytes, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (size < 0) return "";
    std::string name(reinterpret_cast<char*>(bytes), static_cast<size_t>(size));
    OPENSSL_free(bytes);
    return name.find('\0') == std::string::npos ? name : "";
}

}  // namespace weft::net
