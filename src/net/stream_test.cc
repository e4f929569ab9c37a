#include "net/stream.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace weft::net {
namespace {

std::string temporary_directory() {
    char name[] = "/tmp/weft-net-XXXXXX";
    return mkdtemp(name);
}

// Runs turns until `done` or five seconds went by.
template <typename Done>
bool run_until(Loop& loop, Done done) {
    auto timeout = false;
    auto timer = loop.timer([&] { timeout = true; });
    timer->arm_in(5000);
    while (!done() && !timeout) loop.run_once(100);
    return done();
}

// An end of a connection that keeps what it reads.
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

void expect_loopback(Loop& loop, const std::string& passive, const std::string& active_prefix) {
    Peer client, server;
    auto listener = listen(loop, passive, [&](std::unique_ptr<Stream> s) { server.start(std::move(s)); });
    ASSERT_TRUE(listener) << listener.message();
    std::string active = active_prefix;
    if ((*listener)->port()) active += ":" + std::to_string((*listener)->port());
    auto connected = connect(loop, active);
    ASSERT_TRUE(connected) << connected.message();
    client.start(*std::move(connected));
    EXPECT_EQ(client.stream->name(), active);
    client.stream->write("hello");  // before it is connected
    ASSERT_TRUE(run_until(loop, [&] { return server.received == "hello"; }));
    EXPECT_TRUE(client.stream->connected());

    std::string large(8 << 20, 'x');
    for (size_t i = 0; i < large.size(); i += 1000) large[i] = static_cast<char>('a' + i / 1000 % 26);
    server.stream->write(large);
    server.stream->write("tail");
    ASSERT_TRUE(run_until(loop, [&] { return client.received.size() == large.size() + 4; }));
    EXPECT_EQ(client.received, large + "tail");
    ASSERT_TRUE(run_until(loop, [&] { return server.stream->backlog() == 0; }));

    client.stream->write("bye");
    client.stream.reset();  // what was written still arrives
    ASSERT_TRUE(run_until(loop, [&] { return server.closed; }));
    EXPECT_EQ(server.received, "hellobye");
    EXPECT_EQ(server.stream->error(), "");
}

TEST(Stream, UnixLoopback) {
    Loop loop;
    std::string directory = temporary_directory();
    expect_loopback(loop, "punix:" + directory + "/s", "unix:" + directory + "/s");
    EXPECT_NE(access((directory + "/s").c_str(), F_OK), 0) << "the socket's file stays behind";
    rmdir(directory.c_str());
}

TEST(Stream, UnixPathsMayBeLongerThanASocketAddress) {
    Loop loop;
    std::string directory = temporary_directory(), file = directory + "/" + std::string(100, 'd');
    ASSERT_EQ(mkdir(file.c_str(), 0700), 0);
    file += "/socket";
    expect_loopback(loop, "punix:" + file, "unix:" + file);
    rmdir((directory + "/" + std::string(100, 'd')).c_str());
    rmdir(directory.c_str());
}

TEST(Stream, TcpLoopback) {
    Loop loop;
    expect_loopback(loop, "ptcp:0:127.0.0.1", "tcp:127.0.0.1");
    expect_loopback(loop, "ptcp:0:127.0.0.1", "tcp:localhost");
}

TEST(Stream, FailedAttemptsSayWhy) {
    Loop loop;
    for (auto [remote, reason] : std::initializer_list<std::pair<const char*, const char*>>{
             {"unix:/nonexistent/socket", "No such file or directory"},
             {"tcp:127.0.0.1:1", "Connection refused"}}) {
        auto connected = connect(loop, remote);
        ASSERT_TRUE(connected);
        Peer client;
        client.start(*std::move(connected));
        ASSERT_TRUE(run_until(loop, [&] { return client.closed; })) << remote;
        EXPECT_EQ(client.stream->error(), reason);
    }
}

TEST(Stream, MalformedNamesAreRefused) {
    Loop loop;
    for (const char* remote : {"", "foo", "foo:bar", "unix:", "tcp:", "tcp::80", "tcp:1.2.3.4:x",
                               "tcp:1.2.3.4:70000", "tcp:::1:80", "ptcp:80", "tcp:[::1:80"}) {
        EXPECT_FALSE(connect(loop, remote)) << remote;
    }
    for (const char* remote : {"", "ptcp:x", "ptcp:1:name.example", "ptcp:70000", "punix:", "unix:/x",
                               "punix:/nonexistent/socket"}) {
        EXPECT_FALSE(listen(loop, remote, [](std::unique_ptr<Stream>) {})) << remote;
    }
}

TEST(Stream, AStreamMayBeDestroyedInItsCallback) {
    Loop loop;
    auto [a, b] = stream_pair(loop);
    std::unique_ptr<Stream> end = std::move(b);
    bool called = false;
    end->set_on_ready([&, keep = std::string(100, 'x')] {
        end.reset();
        called = keep.size() == 100;
    });
    a->write("x");
    ASSERT_TRUE(run_until(loop, [&] { return called; }));
    std::string bytes;
    EXPECT_FALSE(a->read(bytes));
}

}  // namespace
}  // namespace weft::net
