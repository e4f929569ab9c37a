#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdlib>

#include "net/stream.h"

namespace weft::net {
namespace {

// An authority, and a certificate that it signed, as files of a directory.
class Authority {
  public:
    explicit Authority(const std::string& name) : key_(EVP_EC_gen("P-256")) {
        certificate_ = make(name, key_, nullptr, nullptr);
    }
    ~Authority() {
        X509_free(certificate_);
        EVP_PKEY_free(key_);
    }
    void write_ca(const std::string& path) const { write(path, certificate_); }
    void issue(const std::string& name, const std::string& certificate_path,
               const std::string& key_path) const {
        EVP_PKEY* key = EVP_EC_gen("P-256");
        X509* certificate = make(name, key, certificate_, key_);
        write(certificate_path, certificate);
        std::FILE* file = std::fopen(key_path.c_str(), "w");
        PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
        std::fclose(file);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }

  private:
    static void write(const std::string& path, X509* certificate) {
        std::FILE* file = std::fopen(path.c_str(), "w");
        PEM_write_X509(file, certificate);
        std::fclose(file);
    }
    static X509* make(const std::string& name, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key) {
        X509* certificate = X509_new();
        X509_set_version(certificate, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), std::rand());
        X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
        X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
        X509_set_pubkey(certificate, key);
        X509_NAME* subject = X509_get_subject_name(certificate);
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const uint8_t*>(name.c_str()), -1, -1, 0);
        X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject);
        if (!issuer) {
            X509_EXTENSION* ca =
                X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
            X509_add_ext(certificate, ca, -1);
            X509_EXTENSION_free(ca);
        }
        X509_sign(certificate, issuer_key ? issuer_key : key, EVP_sha256());
        return certificate;
    }

    EVP_PKEY* key_;
    X509* certificate_;
};

template <typename Done>
bool run_until(Loop& loop, Done done) {
    bool timeout = false;
    auto timer = loop.timer([&] { timeout = true; });
    timer->arm_in(5000);
    while (!done() && !timeout) loop.run_once(100);
    return done();
}

struct Peer {
    std::unique_ptr<Stream> stream;
    std::string received;
    bool closed = false;

    void start(std::unique_ptr<Stream> s) {
        stream = std::move(s);
        stream->set_on_ready([this] {
            if (!closed && !stream->read(received)) closed = true;
        });
    }
};

class TlsTest : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/weft-tls-XXXXXX";
        directory_ = std::string(mkdtemp(name)) + "/";
        ours_.write_ca(path("ca.pem"));
        ours_.issue("node1", path("cert.pem"), path("key.pem"));
        theirs_.issue("stranger", path("other-cert.pem"), path("other-key.pem"));
        theirs_.write_ca(path("other-ca.pem"));
        set_tls_config(good());
    }
    void TearDown() override {
        for (const char* file : {"ca.pem", "cert.pem", "key.pem", "other-cert.pem", "other-key.pem",
                                 "other-ca.pem", "learnt.pem"}) {
            unlink(path(file).c_str());
        }
        rmdir(directory_.c_str());
        set_tls_config({});
    }
    std::string path(const std::string& file) const { return directory_ + file; }
    TlsConfig good() const {
        TlsConfig config;
        config.private_key = path("key.pem");
        config.certificate = path("cert.pem");
        config.ca_cert = path("ca.pem");
        return config;
    }
    void serve() {
        auto made = listen(loop_, "pssl:0:127.0.0.1",
                           [this](std::unique_ptr<Stream> stream) { server_.start(std::move(stream)); });
        ASSERT_TRUE(made) << made.message();
        listener_ = *std::move(made);
    }
    void dial() {
        auto made = connect(loop_, "ssl:127.0.0.1:" + std::to_string(listener_->port()));
        ASSERT_TRUE(made) << made.message();
        client_ = Peer();
        client_.start(*std::move(made));
    }

    Authority ours_{"our CA"}, theirs_{"their CA"};
    std::string directory_;
    Loop loop_;
    std::unique_ptr<Listener> listener_;
    Peer client_, server_;
};

