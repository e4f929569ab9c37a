// The thread that keeps transactions, and compaction beside it.

#include "ovsdb/storage/log_storage.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <random>
#include <thread>

#include "base/clock.h"
#include "json/text.h"
#include "ovsdb/engine/execute.h"
#include "ovsdb/storage/faulty_disk.h"

namespace weft::ovsdb {
namespace {

const char* const kPath = "/t.db";
const char* const kSchema = R"({"name":"t","version":"1.0.0","tables":{
    "a":{"isRoot":true,"columns":{"n":{"type":"integer"},"e":{"type":"integer","ephemeral":true},
         "s":{"type":{"key":"string","min":0,"max":"unlimited"}},
         "k":{"type":{"key":{"type":"uuid","refTable":"b"},"min":0,"max":"unlimited"}}}},
    "b":{"columns":{"n":{"type":"integer"}}}}})";

std::string describe(const Database& database) {
    std::map<std::string, std::string> rows;
    for (const auto& table : database.tables()) {
        for (const Row* row : table->rows()) {
            std::string text = table->schema().name;
            append_row(text, table->schema(), row->uuid, *row->data);
            rows[row->uuid.to_string()] = text;
        }
    }
    std::string out;
    for (const auto& [uuid, text] : rows) out += text + "\n";
    return out;
}

