#include "ovsdb/storage/log_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "json/text.h"
#include "ovsdb/data/datum_json.h"
#include "ovsdb/engine/execute.h"

namespace weft::ovsdb {
namespace {

const char* const kSchema = R"({"name":"t","version":"1.0.0","tables":{
    "a":{"isRoot":true,"indexes":[["n"]],"columns":{"n":{"type":"integer"},"e":{"type":"integer","ephemeral":true},
        "s":{"type":{"key":"string","min":0,"max":"unlimited"}},
        "k":{"type":{"key":{"type":"uuid","refTable":"b"},"min":0,"max":"unlimited"}},
        "w":{"type":{"key":{"type":"uuid","refTable":"b","refType":"weak"},"min":0,"max":"unlimited"}}}},
    "b":{"columns":{"n":{"type":"integer"}}}}})";

class LogFileTest : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/weft-log-XXXXXX";
        ASSERT_TRUE(::mkdtemp(name));
        dir_ = name;
        path_ = dir_ + "/t.db";
        auto schema = DatabaseSchema::parse(kSchema);
        ASSERT_TRUE(schema);
        ASSERT_TRUE(LogFile::create(path_, **schema));
    }
    void TearDown() override { ASSERT_EQ(std::system(("rm -rf " + dir_).c_str()), 0); }

    LogFile::Opened open() {
        auto opened = LogFile::open(path_, LogFile::Mode::kReadWrite);
        EXPECT_TRUE(opened) << opened.message();
        return std::move(*opened);
    }
    static std::string run(LogFile::Opened& opened, std::string_view operations) {
        auto json = json::parse(operations);
        EXPECT_TRUE(json) << json.message();
        ExecuteResult result = execute(*opened.database, *json->as_array(), 0, {});
        if (!result.changes.empty()) opened.log->append(result.changes);
        EXPECT_TRUE(opened.log->sync());
        return result.reply;
    }
    static std::string dump(LogFile::Opened& opened) {
        return run(opened, R"([{"op":"select","table":"a","where":[],"columns":["n","s"]}])");
    }
    std::string read() {
        std::ifstream in(path_);
        std::stringstream text;
        text << in.rdbuf();
        return text.str();
    }
    void write(const std::string& text) { std::ofstream(path_) << text; }

    std::string dir_, path_;
};

TEST_F(LogFileTest, KeepsWhatWasSynced) {
    {
        auto opened = open();
        run(opened, R"([{"op":"insert","table":"a","row":{"n":1,"s":["set",["x","y"]],"e":5}}])");
        run(opened,
            R"([{"op":"mutate","table":"a","where":[],"mutations":[["s","insert","z"],["s","delete","x"]]}])");
    }
    auto opened = open();
    EXPECT_EQ(opened.warning, "");
    EXPECT_EQ(dump(opened), R"([{"rows":[{"n":1,"s":["set",["y","z"]]}]}])");
}

TEST_F(LogFileTest, EveryTornTailLosesOnlyTheLastTransaction) {
    size_t before;
    {
        auto opened = open();
        run(opened, R"([{"op":"insert","table":"a","row":{"n":1}}])");
        before = read().size();
        run(opened, R"([{"op":"insert","table":"a","row":{"n":2}}])");
    }
    const std::string whole = read();
    for (size_t size = before; size < whole.size(); ++size) {
        write(whole.substr(0, size));
        auto opened = open();
        EXPECT_EQ(opened.warning.empty(), size == before) << size;
        EXPECT_EQ(dump(opened), R"([{"rows":[{"n":1,"s":["set",[]]}]}])") << size;
        // What follows overwrites the torn record.
        run(opened, R"([{"op":"insert","table":"a","row":{"n":3}}])");
        opened = {};
        auto again = open();
        EXPECT_EQ(again.database->find_table("a")->size(), 2u) << size;
    }
}

TEST_F(LogFileTest, DamageInTheMiddleIsRefused) {
    {
        auto opened = open();
        run(opened, R"([{"op":"insert","table":"a","row":{"n":1}}])");
        run(opened, R"([{"op":"insert","table":"a","row":{"n":2}}])");
    }
    std::string text = read();
    text[text.find("\"n\":1") + 4] = '7';
    write(text);
    EXPECT_FALSE(LogFile::open(path_, LogFile::Mode::kReadWrite));
    EXPECT_EQ(read(), text);
}

TEST_F(LogFileTest, CompactionKeepsContentsAndGoesOn) {
    {
        auto opened = open();
        for (int i = 0; i < 50; ++i) {
            run(opened, R"([{"op":"delete","table":"a","where":[]}])");
            run(opened, R"([{"op":"insert","table":"a","row":{"n":)" + std::to_string(i) + "}}]");
        }
        uint64_t before = opened.log->size();
        ASSERT_TRUE(opened.log->compact(*opened.database, "compacted"));
        EXPECT_LT(opened.log->size(), before);
        run(opened, R"([{"op":"insert","table":"a","row":{"n":100}}])");
    }
    auto opened = open();
    EXPECT_EQ(opened.database->find_table("a")->size(), 2u);
}

TEST_F(LogFileTest, AFailedWriteLeavesTheFileAndCanBeTakenBack) {
    auto opened = open();
    run(opened,
        R"([{"op":"insert","table":"a","uuid-name":"r","row":{"n":1,"k":["named-uuid","x"],"w":["named-uuid","x"]}},
                    {"op":"insert","table":"b","uuid-name":"x","row":{"n":7}}])");
    const std::string before = read();
    auto json = json::parse(R"([{"op":"delete","table":"a","where":[]}])");
    ExecuteResult result = execute(*opened.database, *json->as_array(), 0, {});
    EXPECT_EQ(opened.database->rows(), 0u);
    opened.database->revert(result.changes);
    EXPECT_EQ(opened.database->rows(), 2u);
    EXPECT_EQ(read(), before);
    // References count as before: the row of b cannot go alone, and goes with its referrer.
    EXPECT_NE(run(opened, R"([{"op":"delete","table":"b","where":[]}])").find("referential integrity"),
              std::string::npos);
    EXPECT_EQ(run(opened, R"([{"op":"delete","table":"a","where":[]}])"), R"([{"count":1}])");
    EXPECT_EQ(opened.database->rows(), 0u);
}

TEST_F(LogFileTest, OneWriterAtATime) {
    // The lock is of the process, so another one has to try.
    auto opened = open();
    pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) ::_exit(LogFile::open(path_, LogFile::Mode::kReadWrite) ? 0 : 3);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 3);
}

}  // namespace
}  // namespace weft::ovsdb
