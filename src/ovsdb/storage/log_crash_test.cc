// Power loss at every step of the log's life, on a disk that also fails: what was acknowledged is there
// afterwards, and nothing is there in part.

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <random>
#include <set>

#include "json/text.h"
#include "ovsdb/data/datum_json.h"
#include "ovsdb/engine/execute.h"
#include "ovsdb/engine/snapshot.h"
#include "ovsdb/storage/faulty_disk.h"
#include "ovsdb/storage/log_file.h"
#include "ovsdb/storage/record.h"

namespace weft::ovsdb {
namespace {

const char* const kPath = "/t.db";
const char* const kSchema = R"({"name":"t","version":"1.0.0","tables":{
    "a":{"isRoot":true,"columns":{"n":{"type":"integer"},"s":{"type":{"key":"integer","min":0,"max":"unlimited"}}}},
    "b":{"isRoot":true,"columns":{"n":{"type":"integer"},"s":{"type":"string"}}}}})";

// What a database that went through some transactions holds; both tables have the same numbers.
using Numbers = std::set<int64_t>;

class Life {
  public:
    Life(FaultyDisk& disk, std::mt19937& random) : disk_(disk), random_(random) {}

    // "" or what was wrong with the file.
    std::string start() {
        auto opened = LogFile::open(kPath, LogFile::Mode::kReadWrite, disk_);
        if (!opened) return opened.message();
        log_ = std::move(opened->log);
        database_ = std::move(opened->database);
        Numbers a = numbers("a"), b = numbers("b");
        if (a != b) return "half a transaction is there";
        kept_ = a;
        return "";
    }
    const Numbers& kept() const { return kept_; }
    // Those kept, and afterwards one after the other those that were to be kept when the machine went off.
    const std::vector<Numbers>& possible() const { return possible_; }
    int compactions() const { return compactions_; }

    void live(int64_t& next) {
        possible_ = {kept_};
        while (!disk_.crashed()) {
            switch (random_() % 8) {
                case 0:
                    start_fault();
                    break;
                case 1:
                case 2:
                    if (!compaction_) compaction_ = begin_compaction();
                    break;
                case 3:
                case 4:
                    if (compaction_ && !advance_compaction()) compaction_.reset();
                    break;
                default:
                    write_batch(next);
            }
        }
        compaction_.reset();
    }

  private:
    struct Compaction {
        std::unique_ptr<Snapshot> snapshot;
        std::unique_ptr<NewLog> file;
        uint64_t copied = 0;
        bool finished = false;
    };

    Numbers numbers(const char* table) const {
        Numbers out;
        const Table& rows = *database_->find_table(table);
        int column = rows.schema().find_column("n")->index;
        for (const Row* row : rows.rows()) out.insert((*row->data)[column].integer());
        return out;
    }

    void start_fault() {
        static constexpr int kErrors[] = {EIO, ENOSPC, EROFS};
        disk_.error = kErrors[random_() % 3];
        disk_.fail_at = disk_.steps() + random_() % 4;
        disk_.fail_until = disk_.fail_at + 1 + random_() % 4;
    }