class LogStorageTest : public testing::Test {
  protected:
    void SetUp() override {
        auto schema = DatabaseSchema::parse(kSchema);
        ASSERT_TRUE(schema);
        ASSERT_TRUE(LogFile::create(kPath, **schema, disk_));
        start();
    }
    void start() {
        auto opened = LogFile::open(kPath, LogFile::Mode::kReadWrite, disk_);
        ASSERT_TRUE(opened) << opened.message();
        EXPECT_EQ(opened->warning, "");
        database_ = std::move(opened->database);
        storage_ = std::make_unique<LogStorage>(std::move(opened->log), true);
    }
    ChangeSet run(const std::string& operations) {
        auto json = json::parse(operations);
        EXPECT_TRUE(json) << json.message();
        ExecuteResult result = execute(*database_, *json->as_array(), 0, {});
        EXPECT_FALSE(result.failed) << result.reply;
        result.changes.durable = durable_;
        return std::move(result.changes);
    }
    Position insert(int n) {
        return storage_->append(
            run(R"([{"op":"insert","table":"a","row":{"n":)" + std::to_string(n) + "}}]"));
    }
    void wait_for_kept(Position position) {
        for (int i = 0; i < 5000 && storage_->progress().kept < position; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        ASSERT_EQ(storage_->progress().kept, position);
    }
    Result<void> compact_to_the_end() {
        std::optional<Result<void>> outcome;
        storage_->compact(*database_, "compacted", [&](Result<void> result) { outcome = std::move(result); });
        while (!outcome) storage_->advance();
        return *outcome;
    }
    // What is in the file, after everything was kept.
    std::string file() {
        storage_->wait();
        EXPECT_FALSE(storage_->progress().failure);
        auto opened = LogFile::open(kPath, LogFile::Mode::kReadOnly, disk_);
        EXPECT_TRUE(opened) << opened.message();
        return describe(*opened->database);
    }

    FaultyDisk disk_;
    std::unique_ptr<Database> database_;
    std::unique_ptr<LogStorage> storage_;
    bool durable_ = true;
};

// Holds the syncs of a disk until it is told to let one through.
class Gate {
  public:
    explicit Gate(FaultyDisk& disk) {
        disk.before_sync = [this](const std::string&) {
            std::unique_lock lock(mutex_);
            ++waiting_;
            changed_.notify_all();
            changed_.wait(lock, [this] { return open_ || let_ > 0; });
            if (!open_) --let_;
            ++passed_;
        };
    }
    void wait_for_sync() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return waiting_ > passed_ + let_; });
    }
    void let_one() {
        std::lock_guard lock(mutex_);
        ++let_;
        changed_.notify_all();
    }
    void open() {
        std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    int passed() {
        std::lock_guard lock(mutex_);
        return passed_;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int waiting_ = 0, passed_ = 0, let_ = 0;
    bool open_ = false;
};

TEST_F(LogStorageTest, WhatComesDuringASyncSharesTheNext) {
    std::atomic<int> progress{0};
    storage_->on_progress = [&] { ++progress; };
    Gate gate(disk_);
    EXPECT_EQ(insert(0), 1u);
    gate.wait_for_sync();
    for (int i = 1; i < 100; ++i) EXPECT_EQ(insert(i), static_cast<Position>(i) + 1);
    EXPECT_EQ(storage_->progress().kept, 0u);
    EXPECT_GT(storage_->backlog(), 1000u);
    gate.let_one();
    gate.wait_for_sync();
    EXPECT_EQ(storage_->progress().kept, 1u);
    gate.let_one();
    wait_for_kept(100);
    EXPECT_EQ(gate.passed(), 2);
    EXPECT_EQ(storage_->backlog(), 0u);
    EXPECT_EQ(storage_->size(), disk_.contents(kPath).size());
    gate.open();
    EXPECT_EQ(file(), describe(*database_));
    storage_.reset();
    EXPECT_EQ(progress, 2);
}

TEST_F(LogStorageTest, WhatNeedNotBeDurableIsKeptAtOnceAndSyncedLater) {
    Gate gate(disk_);
    durable_ = false;
    // Once the thread has nothing to do, a transaction is kept when append() returns.
    Position position = 0;
    for (bool at_once = false; !at_once;) {
        position = insert(static_cast<int>(position));
        at_once = storage_->progress().kept == position;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        ASSERT_LT(position, 1000u);
    }
    EXPECT_EQ(gate.passed(), 0);
    EXPECT_EQ(file(), describe(*database_));
    gate.wait_for_sync();  // comes without another transaction
    // Meanwhile the thread is busy: what comes waits, and a durable one for a sync of its own.
    Position ordinary = insert(5000);
    durable_ = true;
    Position durable = insert(5001);
    EXPECT_LT(storage_->progress().kept, ordinary);
    gate.let_one();
    gate.wait_for_sync();
    EXPECT_LT(storage_->progress().kept, durable);
    gate.let_one();
    wait_for_kept(durable);
    gate.open();
    EXPECT_EQ(file(), describe(*database_));
}

TEST_F(LogStorageTest, ALateSyncThatFailsIsToldAndTriedAgain) {
    durable_ = false;
    insert(0);
    storage_->wait();
    disk_.fail_at = disk_.steps();
    disk_.fail_until = disk_.fail_at + 1;
    auto wait_for = [&](auto condition) {
        for (int i = 0; i < 5000 && !condition(); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        EXPECT_TRUE(condition()) << storage_->condition();
    };
    wait_for([&] { return storage_->condition() != "ok"; });
    EXPECT_FALSE(storage_->progress().failure);  // nobody's transaction is lost
    wait_for([&] { return storage_->condition() == "ok"; });
    EXPECT_EQ(file(), describe(*database_));
}

TEST_F(LogStorageTest, EphemeralColumnsAreNotWritten) {
    insert(1);
    storage_->wait();
    uint64_t size = storage_->size();
    EXPECT_EQ(storage_->append(run(R"([{"op":"update","table":"a","where":[],"row":{"e":7}}])")), 1u);
    storage_->wait();
    EXPECT_EQ(storage_->size(), size);
}

TEST_F(LogStorageTest, AFailureTakesWhatCameAfterItWithIt) {
    insert(1);
    storage_->wait();
    const std::string before = disk_.contents(kPath);
    Gate gate(disk_);
    disk_.fail_at = disk_.steps() + 1;  // the sync
    disk_.fail_until = disk_.fail_at + 1;
    EXPECT_EQ(insert(2), 2u);
    gate.wait_for_sync();
    EXPECT_EQ(insert(3), 3u);
    gate.open();
    storage_->wait();
    StorageProgress progress = storage_->progress();
    EXPECT_EQ(progress.kept, 1u);
    ASSERT_TRUE(progress.failure);
    EXPECT_EQ(progress.failure->message(), "/t.db: fdatasync failed (Input/output error)");
    EXPECT_EQ(storage_->condition(), progress.failure->message());
    EXPECT_EQ(insert(4), 4u);  // decided before anybody knew
    storage_->wait();
    EXPECT_EQ(disk_.contents(kPath), before);
    storage_->resume();
    EXPECT_EQ(storage_->condition(), progress.failure->message());
    EXPECT_EQ(insert(5), 2u);
    wait_for_kept(2);
    EXPECT_EQ(storage_->condition(), "ok");
    EXPECT_NE(disk_.contents(kPath).find("\"n\":5"), std::string::npos);
    EXPECT_EQ(disk_.contents(kPath).find("\"n\":4"), std::string::npos);
}

TEST_F(LogStorageTest, WhatWasAppendedIsKeptBeforeItEnds) {
    for (int i = 0; i < 1000; ++i) insert(i);
    const std::string expected = describe(*database_);
    storage_.reset();
    start();
    EXPECT_EQ(describe(*database_), expected);
}

TEST_F(LogStorageTest, RandomTransactionsDuringCompactions) {
    const unsigned seed = std::random_device()();
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    int done = 0, failed = 0, transactions = 0;
    int64_t slowest_ms = 0;
    for (int i = 0; i < 3000; ++i) insert(i);
    bool compacting = false;
    while (done < 20) {
        if (!compacting) {
            compacting = true;
            storage_->compact(*database_, "compacted", [&](Result<void> result) {
                compacting = false;
                ++(result ? done : failed);
            });
        }
        int64_t start = clock::monotonic_ms();
        std::string n = std::to_string(random() % 5000), where = R"("where":[["n","==",)" + n + "]]";
        switch (random() % 6) {
            case 0:
                storage_->append(run(R"([{"op":"insert","table":"b","uuid-name":"x","row":{"n":)" + n +
                                     R"(}},{"op":"insert","table":"a","row":{"n":)" + n +
                                     R"(,"k":["named-uuid","x"]}}])"));
                break;
            case 1:
                storage_->append(run(R"([{"op":"delete","table":"a",)" + where + "}]"));
                break;
            default:
                storage_->append(run(R"([{"op":"mutate","table":"a",)" + where +
                                     R"(,"mutations":[["s","insert","x)" + std::to_string(random() % 50) +
                                     R"("]]}])"));
        }
        ++transactions;
        storage_->advance();
        if (random() % 50 == 0) storage_->advance();
        slowest_ms = std::max(slowest_ms, clock::monotonic_ms() - start);
        if (random() % 200 == 0) {
            ASSERT_EQ(file(), describe(*database_));
        }
    }
    EXPECT_EQ(failed, 0);
    EXPECT_GT(transactions, 20);
    EXPECT_EQ(file(), describe(*database_));
    storage_.reset();
    const std::string expected = describe(*database_);
    start();
    EXPECT_EQ(describe(*database_), expected);
    EXPECT_EQ(disk_.files(), 1u);
}

