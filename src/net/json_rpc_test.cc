#include "net/json_rpc.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <optional>

#include "json/text.h"

namespace weft::net {
namespace {

template <typename Done>
bool run_until(Loop& loop, Done done) {
    auto timeout = false;
    auto timer = loop.timer([&] { timeout = true; });
    timer->arm_in(8000);
    while (!done() && !timeout) loop.run_once(100);
    return done();
}

TEST(RpcMessage, EveryTypeIsWrittenAndRead) {
    for (const Message& message :
         {Message::request("echo", json::Array{1, "x"}, 7), Message::notification("update", json::Array{}),
          Message::reply(json::Object{}, "id"), Message::failure("unknown method", 3)}) {
        Result<json::Value> value = json::parse(message.to_text());
        ASSERT_TRUE(value);
        Result<Message> again = Message::from_json(*value);
        ASSERT_TRUE(again) << again.message();
        EXPECT_EQ(again->type, message.type);
        EXPECT_EQ(again->to_text(), message.to_text());
    }
}

TEST(RpcMessage, MistakesAreNamed) {
    for (auto [text, error] : std::initializer_list<std::pair<const char*, const char*>>{
             {"[]", "message is not a JSON object"},
             {"{\"method\":1}", "method is not a JSON string"},
             {"{\"method\":\"a\",\"id\":1}", "request must have \"params\""},
             {"{\"method\":\"a\",\"params\":{}}", "\"params\" must be JSON array"},
             {"{\"result\":1}", "reply must have \"id\""},
             {"{\"result\":1,\"error\":2,\"id\":1}", "error must not have \"result\""},
             {"{\"foo\":1}", "message has unexpected member \"foo\""}}) {
        EXPECT_EQ(Message::from_json(*json::parse(text)).message(), error);
    }
}

TEST(RpcConnection, EchoIsAnsweredAndTheRestDelivered) {
    Loop loop;
    auto [a, b] = stream_pair(loop);
    std::vector<std::string> got;
    std::string reason = "open";
    RpcConnection server(
        loop, std::move(a), [&](Message m) { got.push_back(m.to_text()); }, [](std::string) {});
    std::string raw;
    b->set_on_ready([&] { b->read(raw); });
    b->write("{\"method\":\"echo\",\"params\":[\"x\"],\"id\":1} {\"method\":\"no");
    ASSERT_TRUE(run_until(loop, [&] { return !raw.empty(); }));
    EXPECT_EQ(raw, "{\"id\":1,\"result\":[\"x\"],\"error\":null}");
    b->write("te\",\"params\":[],\"id\":null}");
    ASSERT_TRUE(run_until(loop, [&] { return got.size() == 1; }));
    EXPECT_EQ(got[0], "{\"id\":null,\"method\":\"note\",\"params\":[]}");
}

// A client that asks and does not read: no more is taken in than the answers that wait, and all of it once it
// reads.
TEST(RpcConnection, ABacklogStopsReading) {
    Loop loop;
    std::unique_ptr<Stream> accepted;
    auto listener =
        listen(loop, "ptcp:0:127.0.0.1", [&](std::unique_ptr<Stream> s) { accepted = std::move(s); });
    ASSERT_TRUE(listener) << listener.message();
    auto client = connect(loop, "tcp:127.0.0.1:" + std::to_string((*listener)->port()));
    ASSERT_TRUE(client);
    ASSERT_TRUE(run_until(loop, [&] { return accepted && (*client)->connected(); }));
    constexpr int kRequests = 300;
    std::string answer(100000, 'x');
    int got = 0;
    std::unique_ptr<RpcConnection> server;
    server = std::make_unique<RpcConnection>(
        loop, std::move(accepted),
        [&](Message m) {
            ++got;
            server->send(Message::reply(answer, std::move(m.id)));
        },
        [](std::string) {});
    server->set_limits({.max_backlog = 1 << 20});
    std::string received;
    bool reading = false;
    (*client)->set_on_ready([&] {
        if (reading) (*client)->read(received);
    });
    (*client)->set_reading(false);
    for (int i = 0; i < kRequests; ++i) (*client)->write("{\"method\":\"big\",\"params\":[],\"id\":1}");
    for (int i = 0; i < 50; ++i) loop.run_once(5);
    EXPECT_GT(got, 10);
    EXPECT_LT(got, kRequests);
    EXPECT_LT(server->backlog(), size_t{2} << 20);
    EXPECT_LE(server->unread(), 100 * size_t{kRequests});
    reading = true;
    (*client)->set_reading(true);
    ASSERT_TRUE(run_until(loop, [&] { return received.size() >= kRequests * answer.size(); }));
    EXPECT_EQ(got, kRequests);
    EXPECT_EQ(server->backlog(), 0u);
}

// One that floods: a turn takes only so much of it, all is answered in the end, and nothing waits for another
// event.
TEST(RpcConnection, AFloodIsTakenTurnByTurn) {
    Loop loop;
    auto [a, b] = stream_pair(loop);
    int got = 0, most_in_a_turn = 0, before = 0, turns = 0;
    RpcConnection server(
        loop, std::move(a),
        [&](Message) {
            ++got;
            auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(200);
            while (std::chrono::steady_clock::now() < end) {
            }
        },
        [](std::string) {});
    server.set_limits({.turn_us = 2000});
    auto turn = loop.each_turn([&] {
        most_in_a_turn = std::max(most_in_a_turn, got - before);
        before = got;
        ++turns;
    });
    std::string flood;
    for (int i = 0; i < 200; ++i) flood += "{\"method\":\"n\",\"params\":[],\"id\":null}";
    b->write(flood + "{\"method\":");
    ASSERT_TRUE(run_until(loop, [&] { return got == 200; }));
    EXPECT_LE(most_in_a_turn, 11);
    EXPECT_GE(turns, 18);
    b->write("\"n\",\"params\":[],\"id\":null}");
    ASSERT_TRUE(run_until(loop, [&] { return got == 201; }));
}

TEST(RpcConnection, GarbageEndsItOnce) {
    for (const char* bytes : {"}", "[1,2]", "{\"method\":3}", "{\"a\":}"}) {
        Loop loop;
        auto [a, b] = stream_pair(loop);
        int closes = 0;
        std::unique_ptr<RpcConnection> server;
        server = std::make_unique<RpcConnection>(
            loop, std::move(a), [&](Message) {},
            [&](std::string reason) {
                ++closes;
                EXPECT_NE(reason, "");
                server.reset();
            });
        b->write(bytes);
        ASSERT_TRUE(run_until(loop, [&] { return closes > 0; })) << bytes;
        loop.run_once(0);
        EXPECT_EQ(closes, 1);
    }
}

class SessionTest : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/weft-rpc-XXXXXX";
        directory_ = mkdtemp(name);
        path_ = directory_ + "/s";
    }
    void TearDown() override {
        listener_.reset();
        rmdir(directory_.c_str());
    }
    void serve() {
        auto made = listen(loop_, "punix:" + path_, [this](std::unique_ptr<Stream> stream) {
            server_ = std::make_unique<RpcConnection>(
                loop_, std::move(stream), [this](Message m) { server_got_.push_back(std::move(m)); },
                [this](std::string) { server_.reset(); });
        });
        ASSERT_TRUE(made) << made.message();
        listener_ = *std::move(made);
    }
    RpcSession::Handler handler() {
        return {[this] { ++ups_; }, [this](Message m) { got_.push_back(std::move(m)); },
                [this](std::string reason) {
                    ++downs_;
                    reason_ = reason;
                }};
    }