    // Transactions that insert a number in both tables, or delete one.
    void write_batch(int64_t& next) {
        std::vector<ChangeSet> changes;
        std::vector<Numbers> after = {kept_};
        std::string bytes;
        for (unsigned count = 1 + random_() % 4; count--;) {
            std::string operations;
            Numbers numbers = after.back();
            if (random_() % 12 < numbers.size()) {
                int64_t gone = *numbers.begin();
                numbers.erase(gone);
                std::string where = R"(","where":[["n","==",)" + std::to_string(gone) + "]]}";
                operations =
                    R"([{"op":"delete","table":"a)" + where + R"(,{"op":"delete","table":"b)" + where + "]";
            } else {
                numbers.insert(next);
                std::string n = std::to_string(next++), text(random_() % 1500, 'x');
                operations =
                    R"([{"op":"insert","table":"a","row":{"n":)" + n + R"(}},{"op":"mutate","table":"a",
                    "where":[],"mutations":[["s","insert",)" +
                    std::to_string(random_() % 20) + R"(]]},{"op":"insert","table":"b","row":{"n":)" + n +
                    R"(,"s":")" + text + R"("}}])";
            }
            ExecuteResult result = execute(*database_, *json::parse(operations)->as_array(), 0, {});
            ASSERT_FALSE(result.failed) << result.reply;
            bytes +=
                frame_record(transaction_record(result.changes, true, 0), !bytes.empty() || log_->unsynced());
            changes.push_back(std::move(result.changes));
            after.push_back(std::move(numbers));
        }
        bool now = random_() % 2;
        auto failure = log_->append(bytes, now ? LogFile::Sync::kNow : LogFile::Sync::kLater);
        if (!now && !disk_.crashed() && !failure) {
            // Nobody was promised that these last; those before them do.
            kept_ = after.back();
            possible_.insert(possible_.end(), after.begin() + 1, after.end());
        } else if (disk_.crashed() || failure) {
            // What failed and could not be cut off may be found after a crash; its clients were told that
            // something is wrong.
            possible_.insert(possible_.end(), after.begin() + 1, after.end());
            for (size_t i = changes.size(); i--;) database_->revert(changes[i]);
        } else {
            kept_ = after.back();
            possible_ = {kept_};
        }
    }

    std::unique_ptr<Compaction> begin_compaction() {
        auto compaction = std::make_unique<Compaction>();
        auto file = log_->new_file(database_->schema());
        if (!file) return nullptr;
        compaction->file = *std::move(file);
        compaction->snapshot = std::make_unique<Snapshot>(*database_);
        compaction->copied = log_->end();
        return compaction;
    }

    // False when it is over.
    bool advance_compaction() {
        Compaction& c = *compaction_;
        Snapshot::Piece piece;
        if (c.snapshot && c.snapshot->next(1 + random_() % 20, piece)) {
            for (const auto& [uuid, data] : piece.rows) {
                if (!c.file->add(*piece.table, uuid, *data)) return false;
            }
            return true;
        }
        c.snapshot.reset();
        if (!c.finished) {
            c.finished = true;
            return c.file->finish("compacted", 0).ok();
        }
        if (random_() % 2) {
            uint64_t end = log_->end();
            if (!c.file->copy(log_->file(), c.copied, end)) return false;
            c.copied = end;
            return true;
        }
        if (log_->replace(*c.file, c.copied) && !disk_.crashed()) ++compactions_;
        return false;
    }

    FaultyDisk& disk_;
    std::mt19937& random_;
    std::unique_ptr<LogFile> log_;
    std::unique_ptr<Database> database_;
    std::unique_ptr<Compaction> compaction_;
    Numbers kept_;
    std::vector<Numbers> possible_;
    int compactions_ = 0;
};

TEST(LogCrash, WhatWasAcknowledgedSurvivesAndNothingIsThereInPart) {
    const char* given = std::getenv("WEFT_SEED");
    const unsigned seed = given ? static_cast<unsigned>(std::atoi(given)) : std::random_device()();
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    auto disk = std::make_unique<FaultyDisk>();
    auto schema = DatabaseSchema::parse(kSchema);
    ASSERT_TRUE(schema);
    ASSERT_TRUE(LogFile::create(kPath, **schema, *disk));
    int64_t next = 0;
    int compactions = 0, advanced = 0, crash = 0;
    std::vector<Numbers> possible = {{}};
    // 3,000 take five seconds of the processor, however slow or busy the machine: all are lived through
    // there. A sanitizer makes each of them twenty times as dear; with it, what twenty seconds of the
    // processor allow is enough.  So what bounds the test is not the time that it has to share.
    auto spent_s = [start = std::clock()] { return (std::clock() - start) / CLOCKS_PER_SEC; };
    for (; crash < 3000 && (crash < 100 || spent_s() < 20); ++crash) {
        disk->crash_at = disk->steps() + random() % 60;
        if (random() % 5 == 0) disk->max_write = 1 + random() % 700;
        Life life(*disk, random);
        std::string problem = life.start();
        ASSERT_EQ(problem, "") << "crash " << crash << "\n" << disk->contents(kPath);
        ASSERT_NE(std::find(possible.begin(), possible.end(), life.kept()), possible.end())
            << "crash " << crash << ": " << life.kept().size() << " numbers, acknowledged "
            << possible[0].size();
        if (life.kept() != possible[0]) ++advanced;
        life.live(next);
        possible = life.possible();
        compactions += life.compactions();
        disk = disk->after_crash(random);
        ASSERT_LE(disk->files(), 2u);  // the file, and what was to replace it
    }
    EXPECT_GT(next, crash / 3);
    EXPECT_GT(compactions, crash / 30);
    EXPECT_GT(advanced, crash / 30);  // some unacknowledged ones were whole: the disk does lose parts
}

