#include "net/control_server.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "net/control_client.h"

namespace weft::net {
namespace {

class ControlTest : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/weft-control-XXXXXX";
        directory_ = mkdtemp(name);
        auto made = ControlServer::create(loop_, directory_ + "/ctl", "test-daemon");
        ASSERT_TRUE(made) << made.message();
        server_ = *std::move(made);
    }
    void TearDown() override {
        server_.reset();
        rmdir(directory_.c_str());
    }
    // The client blocks, so it runs on a thread beside the loop.
    ControlAnswer ask(const std::string& command, const std::vector<std::string>& arguments = {}) {
        ControlAnswer answer{false, "no answer"};
        bool done = false;
        std::thread client([&] {
            Result<ControlAnswer> got = run_control_command(server_->path(), command, arguments, 5000);
            answer = got ? *got : ControlAnswer{false, got.message()};
            loop_.post([&] { done = true; });
        });
        while (!done) loop_.run_once(6000);
        client.join();
        return answer;
    }
    std::string text(const std::string& command, const std::vector<std::string>& arguments = {}) {
        return ask(command, arguments).text;
    }

    Loop loop_;
    std::string directory_;
    std::unique_ptr<ControlServer> server_;
};

TEST_F(ControlTest, CommandsAnswerOrFail) {
    server_->add("greet", "NAME", 1, 2, [](const ControlServer::Arguments& words) -> Result<std::string> {
        if (words[0] == "nobody") return Error{"nobody is there"};
        return "hello " + words[0];
    });
    ControlAnswer answer = ask("greet", {"world"});
    EXPECT_TRUE(answer.ok);
    EXPECT_EQ(answer.text, "hello world\n");
    answer = ask("greet", {"nobody"});
    EXPECT_FALSE(answer.ok);
    EXPECT_EQ(answer.text, "nobody is there\n");
    EXPECT_EQ(text("greet"), "\"greet\" command requires at least 1 arguments\n");
    EXPECT_EQ(text("greet", {"a", "b", "c"}), "\"greet\" command takes at most 2 arguments\n");
    EXPECT_EQ(text("nosuch"),
              "\"nosuch\" is not a valid command (use \"list-commands\" to see a list of valid commands)\n");
    EXPECT_NE(text("list-commands").find("\n  greet                   NAME\n"), std::string::npos);
}

TEST_F(ControlTest, AnswersMayComeLater) {
    std::shared_ptr<ControlReply> pending;
    std::unique_ptr<Loop::Timer> timer = loop_.timer([&] { pending->success("at last"); });
    server_->add_deferred("wait", "", 0, 0,
                          [&](const ControlServer::Arguments&, std::shared_ptr<ControlReply> reply) {
                              pending = std::move(reply);
                              timer->arm_in(30);
                          });
    EXPECT_EQ(text("wait"), "at last\n");
}

TEST_F(ControlTest, EveryDaemonHasTheCommonCommands) {
    EXPECT_EQ(text("version").substr(0, 12), "test-daemon ");
    EXPECT_NE(text("vlog/list").find("unixctl"), std::string::npos);
    EXPECT_EQ(text("vlog/set", {"nosuch:file:dbg"}), "no destination, level, or module \"nosuch\"\n");
    EXPECT_NE(text("coverage/show").find("events never hit"), std::string::npos);
    EXPECT_EQ(text("coverage/read-counter", {"nosuch"}), "No such counter\n");
    EXPECT_TRUE(ask("memory/show").ok);
    EXPECT_EQ(text("stopwatch/show", {"nosuch"}), "No such stopwatch\n");
    EXPECT_FALSE(ask("time/stop").ok) << "only with --enable-dummy";
}

}  // namespace
}  // namespace weft::net