    Loop loop_;
    std::string directory_, path_, reason_;
    std::unique_ptr<Listener> listener_;
    std::unique_ptr<RpcConnection> server_;
    std::vector<Message> server_got_, got_;
    int ups_ = 0, downs_ = 0;
};

// Whatever is parsed beside the loop, messages come in their order, and all of them before the end.
TEST_F(SessionTest, LongMessagesAreParsedAside) {
    set_parsing_aside(true);
    RpcSession session(loop_, {.remotes = {"unix:" + path_}}, handler());
    serve();
    ASSERT_TRUE(run_until(loop_, [&] { return server_ && ups_ == 1; }));
    std::vector<Message> sent;
    for (size_t size : {size_t{10}, size_t{3} << 20, size_t{5}, size_t{1} << 20, size_t{33} << 20, size_t{0},
                        size_t{2} << 20}) {
        sent.push_back(Message::notification("update", json::Array{std::string(size, 'x'), int64_t(size)}));
        server_->send(sent.back());
    }
    ASSERT_TRUE(run_until(loop_, [&] { return server_->backlog() == 0; }));
    EXPECT_EQ(downs_, 0);
    server_.reset();
    ASSERT_TRUE(run_until(loop_, [&] { return downs_ == 1; }));
    ASSERT_EQ(got_.size(), sent.size());
    for (size_t i = 0; i < sent.size(); ++i) EXPECT_EQ(got_[i].params, sent[i].params) << i;
    set_parsing_aside(false);
}

