// Reference counts, weak sources and indexes kept step by step must be those that a fresh count finds.

#include "ovsdb/engine/transaction.h"

#include <gtest/gtest.h>

#include <random>

#include "json/text.h"
#include "ovsdb/engine/execute.h"

namespace weft::ovsdb {
namespace {

std::shared_ptr<const DatabaseSchema> test_schema() {
    auto schema = DatabaseSchema::parse(R"({"name":"t","tables":{
        "root":{"isRoot":true,"indexes":[["n"]],"maxRows":8,"columns":{"n":{"type":"integer"},
            "k":{"type":{"key":{"type":"uuid","refTable":"kid"},"min":0,"max":"unlimited"}},
            "w":{"type":{"key":"integer","value":{"type":"uuid","refTable":"kid","refType":"weak"},"min":0,"max":"unlimited"}}}},
        "kid":{"columns":{"n":{"type":"integer"},
            "p":{"type":{"key":{"type":"uuid","refTable":"kid"},"min":0}},
            "r":{"type":{"key":{"type":"uuid","refTable":"root","refType":"weak"},"min":0}}}}}})");
    EXPECT_TRUE(schema);
    return *schema;
}

void expect_consistent(const Database& database) {
    Database fresh(database.shared_schema());
    fresh.load_begin();
    for (const auto& table : database.tables()) {
        for (const Row* row : table->rows())
            fresh.load_row(fresh.table(table->schema().index), row->uuid, row->data);
    }
    fresh.load_finish();
    for (const auto& table : database.tables()) {
        const Table& other = fresh.table(table->schema().index);
        for (const Row* row : table->rows()) {
            EXPECT_EQ(row->strong_references, other.find(row->uuid)->strong_references);
            EXPECT_FALSE(row->pending);
            auto sources = [](const Table& t, const Uuid& uuid) {
                std::map<std::string, uint32_t> out;
                if (const auto* found = t.weak_sources(uuid)) {
                    for (const auto& [source, count] : *found) out[source.row->uuid.to_string()] = count;
                }
                return out;
            };
            EXPECT_EQ(sources(*table, row->uuid), sources(other, row->uuid));
            for (size_t i = 0; i < table->schema().indexes.size(); ++i) {
                EXPECT_EQ(table->find_in_index(i, *row->data), row);
            }
            bool counted = !database.schema().is_root(table->schema());
            EXPECT_TRUE(!counted || row->strong_references > 0);
        }
    }
}

TEST(Transaction, BookkeepingEqualsAFreshCount) {
    const unsigned seed = std::random_device()();
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    Database database(test_schema());
    Table &roots = *database.find_table("root"), &kids = *database.find_table("kid");
    auto pick = [&](const Table& table) {
        if (!table.size() || random() % 8 == 0) return Uuid::random();
        auto it = table.rows().begin();
        std::advance(it, random() % table.size());
        return (*it)->uuid;
    };
    int committed = 0;
    for (int round = 0; round < 3000; ++round) {
        ChangeSet changes;
        {
            Transaction transaction(database);
            std::vector<Uuid> new_kids;
            auto kid = [&] {
                return !new_kids.empty() && random() % 2 ? new_kids[random() % new_kids.size()] : pick(kids);
            };
            for (unsigned steps = 1 + random() % 4; steps--;) {
                switch (random() % 6) {
                    case 0:
                    case 1: {
                        new_kids.push_back(Uuid::random());
                        RowData& row = transaction.insert(kids, new_kids.back());
                        if (random() % 3 == 0) row[1] = Datum::of(kid());
                        if (random() % 3 == 0) row[2] = Datum::of(pick(roots));
                        break;
                    }
                    case 2: {
                        RowData& row = transaction.insert(roots, Uuid::random());
                        row[1] = Datum::of(static_cast<int64_t>(random() % 10));
                        row[0] = Datum::of_uuids({kid(), kid()});
                        break;
                    }
                    case 3:
                        if (RowData* row = transaction.modify(roots, pick(roots))) {
                            (*row)[0] = Datum::of_uuids({kid()});
                            (*row)[1] = Datum::of(static_cast<int64_t>(random() % 10));
                            Uuid target = kid();
                            DatumBuilder map(AtomType::kInteger, AtomType::kUuid);
                            map.add(int64_t{1}, target);
                            map.add(int64_t{2}, target);
                            (*row)[2] = map.finish();
                        }
                        break;
                    case 4:
                        transaction.erase(roots, pick(roots));
                        break;
                    case 5:
                        transaction.erase(kids, pick(kids));
                        break;
                }
            }
            auto result = transaction.commit();
            if (result) {
                changes = *std::move(result);
                ++committed;
            }
        }
        if (random() % 7 == 0 && !changes.empty()) database.revert(changes);
        if (round % 10 == 0) expect_consistent(database);
        if (testing::Test::HasFailure()) return;
    }
    EXPECT_GT(committed, 300);
}

TEST(Execute, AValueMayMoveBetweenRowsOfAnIndex) {
    Database database(test_schema());
    auto run = [&](std::string_view text) {
        return execute(database, *json::parse(text)->as_array(), 0, {}).reply;
    };
    run(R"([{"op":"insert","table":"root","row":{"n":1}},{"op":"insert","table":"root","row":{"n":2}}])");
    EXPECT_EQ(run(R"([{"op":"update","table":"root","where":[["n","==",1]],"row":{"n":3}},
                      {"op":"update","table":"root","where":[["n","==",2]],"row":{"n":1}},
                      {"op":"update","table":"root","where":[["n","==",3]],"row":{"n":2}}])"),
              R"([{"count":1},{"count":1},{"count":1}])");
    EXPECT_NE(run(R"([{"op":"insert","table":"root","row":{"n":2}}])").find("identical values (2)"),
              std::string::npos);
    expect_consistent(database);
}

// A rehearsal says what a client would be told, and leaves everything as it is.
TEST(Execute, ARehearsalChangesNothing) {
    Database database(test_schema());
    auto operations =
        json::parse(R"([{"op":"wait","table":"root","where":[],"columns":["n"],"until":"==","rows":[{"n":5}]},
                                      {"op":"insert","table":"root","row":{"n":1}},{"op":"delete","table":"root","where":[]}])");
    ExecuteContext context;
    context.rehearse = true;
    ExecuteResult result = execute(database, *operations->as_array(), 0, context);
    EXPECT_FALSE(result.waiting);
    EXPECT_FALSE(result.failed) << result.reply;
    EXPECT_TRUE(result.changes.empty());
    EXPECT_EQ(database.rows(), 0u);
    context.read_only = "today";
    result = execute(database, *operations->as_array(), 0, context);
    EXPECT_TRUE(result.failed);
    EXPECT_NE(result.reply.find("insert operation not allowed today"), std::string::npos) << result.reply;
}

}  // namespace
}  // namespace weft::ovsdb
