// A snapshot is what the database was when it was taken, whatever happens meanwhile.

#include "ovsdb/engine/snapshot.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "ovsdb/engine/transaction.h"

namespace weft::ovsdb {
namespace {

using Contents = std::map<std::pair<std::string, std::string>, int64_t>;

Contents contents(const Database& database) {
    Contents out;
    for (const auto& table : database.tables()) {
        for (const Row* row : table->rows())
            out[{table->schema().name, row->uuid.to_string()}] = (*row->data)[0].integer();
    }
    return out;
}

TEST(Snapshot, HoldsEveryRowOnceAsItWas) {
    const unsigned seed = std::random_device()();
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    auto schema = DatabaseSchema::parse(R"({"name":"t","tables":{
        "a":{"isRoot":true,"indexes":[["n"]],"columns":{"n":{"type":"integer"}}},
        "b":{"isRoot":true,"columns":{"n":{"type":"integer"}}},
        "c":{"isRoot":true,"columns":{"n":{"type":"integer"}}}}})");
    ASSERT_TRUE(schema);
    Database database(*schema);
    int64_t next = 0;
    std::vector<ChangeSet> done;
    auto change = [&] {
        Transaction transaction(database);
        for (unsigned steps = 1 + random() % 3; steps--;) {
            Table& table = database.table(static_cast<int>(random() % 3));
            Uuid uuid = Uuid::random();
            if (table.size() && random() % 3) {
                auto it = table.rows().begin();
                std::advance(it, random() % table.size());
                uuid = (*it)->uuid;
            }
            if (!table.find(uuid)) {
                transaction.insert(table, uuid)[0] = Datum::of(next++);
            } else if (random() % 2) {
                transaction.erase(table, uuid);
            } else if (RowData* row = transaction.modify(table, uuid)) {
                (*row)[0] = Datum::of(next++);
            }
        }
        auto changes = transaction.commit();
        ASSERT_TRUE(changes) << changes.error().message;
        if (!changes->empty()) done.push_back(*std::move(changes));
    };
    for (int round = 0; round < 300; ++round) {
        for (unsigned i = random() % 20; i--;) change();
        const Contents expected = contents(database);
        Snapshot snapshot(database);
        Contents seen;
        Snapshot::Piece piece;
        std::string last_table;
        size_t max = 1 + random() % 5;
        bool unfinished = random() % 4 == 0;
        while (!(unfinished && random() % 10 == 0) && snapshot.next(max, piece)) {
            EXPECT_LE(piece.rows.size(), max);
            EXPECT_LE(last_table, piece.table->name);  // pieces of a table follow each other
            last_table = piece.table->name;
            for (const auto& [uuid, data] : piece.rows) {
                bool fresh =
                    seen.emplace(std::pair(piece.table->name, uuid.to_string()), (*data)[0].integer()).second;
                EXPECT_TRUE(fresh);
            }
            for (unsigned i = random() % 3; i--;) change();
            if (random() % 5 == 0 && !done.empty()) {
                database.revert(done.back());
                done.pop_back();
            }
        }
        if (!unfinished) {
            EXPECT_EQ(seen, expected);
        }
        if (testing::Test::HasFailure()) return;
        done.clear();
    }
}

}  // namespace
}  // namespace weft::ovsdb