TEST_F(TlsTest, Loopback) {
    serve();
    dial();
    client_.stream->write("hello");  // before the handshake
    ASSERT_TRUE(run_until(loop_, [&] { return server_.received == "hello"; }));
    EXPECT_TRUE(client_.stream->connected());
    EXPECT_EQ(server_.stream->peer_id(), "node1");
    EXPECT_EQ(server_.stream->name().substr(0, 14), "ssl:127.0.0.1:");
    std::string large(3 << 20, 'y');
    server_.stream->write(large);
    ASSERT_TRUE(run_until(loop_, [&] { return client_.received.size() == large.size(); }));
    EXPECT_EQ(client_.received, large);
    client_.stream->write("bye");
    client_.stream.reset();
    ASSERT_TRUE(run_until(loop_, [&] { return server_.closed; }));
    EXPECT_EQ(server_.received, "hellobye");
    EXPECT_EQ(server_.stream->error(), "");
}

// What a peer does not read is kept once and in the clear, however many such peers there are.
TEST_F(TlsTest, ABacklogIsSharedAndEncryptedAsItLeaves) {
    serve();
    dial();
    client_.stream->write("x");
    ASSERT_TRUE(run_until(loop_, [&] { return server_.received == "x"; }));
    client_.stream->set_reading(false);
    auto text = std::make_shared<const std::string>(30 << 20, 'y');
    server_.stream->write_shared(text);
    for (int i = 0; i < 20; ++i) loop_.run_once(5);
    EXPECT_EQ(text.use_count(), 2);
    EXPECT_GT(server_.stream->backlog(), size_t{20} << 20);
    uint64_t sent = server_.stream->sent();
    EXPECT_LT(sent, uint64_t{10} << 20);
    server_.stream->write("z");
    client_.stream->set_reading(true);
    ASSERT_TRUE(run_until(loop_, [&] { return client_.received.size() == text->size() + 1; }));
    EXPECT_EQ(client_.received, *text + "z");
    EXPECT_EQ(text.use_count(), 1);
    EXPECT_GT(server_.stream->sent(), sent + (20 << 20));
}

TEST_F(TlsTest, AStrangerIsRefused) {
    serve();
    TlsConfig stranger = good();
    stranger.private_key = path("other-key.pem");
    stranger.certificate = path("other-cert.pem");
    dial();  // its context is made with the good settings, and the server's then with others
    set_tls_config(stranger);
    ASSERT_TRUE(run_until(loop_, [&] { return client_.closed; }));
    EXPECT_EQ(client_.stream->error(),
              "certificate verify failed (/CN=stranger: unable to get local issuer certificate)");
}

TEST_F(TlsTest, MissingSettingsAreNamed) {
    set_tls_config({});
    EXPECT_EQ(connect(loop_, "ssl:127.0.0.1:1").message(), "Private key must be configured to use SSL");
    TlsConfig config = good();
    config.certificate = "/nonexistent";
    set_tls_config(config);
    EXPECT_NE(connect(loop_, "ssl:127.0.0.1:1").message().find("/nonexistent"), std::string::npos);
    config = good();
    config.private_key = path("other-key.pem");
    set_tls_config(config);
    EXPECT_FALSE(connect(loop_, "ssl:127.0.0.1:1"));
    config = good();
    config.protocols = "SSLv9";
    set_tls_config(config);
    EXPECT_NE(connect(loop_, "ssl:127.0.0.1:1").message().find("SSLv9"), std::string::npos);
}

TEST_F(TlsTest, TheAuthorityIsLearntFromTheFirstConnection) {
    TlsConfig server = good();
    server.peer_ca_cert = path("ca.pem");
    TlsConfig client = good();
    client.ca_cert = path("learnt.pem");
    client.bootstrap_ca_cert = true;
    serve();
    // Both ends are in this process: the server's context is made when it accepts, after the client's.
    set_tls_config(client);
    dial();
    set_tls_config(server);
    ASSERT_TRUE(run_until(loop_, [&] { return server_.stream != nullptr; }));
    set_tls_config(client);
    ASSERT_TRUE(run_until(loop_, [&] { return client_.closed; }));
    EXPECT_EQ(access(path("learnt.pem").c_str(), F_OK), 0) << client_.stream->error();
    server_ = Peer();
    dial();
    client_.stream->write("again");
    ASSERT_TRUE(run_until(loop_, [&] { return server_.received == "again"; })) << client_.stream->error();
}

TEST_F(TlsTest, PlainBytesAreNotTls) {
    serve();
    auto made = connect(loop_, "tcp:127.0.0.1:" + std::to_string(listener_->port()));
    ASSERT_TRUE(made);
    client_.start(*std::move(made));
    client_.stream->write("{\"method\":\"echo\",\"params\":[],\"id\":1}");
    ASSERT_TRUE(run_until(loop_, [&] { return server_.closed; }));
    EXPECT_NE(server_.stream->error(), "");
}

}  // namespace
}  // namespace weft::net
