#include "ovsdb/storage/log_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "json/text.h"
#include "ovsdb/data/datum_json.h"
#include "ovsdb/engine/execute.h"
#include "ovsdb/storage/record.h"

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
        std::string record = transaction_record(result.changes, true, 0);
        EXPECT_FALSE(!record.empty() && opened.log->append(frame_record(record)));
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
    const std::string whole = read();
    size_t first = whole.find("OVSDB", 1), second = whole.find("OVSDB", first + 1);
    const std::vector<std::string> damages = {
        std::string(whole).replace(whole.find("\"n\":1") + 4, 1, "7"),            // the hash is wrong
        std::string(whole).replace(first, 5, "OWSDB"),                            // no header
        std::string(whole).replace(first, second - first, second - first, '\0'),  // a hole
        std::string(whole).replace(first + 11, 1, "9"),  // a length that covers what follows
        std::string(whole).erase(first + 30, 7),
    };
    for (const std::string& text : damages) {
        write(text);
        auto opened = LogFile::open(path_, LogFile::Mode::kReadWrite);
        EXPECT_FALSE(opened);
        EXPECT_NE(opened.message().find(std::to_string(first) + " bytes"), std::string::npos)
            << opened.message();
        EXPECT_EQ(read(), text);
    }
}

TEST_F(LogFileTest, AnInterruptedBatchIsDropped) {
    auto record = [](int n, bool continues) {
        std::string uuid = "550e8400-e29b-41d4-a716-44665544000" + std::to_string(n);
        return frame_record("{\"a\":{\"" + uuid + "\":{\"n\":" + std::to_string(n) + "}}}", continues);
    };
    const std::string first = read() + record(1, false), middle = record(3, true), last = record(4, true);
    std::string hole(middle.size(), '\0');
    write(first + record(2, false) + hole + last);
    {
        auto opened = open();
        EXPECT_NE(opened.warning, "");
        EXPECT_EQ(opened.database->rows(), 2u);
    }
    // A batch after it shows that it was whole once.
    write(first + record(2, false) + hole + last + record(5, false));
    EXPECT_FALSE(LogFile::open(path_, LogFile::Mode::kReadWrite));
}

TEST_F(LogFileTest, RecordsThatMakeNoSenseAreRefused) {
    const std::string empty = read(), uuid = "\"550e8400-e29b-41d4-a716-446655440000\"";
    const std::vector<std::string> records = {
        "3",
        "{\"zz\":{}}",
        "{\"_other\":1}",
        "{\"_is_diff\":1}",
        "{\"_date\":\"x\"}",
        "{\"a\":3}",
        "{\"a\":{\"zz\":{}}}",
        "{\"a\":{" + uuid + ":3}}",
        "{\"a\":{" + uuid + ":null}}",
        "{\"a\":{" + uuid + ":{\"zz\":1}}}",
        "{\"a\":{" + uuid + ":{\"_uuid\":1}}}",
        "{\"a\":{" + uuid + ":{\"n\":\"x\"}}}",
        "{\"a\":{" + uuid + ":{}," + uuid + ":{}}}",
        "{\"a\":{" + uuid + ":{\"s\":[\"set\",[\"x\",\"x\"]]}}}",
        "{\"a\":{" + uuid + ":{\"n\":1}}",
        "{\"a\":{" + uuid + ":{\"n\":1}}}}",
    };
    for (const std::string& record : records) {
        write(empty + frame_record(record));
        EXPECT_FALSE(LogFile::open(path_, LogFile::Mode::kReadOnly)) << record;
    }
    write(empty +
          frame_record("{\"b\":{" + uuid + ":{\"n\":1}},\"_date\":5,\"_is_diff\":true,\"_comment\":\"x\"}"));
    EXPECT_TRUE(LogFile::open(path_, LogFile::Mode::kReadOnly));
}