TEST(LogCrash, ACreatedDatabaseIsThereOrNot) {
    std::mt19937 random(1);
    auto schema = DatabaseSchema::parse(kSchema);
    for (uint64_t step = 0; step < 10; ++step) {
        for (int round = 0; round < 20; ++round) {
            FaultyDisk disk;
            disk.crash_at = step;
            bool created = LogFile::create(kPath, **schema, disk).ok() && !disk.crashed();
            auto after = disk.after_crash(random);
            auto opened = LogFile::open(kPath, LogFile::Mode::kReadWrite, *after);
            EXPECT_TRUE(!created || opened) << step << ": " << opened.message();
        }
        FaultyDisk disk;
        disk.fail_at = step;
        disk.fail_until = step + 1;
        bool created = LogFile::create(kPath, **schema, disk).ok();
        EXPECT_EQ(disk.exists(kPath), created) << step;
    }
}

TEST(LogCrash, AFullDiskLosesNothingAndGoesOnWhenThereIsRoom) {
    FaultyDisk disk;
    auto schema = DatabaseSchema::parse(kSchema);
    ASSERT_TRUE(LogFile::create(kPath, **schema, disk));
    auto opened = LogFile::open(kPath, LogFile::Mode::kReadWrite, disk);
    ASSERT_TRUE(opened);
    const std::string record = frame_record("{\"_date\":1,\"_comment\":\"" + std::string(600, 'x') + "\"}");
    ASSERT_FALSE(opened->log->append(record));
    const std::string before = disk.contents(kPath);
    disk.capacity = before.size() + 100;
    auto failure = opened->log->append(record);
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->message(), "/t.db: write failed (No space left on device)");
    EXPECT_EQ(disk.contents(kPath), before);
    EXPECT_FALSE(opened->log->replace_by(*opened->database, "compacted"));
    EXPECT_EQ(disk.files(), 1u);
    disk.capacity = before.size() + 3000;
    EXPECT_FALSE(opened->log->append(record));
    EXPECT_EQ(disk.contents(kPath), before + record);
}

TEST(LogCrash, NothingIsWrittenBehindWhatCouldNotBeCutOff) {
    FaultyDisk disk;
    auto schema = DatabaseSchema::parse(kSchema);
    ASSERT_TRUE(LogFile::create(kPath, **schema, disk));
    auto opened = LogFile::open(kPath, LogFile::Mode::kReadWrite, disk);
    ASSERT_TRUE(opened);
    const std::string before = disk.contents(kPath), record = frame_record("{\"_date\":1}");
    // The write succeeds, the sync fails, and so does cutting it off, twice.
    disk.fail_at = disk.steps() + 1;
    disk.fail_until = disk.fail_at + 4;
    EXPECT_TRUE(opened->log->append(record));
    EXPECT_EQ(disk.contents(kPath), before + record);
    auto failure = opened->log->append(record);
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->details, "/t.db: truncate failed");
    EXPECT_EQ(disk.contents(kPath), before + record);
    EXPECT_TRUE(opened->log->append(record));
    EXPECT_FALSE(opened->log->append(record));
    EXPECT_EQ(disk.contents(kPath), before + record);
}

}  // namespace
}  // namespace weft::ovsdb
