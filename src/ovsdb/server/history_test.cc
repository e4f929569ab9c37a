#include "ovsdb/server/history.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "ovsdb/engine/database.h"
#include "ovsdb/engine/transaction.h"

namespace weft::ovsdb {
namespace {

std::shared_ptr<const DatabaseSchema> schema() {
    auto parsed = DatabaseSchema::parse(
        R"({"name": "d", "version": "1.0.0", "tables": {
            "A": {"columns": {"n": {"type": "integer"}}}, "B": {"columns": {"n": {"type": "integer"}}}}})");
    EXPECT_TRUE(parsed);
    return *parsed;
}

using Contents = std::map<std::pair<std::string, Uuid>, int64_t>;

// A database with its history, and what it held after each transaction.
class World {
  public:
    explicit World(uint32_t seed) : random_(seed) { history_.reset(Uuid::random()); }

    void step() {
        Transaction transaction(database_);
        for (unsigned i = 0, n = random_() % 4 + 1; i < n; ++i) {
            Table& table = *database_.find_table(random_() % 2 ? "A" : "B");
            Uuid uuid{};
            uuid.bytes[0] = static_cast<uint8_t>(random_() % 40 + 1);
            int64_t value = static_cast<int64_t>(random_() % 3);
            if (!transaction.find(table, uuid)) {
                if (transaction.may_insert(table, uuid))
                    transaction.insert(table, uuid)[0] = Datum::of(value);
            } else if (random_() % 3) {
                (*transaction.modify(table, uuid))[0] = Datum::of(value);
            } else {
                transaction.erase(table, uuid);
            }
        }
        auto changes = transaction.commit();
        ASSERT_TRUE(changes);
        if (changes->empty()) return;
        history_.add(std::make_shared<const ChangeSet>(*std::move(changes)), 0);
    }
    Contents contents() const {
        Contents out;
        for (const auto& table : database_.tables()) {
            for (const Row* row : table->rows())
                out[{table->schema().name, row->uuid}] = (*row->data)[0].integer();
        }
        return out;
    }
    History& history() { return history_; }
    std::mt19937& random() { return random_; }

    // `changes` leads from `before` to what there is now, and says what each row was.
    void expect_leads_here(Contents before, const ChangeSet& changes) {
        for (const TableChange& table : changes.tables) {
            for (const RowChange& change : table.rows) {
                auto key = std::pair(table.table->name, change.uuid);
                auto it = before.find(key);
                ASSERT_EQ(it != before.end(), static_cast<bool>(change.before));
                if (change.before) {
                    ASSERT_EQ(it->second, (*change.before)[0].integer());
                }
                if (change.after) {
                    before[key] = (*change.after)[0].integer();
                } else {
                    ASSERT_TRUE(change.before) << "a row that came and went";
                    before.erase(it);
                }
            }
        }
        EXPECT_EQ(before, contents());
    }

  private:
    std::mt19937 random_;
    std::shared_ptr<const DatabaseSchema> schema_ = schema();
    Database database_{schema_};
    History history_;
};

// Marks are taken, asked and given up at random, far beyond the limits of the history.
TEST(History, MarksKnowAllThatHappenedSince) {
    for (uint32_t seed : {1u, 2u, 3u}) {
        World world(seed);
        std::map<History::Mark, Contents> marks;
        for (int i = 0; i < 6000; ++i) {
            Contents before = world.contents();
            Uuid last = world.history().last();
            world.step();
            if (world.history().last() == last) continue;
            auto chance = [&](unsigned one_in) { return world.random()() % one_in == 0; };
            if (chance(300) && marks.size() < 6) {
                History::Mark mark = world.history().mark_before_last();
                marks.try_emplace(mark, before);
            }
            if (!marks.empty() && chance(60)) {
                auto it = std::next(marks.begin(), static_cast<long>(world.random()() % marks.size()));
                world.expect_leads_here(it->second, *world.history().since(it->first));
                if (HasFatalFailure()) return;
            }
            if (!marks.empty() && chance(900)) {
                auto it = std::next(marks.begin(), static_cast<long>(world.random()() % marks.size()));
                world.history().unmark(it->first);
                marks.erase(it);
            }
            // At most 80 rows can be there, so no stretch between two marks is longer than twice that.
            ASSERT_LE(world.history().merged_rows(), 160 * marks.size());
        }
        for (const auto& [mark, contents] : marks) {
            world.expect_leads_here(contents, *world.history().since(mark));
            world.history().unmark(mark);
        }
        EXPECT_FALSE(world.history().any_marks());
        EXPECT_EQ(world.history().merged_rows(), 0u);
    }
}

TEST(History, TransactionsAreKnownAsFarBackAsTheLimits) {
    World world(4);
    std::vector<std::pair<Uuid, Contents>> past;
    while (past.size() < 3000) {
        Uuid last = world.history().last();
        Contents before = world.contents();
        world.step();
        if (!(world.history().last() == last)) past.emplace_back(last, before);
    }
    int known = 0;
    for (const auto& [id, contents] : past) {
        auto changes = world.history().since(id);
        if (!changes) {
            EXPECT_EQ(known, 0) << "a hole";
            continue;
        }
        ++known;
        if (known % 50 == 1) world.expect_leads_here(contents, *changes);
    }
    EXPECT_GT(known, 300);
    EXPECT_LE(known, 1000);
    EXPECT_EQ(world.history().since(Uuid::random()), nullptr);
}

// A transaction greater than the limits is still the last one.
TEST(History, OneGreatTransaction) {
    std::shared_ptr<const DatabaseSchema> s = schema();
    Database database(s);
    History history;
    history.reset(Uuid::random());
    Uuid before = history.last();
    Transaction transaction(database);
    for (int i = 0; i < 5000; ++i) transaction.insert(*database.find_table("A"), Uuid::random());
    history.add(std::make_shared<const ChangeSet>(*transaction.commit()), 0);
    History::Mark mark = history.mark_before_last();
    EXPECT_EQ(history.since(mark)->tables.at(0).rows.size(), 5000u);
    EXPECT_EQ(history.since(before)->tables.at(0).rows.size(), 5000u);
    history.unmark(mark);
}

}  // namespace
}  // namespace weft::ovsdb