TEST_F(LogFileTest, HashesAndLengthsAsOthersWriteThem) {
    std::string record = frame_record("{\"a\":{\"550e8400-e29b-41d4-a716-446655440000\":{\"n\":1}}}");
    size_t hash = record.find(' ', 11) + 1;
    std::string upper = record;
    for (size_t i = hash; i < hash + 40; ++i) upper[i] = static_cast<char>(std::toupper(upper[i]));
    std::string zeros = record;
    zeros.insert(11, "000");
    const std::string empty = read();
    for (const std::string& text : {record, upper, zeros}) {
        write(empty + text);
        EXPECT_EQ(open().warning, "") << text;
        EXPECT_EQ(open().database->rows(), 1u) << text;
    }
}

TEST_F(LogFileTest, CompactionKeepsContentsAndGoesOn) {
    {
        auto opened = open();
        for (int i = 0; i < 50; ++i) {
            run(opened, R"([{"op":"delete","table":"a","where":[]}])");
            run(opened, R"([{"op":"insert","table":"a","row":{"n":)" + std::to_string(i) + "}}]");
        }
        uint64_t before = opened.log->end();
        ASSERT_TRUE(opened.log->replace_by(*opened.database, "compacted"));
        EXPECT_LT(opened.log->end(), before);
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
    auto opened = open();
    auto second = LogFile::open(path_, LogFile::Mode::kReadWrite);
    EXPECT_FALSE(second);
    EXPECT_NE(second.message().find("this program"), std::string::npos) << second.message();
    // The attempt has not taken the lock away from the first: another process still finds it.
    std::string lock_path = dir_ + "/.t.db.~lock~";
    pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        struct flock lock {};
        lock.l_type = F_WRLCK;
        lock.l_whence = SEEK_SET;
        int fd = ::open(lock_path.c_str(), O_RDWR);
        ::_exit(fd >= 0 && ::fcntl(fd, F_SETLK, &lock) < 0 ? 3 : 0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 3);
    opened = {};
    EXPECT_TRUE(LogFile::open(path_, LogFile::Mode::kReadWrite));
}

TEST_F(LogFileTest, AFileThatIsGoneOrReplacedIsNotWritten) {
    auto opened = open();
    run(opened, R"([{"op":"insert","table":"a","row":{"n":1}}])");
    const std::string record = frame_record("{\"_date\":1}");
    ASSERT_EQ(::rename(path_.c_str(), (path_ + ".away").c_str()), 0);
    auto failure = opened.log->append(record);
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->io_error, "No such file or directory");
    write("another file");
    failure = opened.log->append(record);
    ASSERT_TRUE(failure);
    EXPECT_NE(failure->details.find("another file"), std::string::npos) << failure->details;
    EXPECT_FALSE(opened.log->replace_by(*opened.database, ""));
    EXPECT_EQ(read(), "another file");
    // Back in its place it is written again; where there is none, compaction makes one.
    ASSERT_EQ(::rename((path_ + ".away").c_str(), path_.c_str()), 0);
    EXPECT_FALSE(opened.log->append(record));
    ASSERT_EQ(::unlink(path_.c_str()), 0);
    EXPECT_TRUE(opened.log->append(record));
    ASSERT_TRUE(opened.log->replace_by(*opened.database, ""));
    EXPECT_FALSE(opened.log->append(record));
    opened = {};
    EXPECT_EQ(open().database->rows(), 1u);
}

TEST_F(LogFileTest, CompactionReplacesTheFileBehindALinkAndKeepsItsMode) {
    std::string link = dir_ + "/link";
    ASSERT_EQ(::symlink(path_.c_str(), link.c_str()), 0);
    ASSERT_EQ(::chmod(path_.c_str(), 0604), 0);
    auto opened = LogFile::open(link, LogFile::Mode::kReadWrite);
    ASSERT_TRUE(opened) << opened.message();
    run(*opened, R"([{"op":"insert","table":"a","row":{"n":1}}])");
    ASSERT_TRUE(opened->log->replace_by(*opened->database, ""));
    struct stat status;
    ASSERT_EQ(::lstat(link.c_str(), &status), 0);
    EXPECT_TRUE(S_ISLNK(status.st_mode));
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0604u);
    EXPECT_FALSE(opened->log->append(frame_record("{\"_date\":1}")));
}

}  // namespace
}  // namespace weft::ovsdb
