#include "base/log.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/log_control.h"
#include "base/log_pattern.h"

namespace weft::log {
namespace {

Module alpha("alpha"), beta("beta");

std::string contents(const std::string& path) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

TEST(LogPattern, EverySpecifierIsExpanded) {
    Line line;
    line.program = "prog";
    line.module = "mod";
    line.level = Level::kWarn;
    line.message = "hello";
    line.number = 7;
    line.wall_ms = 1500;
    EXPECT_EQ(format_line("%D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c%T|%p|%m", line),
              "1970-01-01T00:00:01.500Z|00007|mod|WARN|hello");
    line.thread = "handler1";
    EXPECT_EQ(format_line("%A %c%T %-6p| %3N%%%n", line), "prog mod(handler1) WARN  |   7%\n");
}

TEST(Log, LevelsAndDestinationsAreSetBySpec) {
    set_level(Destination::kConsole, Level::kOff);
    set_level(Destination::kSyslog, Level::kOff);
    EXPECT_TRUE(set("alpha:file:dbg"));
    EXPECT_TRUE(set("file,beta,err"));
    EXPECT_EQ(set("nonsense").message(), "no destination, level, or module \"nonsense\"");
    EXPECT_FALSE(set("PATTERN:nowhere:%m"));

    std::string path = testing::TempDir() + "weft-log-test";
    std::remove(path.c_str());
    ASSERT_TRUE(open_file(path));
    EXPECT_TRUE(set("PATTERN:file:%c|%p|%m"));
    alpha.dbg("seen {}", 1);
    beta.info("not seen");
    beta.err("two\nlines");
    std::string text = contents(path);
    EXPECT_NE(text.find("alpha|DBG|seen 1\n"), std::string::npos) << text;
    EXPECT_EQ(text.find("not seen"), std::string::npos);
    EXPECT_NE(text.find("beta|ERR|two\nbeta|ERR|lines\n"), std::string::npos);
    EXPECT_NE(list_levels().find("beta               OFF        OFF        ERR"), std::string::npos)
        << list_levels();
    close_file();
    EXPECT_FALSE(alpha.enabled(Level::kErr));
    std::remove(path.c_str());
}

TEST(Log, RateLimitSwallowsAFlood) {
    RateLimit limit(60, 3);
    int passed = 0;
    for (int i = 0; i < 100; ++i) passed += limit.pass(alpha);
    EXPECT_GE(passed, 3);
    EXPECT_LE(passed, 5);
    EXPECT_TRUE(enable_rate_limit("alpha", false));
    EXPECT_TRUE(limit.pass(alpha));
    EXPECT_TRUE(enable_rate_limit("alpha", true));
}

}  // namespace
}  // namespace weft::log