TEST_F(SessionTest, ASessionMayGoWhileAMessageIsParsed) {
    set_parsing_aside(true);
    std::optional<RpcSession> session;
    RpcSession::Handler handler = this->handler();
    handler.on_message = [&](Message m) {
        got_.push_back(std::move(m));
        session.reset();
    };
    session.emplace(loop_, RpcSession::Options{.remotes = {"unix:" + path_}}, handler);
    serve();
    ASSERT_TRUE(run_until(loop_, [&] { return server_ && ups_ == 1; }));
    for (int i = 0; i < 3; ++i)
        server_->send(Message::notification("update", json::Array{std::string(2 << 20, 'x')}));
    ASSERT_TRUE(run_until(loop_, [&] { return !got_.empty(); }));
    EXPECT_FALSE(session);
    set_parsing_aside(false);
}

TEST_F(SessionTest, ADamagedLongMessageEndsTheConnection) {
    set_parsing_aside(true);
    RpcSession session(loop_, {.remotes = {"unix:" + path_}}, handler());
    serve();
    ASSERT_TRUE(run_until(loop_, [&] { return server_ && ups_ == 1; }));
    server_->send_text("{\"method\":\"update\",\"params\":[\"" + std::string(2 << 20, 'x') + "\",]}");
    ASSERT_TRUE(run_until(loop_, [&] { return downs_ == 1; }));
    EXPECT_NE(reason_.find("error parsing stream"), std::string::npos) << reason_;
    EXPECT_TRUE(got_.empty());
    set_parsing_aside(false);
}

TEST_F(SessionTest, ReconnectsUntilTheServerIsThereAndAfterItWent) {
    RpcSession::Options options;
    options.remotes = {"unix:" + path_};
    options.min_backoff_ms = 20;
    options.max_backoff_ms = 50;
    RpcSession session(loop_, options, handler());
    for (int i = 0; i < 5; ++i) loop_.run_once(20);
    EXPECT_FALSE(session.connected());
    EXPECT_EQ(session.status(), "not connected");
    serve();
    ASSERT_TRUE(run_until(loop_, [&] { return ups_ == 1 && server_; }));
    session.send(Message::request("hello", json::Array{}, 1));
    ASSERT_TRUE(run_until(loop_, [&] { return server_got_.size() == 1; }));
    server_->send(Message::reply(5, 1));
    ASSERT_TRUE(run_until(loop_, [&] { return got_.size() == 1; }));
    server_.reset();
    ASSERT_TRUE(run_until(loop_, [&] { return ups_ == 2; }));
    EXPECT_EQ(downs_, 1);
    EXPECT_EQ(reason_, "connection closed by peer");
    session.reconnect();
    ASSERT_TRUE(run_until(loop_, [&] { return ups_ == 3; }));
}

TEST_F(SessionTest, GivesUpAfterEachRemoteWasTried) {
    RpcSession::Options options;
    options.remotes = {"unix:" + directory_ + "/a", "unix:" + directory_ + "/b"};
    options.min_backoff_ms = 1;
    options.give_up_at_first_failure = true;
    RpcSession session(loop_, options, handler());
    ASSERT_TRUE(run_until(loop_, [&] { return downs_ == 1; }));
    EXPECT_TRUE(session.gave_up());
    EXPECT_EQ(reason_, "No such file or directory");
}

TEST_F(SessionTest, ASilentServerIsProbedAndDropped) {
    // A server that accepts and never answers.
    std::vector<std::unique_ptr<Stream>> accepted;
    auto made = listen(loop_, "punix:" + path_,
                       [&](std::unique_ptr<Stream> stream) { accepted.push_back(std::move(stream)); });
    ASSERT_TRUE(made);
    listener_ = *std::move(made);
    RpcSession::Options options;
    options.remotes = {"unix:" + path_};
    options.probe_interval_ms = 50;
    RpcSession session(loop_, options, handler());
    ASSERT_TRUE(run_until(loop_, [&] { return downs_ == 1; }));
    EXPECT_EQ(reason_, "no response to inactivity probe");
    std::string bytes;
    accepted.at(0)->read(bytes);
    EXPECT_EQ(bytes, "{\"id\":\"echo\",\"method\":\"echo\",\"params\":[]}");
}

TEST_F(SessionTest, AnAnsweringServerIsKept) {
    serve();
    RpcSession::Options options;
    options.remotes = {"unix:" + path_};
    options.probe_interval_ms = 20;
    RpcSession session(loop_, options, handler());
    auto timer = loop_.timer([] {});
    timer->arm_in(200);
    while (timer->armed()) loop_.run_once(50);
    EXPECT_EQ(ups_, 1);
    EXPECT_EQ(downs_, 0);
    EXPECT_TRUE(got_.empty()) << "the replies to probes are the session's own";
    session.set_remotes({});
    ASSERT_TRUE(run_until(loop_, [&] { return downs_ == 1; }));
}

}  // namespace
}  // namespace weft::net