TEST_F(LogStorageTest, ACompactionOfWhatIsTakenBackFails) {
    insert(1);
    storage_->wait();
    Gate gate(disk_);
    disk_.fail_at = disk_.steps() + 1;
    disk_.fail_until = disk_.fail_at + 1;
    ChangeSet lost = run(R"([{"op":"insert","table":"a","row":{"n":2}}])");
    storage_->append(lost);
    gate.wait_for_sync();
    std::optional<Result<void>> outcome;
    storage_->compact(*database_, "compacted", [&](Result<void> result) { outcome = std::move(result); });
    gate.open();
    storage_->wait();
    EXPECT_TRUE(storage_->progress().failure);
    database_->revert(lost);
    storage_->resume();
    while (!outcome) storage_->advance();
    EXPECT_FALSE(*outcome);
    EXPECT_NE(outcome->message().find("could not be kept"), std::string::npos) << outcome->message();
    insert(3);
    EXPECT_EQ(file(), describe(*database_));
    EXPECT_EQ(disk_.files(), 1u);
    EXPECT_TRUE(compact_to_the_end());
    EXPECT_EQ(file(), describe(*database_));
}

TEST_F(LogStorageTest, OnlyOneCompactionAtATimeAndItsEndIsItsOwn) {
    for (int i = 0; i < 5000; ++i) insert(i);
    std::optional<Result<void>> first, second;
    storage_->compact(*database_, "compacted", [&](Result<void> result) { first = std::move(result); });
    storage_->compact(*database_, "compacted", [&](Result<void> result) { second = std::move(result); });
    ASSERT_TRUE(second);
    EXPECT_FALSE(*second);
    EXPECT_FALSE(first);
    // Closing in the middle leaves the file as it was.
    storage_->advance();
    storage_.reset();
    EXPECT_EQ(disk_.files(), 1u);
    const std::string expected = describe(*database_);
    start();
    EXPECT_EQ(describe(*database_), expected);
}

TEST_F(LogStorageTest, ReplacingTheDatabaseEndsACompaction) {
    for (int i = 0; i < 5000; ++i) insert(i);
    std::optional<Result<void>> outcome;
    storage_->compact(*database_, "compacted", [&](Result<void> result) { outcome = std::move(result); });
    storage_->advance();
    Database other(database_->shared_schema());
    ASSERT_TRUE(storage_->replace(other, "converted"));
    ASSERT_TRUE(outcome);
    EXPECT_FALSE(*outcome);
    EXPECT_EQ(file(), "");
    EXPECT_EQ(disk_.files(), 1u);
}

}  // namespace
}  // namespace weft::ovsdb
