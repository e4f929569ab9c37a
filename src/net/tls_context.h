// The process's TLS settings as an OpenSSL context.  Internal to net.

#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace weft::net {

using SslContext = std::shared_ptr<SSL_CTX>;

// By set_tls_config(); made anew when one of its files changed, so a renewed certificate serves the next
// connection.  The error says which setting is missing or wrong.
Result<SslContext> tls_context();

// True while the CA certificate is still to be learnt from the next peer.
bool tls_bootstrapping();
// Keeps the authority at the end of the peer's chain in the file ca_cert.
Result<void> tls_bootstrap(SSL* ssl);

// For SNI: the configured name, or "".
const std::string& tls_server_name();

// The first of OpenSSL's pending errors, in words; "" if there is none.
std::string tls_error();

// What is found wrong with the peer's certificate goes to `*verdict`, with the certificate's subject.
void tls_report_verdict(SSL* ssl, std::string* verdict);

// The subject's first common name in UTF-8; "" if there is none, or one that cannot be trusted to be what it
// looks like (with a zero byte inside).  `certificate` may be nullptr.
std::string tls_common_name(const X509* certificate);

}  // namespace weft::net
