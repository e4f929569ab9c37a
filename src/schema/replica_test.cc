// The typed replica on generated rows: what the protocol asks and applies, the record of changes,
// transactions.

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "json/text.h"
#include "json/view.h"
#include "ovsdb/client/protocol.h"
#include "schema/nb.h"

namespace weft::schema {
namespace {

namespace client = ovsdb::client;
using client::Protocol;
using client::Store;
using Message = decltype(std::declval<Protocol>().take_messages())::value_type;
using Switch = nb::LogicalSwitch;

constexpr const char* kA = "00000000-0000-4000-8000-00000000000a";
constexpr const char* kB = "00000000-0000-4000-8000-00000000000b";

json::Value parsed(std::string_view text) {
    Result<json::Value> value = json::parse(text);
    EXPECT_TRUE(value) << text << ": " << value.message();
    return *value;
}

Uuid uuid(const char* text) {
    return *Uuid::parse(text);
}

class ReplicaTest : public testing::Test {
  protected:
    void connect() {
        protocol.connected();
        take();
        answer("monitor_cond",
               R"({"Database":{"x":{"initial":{"name":"OVN_Northbound","connected":true,"leader":true}}}})");
    }
    // Fetches what the protocol wants to send.
    void take() {
        for (Message& message : protocol.take_messages()) sent[message.method] = std::move(message);
    }
    std::string params(const char* method) {
        const Message& message = sent.at(method);
        if (message.params_text.empty()) return json::to_text(message.params);
        return json::to_text(parsed(message.params_text));
    }
    void answer(const char* method, std::string_view result) {
        protocol.received(Message::reply(parsed(result), sent.at(method).id));
        take();
    }
    void refuse(const char* method, std::string_view error) {
        protocol.received(Message::failure(parsed(error), sent.at(method).id));
        take();
    }
    void notify(const char* method, std::string_view params) {
        protocol.received(Message::notification(method, parsed(params)));
        take();
    }
    client::TableStore& switches() { return store.table(Switch::table_info()); }
    const Switch* find(const char* id) { return static_cast<const Switch*>(switches().find(uuid(id))); }

    Store store{nb::database(), true};
    Protocol protocol{store, {.leader_only = true, .optimistic = true}};
    std::map<std::string, Message> sent;
};

TEST_F(ReplicaTest, FollowsByMonitorCondSince) {
    protocol.monitor(Switch::table_info(), client::ColumnSet::all());
    connect();
    EXPECT_NE(params("monitor_cond_since").find("00000000-0000-0000-0000-000000000000"), std::string::npos);
    answer("monitor_cond_since",
           std::string(R"([false,"11111111-1111-4111-8111-111111111111",{"Logical_Switch":{")") + kA +
               R"(":{"initial":{"name":"s","ports":["set",[["uuid",")" + kB + R"("]]]}}}}])");
    ASSERT_TRUE(find(kA));
    EXPECT_EQ(find(kA)->name, "s");
    EXPECT_TRUE(find(kA)->ports.contains(uuid(kB)));
    EXPECT_TRUE(protocol.ready() && protocol.synced());

    // A difference toggles set elements and map pairs and replaces scalars.
    store.clear_changes();
    const Switch* kept = find(kA);
    notify("update3",
           std::string(
               R"([["monid","OVN_Northbound"],"22222222-2222-4222-8222-222222222222",{"Logical_Switch":{")") +
               kA + R"(":{"modify":{"name":"t","ports":["uuid",")" + kB +
               R"("],"other_config":["map",[["k","v"]]]}}}}])");
    EXPECT_EQ(find(kA), kept) << "rows keep their place";
    EXPECT_EQ(kept->name, "t");
    EXPECT_TRUE(kept->ports.empty());
    ASSERT_EQ(switches().changes().size(), 1u);
    const client::RowChange& change = switches().changes().begin()->second;
    EXPECT_EQ(static_cast<const Switch*>(change.before)->name, "s");
    EXPECT_TRUE(change.columns.has(Switch::kName) && change.columns.has(Switch::kPorts));
    EXPECT_FALSE(change.columns.has(Switch::kAcls));

    // After a reconnection only what is new is asked for, by the last transaction.
    protocol.disconnected();
    connect();
    EXPECT_NE(params("monitor_cond_since").find("22222222-2222-4222-8222-222222222222"), std::string::npos);
    // A server that does not know that transaction sends everything: equal rows report nothing.
    store.clear_changes();
    answer("monitor_cond_since",
           std::string(R"([false,"33333333-3333-4333-8333-333333333333",{"Logical_Switch":{")") + kA +
               R"(":{"initial":{"name":"t","other_config":["map",[["k","v"]]]}}}}])");
    EXPECT_TRUE(switches().changes().empty());
    EXPECT_EQ(find(kA), kept);
}

TEST_F(ReplicaTest, FallsBackToOlderMethods) {
    protocol.monitor(Switch::table_info(), client::ColumnSet::all());
    connect();
    refuse("monitor_cond_since", R"("unknown method")");
    sent.at("monitor_cond");
    refuse("monitor_cond", R"("unknown method")");
    answer("monitor", std::string(R"({"Logical_Switch":{")") + kA + R"(":{"new":{"name":"s"}}}})");
    EXPECT_EQ(find(kA)->name, "s");
    notify("update", std::string(R"([["monid","OVN_Northbound"],{"Logical_Switch":{")") + kA +
                         R"(":{"old":{"name":"s"},"new":{"name":"t"}}}}])");
    EXPECT_EQ(find(kA)->name, "t");
}

TEST_F(ReplicaTest, AsksForWhatTheServerHas) {
    protocol.monitor(Switch::table_info(), client::ColumnSet::all());
    connect();
    refuse("monitor_cond_since", R"({"error":"syntax error","details":"copp is not a valid column name"})");
    answer("get_schema",
           R"({"name":"OVN_Northbound","tables":{"Logical_Switch":{"columns":{"name":{"type":"string"}}}}})");
    EXPECT_NE(params("monitor_cond_since").find(R"({"columns":["name"]})"), std::string::npos)
        << params("monitor_cond_since");
    EXPECT_TRUE(protocol.server_has(Switch::table_info(), Switch::kName.index));
    EXPECT_FALSE(protocol.server_has(Switch::table_info(), Switch::kCopp.index));
    EXPECT_FALSE(protocol.server_has(nb::LogicalRouter::table_info()));
}

TEST_F(ReplicaTest, LeavesFollowersOfAClusterAlone) {
    protocol.connected();
    take();
    answer(
        "monitor_cond",
        R"({"Database":{"x":{"initial":{"name":"OVN_Northbound","model":"clustered","connected":true,"leader":false}}}})");
    EXPECT_TRUE(protocol.take_reconnect());
}

TEST_F(ReplicaTest, CommitsAndTellsWhatBecameOfIt) {
    protocol.monitor(Switch::table_info(), client::ColumnSet::all());
    connect();
    answer("monitor_cond_since", std::string(R"([false,"0",{"Logical_Switch":{")") + kA +
                                     R"(":{"initial":{"name":"s","other_config":["map",[["k","v"]]]}}}}])");
    client::Transaction txn(store);
    Uuid port = txn.insert<nb::LogicalSwitchPort>();
    txn.set(port, nb::LogicalSwitchPort::kName, "lp");
    txn.add(uuid(kA), Switch::kPorts, port);
    txn.set_key(uuid(kA), Switch::kOtherConfig, "k", "w");
    txn.set(uuid(kA), Switch::kName, "s");  // as it is: not sent
    EXPECT_EQ(txn.row<Switch>(uuid(kA))->other_config, (ovsdb::StringMap{{"k", "w"}}));
    EXPECT_TRUE(find(kA)->ports.empty()) << "the replica waits for the server";
    client::CommitOutcome outcome;
    protocol.commit(std::move(txn), [&](const client::CommitOutcome& o) { outcome = o; });
    take();
    std::string request = params("transact");
    EXPECT_NE(request.find(R"(["ports","insert",["named-uuid","row)"), std::string::npos) << request;
    EXPECT_NE(request.find(
                  R"(["other_config","delete",["set",["k"]]],["other_config","insert",["map",[["k","w"]]]])"),
              std::string::npos)
        << request;
    EXPECT_EQ(request.find(R"("update")"), std::string::npos) << request;
    answer("transact", std::string(R"([{"uuid":["uuid",")") + kB + R"("]},{"count":1}])");
    for (Protocol::Finished& finished : protocol.take_finished()) finished.done(finished.outcome);
    EXPECT_EQ(outcome.status, client::CommitStatus::kSuccess);
    EXPECT_EQ(outcome.real(port), uuid(kB));
}

TEST_F(ReplicaTest, EveryOperationIsWritten) {
    connect();
    answer("monitor_cond_since", std::string(R"([false,"0",{"NB_Global":{")") + kA +
                                     R"(":{"initial":{"nb_cfg":1}}},"Logical_Switch":{")" + kB +
                                     R"(":{"initial":{"name":"s"}}}}])");
    protocol.set_lock("l\"ock");
    take();
    answer("lock", R"({"locked":true})");
    client::Transaction txn(store);
    txn.insert_as<nb::LogicalSwitch>(uuid("00000000-0000-4000-8000-00000000000c"));
    txn.erase<Switch>(uuid(kB));
    txn.increment(uuid(kA), nb::NBGlobal::kNbCfg);
    txn.comment("a\nb");
    client::CommitOutcome outcome;
    protocol.commit(std::move(txn), [&](const client::CommitOutcome& o) { outcome = o; });
    take();
    EXPECT_EQ(
        params("transact"),
        R"(["OVN_Northbound",{"op":"assert","lock":"l\"ock"},{"op":"insert","table":"Logical_Switch",)"
        R"("uuid-name":"row00000000_0000_4000_8000_00000000000c","uuid":"00000000-0000-4000-8000-00000000000c","row":{}},)"
        R"({"op":"delete","table":"Logical_Switch","where":[["_uuid","==",["uuid","00000000-0000-4000-8000-00000000000b"]]]},)"
        R"({"op":"mutate","table":"NB_Global","where":[["_uuid","==",["uuid","00000000-0000-4000-8000-00000000000a"]]],)"
        R"("mutations":[["nb_cfg","+=",1]]},)"
        R"({"op":"select","table":"NB_Global","where":[["_uuid","==",["uuid","00000000-0000-4000-8000-00000000000a"]]],)"
        R"("columns":["nb_cfg"]},{"op":"comment","comment":"a\nb"}])");
    answer("transact",
           std::string(R"([{},{"uuid":["uuid","00000000-0000-4000-8000-00000000000c"]},{"count":1},)") +
               R"({"count":1},{"rows":[{"nb_cfg":2}]},{}])");
    for (Protocol::Finished& finished : protocol.take_finished()) finished.done(finished.outcome);
    EXPECT_EQ(outcome.status, client::CommitStatus::kSuccess);
    EXPECT_EQ(outcome.incremented, 2);
}

TEST_F(ReplicaTest, VerifyMakesTheServerCompare) {
    connect();
    answer("monitor_cond_since",
           std::string(R"([false,"0",{"Logical_Switch":{")") + kA + R"(":{"initial":{"name":"s"}}}}])");
    client::Transaction txn(store);
    txn.verify(uuid(kA), Switch::kName);
    txn.set(uuid(kA), Switch::kName, "t");
    client::CommitOutcome outcome;
    protocol.commit(std::move(txn), [&](const client::CommitOutcome& o) { outcome = o; });
    take();
    EXPECT_NE(params("transact").find(R"("until":"==","rows":[{"name":"s"}])"), std::string::npos)
        << params("transact");
    answer("transact", R"([{"error":"timed out"},null])");
    for (Protocol::Finished& finished : protocol.take_finished()) finished.done(finished.outcome);
    EXPECT_EQ(outcome.status, client::CommitStatus::kTryAgain);
}

TEST_F(ReplicaTest, ConditionsChangeWhileConnected) {
    protocol.monitor(Switch::table_info(), client::ColumnSet::all());
    client::Condition none;
    protocol.set_condition(Switch::table_info(), none);
    connect();
    EXPECT_NE(params("monitor_cond_since").find(R"("where":[false])"), std::string::npos);
    answer("monitor_cond_since", R"([false,"0",{}])");
    client::Condition named;
    named.equals(Switch::kName, std::string("s"));
    uint64_t wanted = protocol.set_condition(Switch::table_info(), named);
    take();
    EXPECT_NE(params("monitor_cond_change").find(R"(["name","==","s"])"), std::string::npos);
    EXPECT_LT(protocol.condition_sequence(), wanted);
    answer("monitor_cond_change", "{}");
    EXPECT_EQ(protocol.condition_sequence(), wanted);
}

TEST_F(ReplicaTest, LocksAreAskedForAgain) {
    protocol.set_lock("l");
    connect();
    answer("lock", R"({"locked":false})");
    EXPECT_TRUE(protocol.lock_contended());
    notify("locked", R"(["l"])");
    EXPECT_TRUE(protocol.has_lock());
    protocol.disconnected();
    EXPECT_FALSE(protocol.has_lock());
    sent.clear();
    connect();
    EXPECT_TRUE(sent.contains("lock"));
}

// A column's value is written as a document and as text: the same.
TEST(Codecs, TextIsThatOfTheDocument) {
    const std::string id_a = std::string(R"(["uuid",")") + kA + R"("])",
                      id_b = std::string(R"(["uuid",")") + kB + R"("])";
    const std::string samples[] = {"1",
                                   "-9223372036854775808",
                                   "2.5",
                                   "true",
                                   R"("a\"b\n")",
                                   R"(["set",[]])",
                                   R"(["set",[1,2]])",
                                   R"(["set",[0.5,2.5]])",
                                   R"(["set",["x","y"]])",
                                   R"(["map",[]])",
                                   R"(["map",[["k","v"],["l",""]]])",
                                   R"(["map",[["k",7]]])",
                                   R"(["map",[[1,2],[3,4]]])",
                                   id_a,
                                   R"(["set",[)" + id_a + "," + id_b + "]]",
                                   R"(["map",[[1,)" + id_a + "]]]",
                                   R"(["map",[["k",)" + id_a + "]]]"};
    struct Names : client::RowNames {
        std::string name_of(const Uuid& uuid) const override {
            return uuid == weft::schema::uuid(kA) ? "row_a" : "";
        }
    } names;
    json::ViewReader views;
    size_t written = 0;
    for (const client::TableInfo* table : nb::database().tables) {
        for (const client::ColumnInfo& column : table->columns) {
            void* row = table->create();
            void* field = field_of(row, column);
            for (const std::string& sample : samples) {
                if (!column.codec->from_json(*views.read(sample), field)) continue;
                for (const client::RowNames* each : {static_cast<const client::RowNames*>(nullptr),
                                                     static_cast<const client::RowNames*>(&names)}) {
                    std::string text;
                    column.codec->append_text(text, field, each);
                    EXPECT_EQ(text, json::to_text(column.codec->to_json(field, each)))
                        << table->name << " " << column.name;
                    ++written;
                }
            }
            table->destroy(row);
        }
    }
    EXPECT_GT(written, 900u);
}

// Random histories: whatever happened between two looks, `before` plus the changes is what is there.
TEST(Changes, ArePreciselyTheDifference) {
    unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    client::TableStore table(Switch::table_info(), true);
    table.add_index(Switch::kName.index);
    std::map<Uuid, std::string> seen, now;
    std::map<Uuid, const void*> places;
    for (int step = 0; step < 20000; step++) {
        Uuid id;
        id.bytes[15] = static_cast<uint8_t>(random() % 8);
        std::string name(1, static_cast<char>('a' + random() % 3));
        if (!now.contains(id)) {
            auto* row = new Switch;
            row->uuid = id;
            row->name = name;
            table.insert(row);
            now[id] = name;
        } else if (random() % 2) {
            table.erase(id);
            now.erase(id);
        } else {
            auto* row = static_cast<Switch*>(table.begin_modify(id));
            row->name = now[id] = name;
            client::ColumnSet touched;
            touched.add(Switch::kName.index);
            table.end_modify(row, touched);
        }
        if (random() % 5) continue;
        std::map<Uuid, std::string> built = seen;
        for (const auto& [changed, change] : table.changes()) {
            auto* before = static_cast<const Switch*>(change.before);
            auto* after = static_cast<const Switch*>(change.after);
            ASSERT_EQ(before ? before->name : "", seen.contains(changed) ? seen[changed] : "");
            ASSERT_TRUE(!before || !after || before->name != after->name)
                << "nothing is reported for equal rows";
            if (after) {
                built[changed] = after->name;
            } else {
                built.erase(changed);
            }
        }
        ASSERT_EQ(built, now);
        for (const auto& [kept, place] : places) {
            if (now.contains(kept)) {
                ASSERT_EQ(table.find(kept), place) << "rows keep their place";
            }
        }
        table.clear_changes();
        places.clear();
        for (const auto& [kept, row] : table.rows()) places[kept] = row;
        seen = now;
    }
}

// Keeps rows by their names, except for one called "c", of which it says that it cannot.
class NameKeeper : public client::RowKeeper {
  public:
    bool keep(const void* row) override {
        auto& given = *static_cast<const Switch*>(row);
        EXPECT_FALSE(names.contains(given.uuid));
        if (given.name == "c") return false;
        names[given.uuid] = given.name;
        return true;
    }
    void* take_back(const Uuid& id) override {
        auto found = names.find(id);
        if (found == names.end()) return nullptr;
        auto* row = new Switch;
        row->uuid = id;
        row->name = found->second;
        names.erase(found);
        return row;
    }
    void for_each_kept(const std::function<void(const Uuid&)>& f) const override {
        for (const auto& [id, name] : names) f(id);
    }

    std::map<Uuid, std::string> names;
};

// The same with a keeper: nobody can tell that most rows are not there.
TEST(Changes, ArePreciseWithAKeeper) {
    unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    NameKeeper keeper;
    client::TableStore table(Switch::table_info(), true);
    table.set_keeper(&keeper);
    std::map<Uuid, std::string> seen, now;
    for (int step = 0; step < 20000; step++) {
        Uuid id;
        id.bytes[15] = static_cast<uint8_t>(random() % 8);
        std::string name(1, static_cast<char>('a' + random() % 3));
        if (random() % 3 == 0) {
            auto* row = static_cast<const Switch*>(table.find(id));
            ASSERT_EQ(row ? row->name : "", now.contains(id) ? now[id] : "");
        } else if (!now.contains(id)) {
            auto* row = new Switch;
            row->uuid = id;
            row->name = name;
            table.insert(row);
            now[id] = name;
        } else if (random() % 2) {
            table.erase(id);
            now.erase(id);
        } else {
            auto* row = static_cast<Switch*>(table.begin_modify(id));
            ASSERT_EQ(row->name, now[id]);
            row->name = now[id] = name;
            client::ColumnSet touched;
            touched.add(Switch::kName.index);
            table.end_modify(row, touched);
        }
        if (random() % 5) continue;
        std::map<Uuid, std::string> built = seen;
        for (const auto& [changed, change] : table.changes()) {
            auto* before = static_cast<const Switch*>(change.before);
            auto* after = static_cast<const Switch*>(change.after);
            ASSERT_EQ(before ? before->name : "", seen.contains(changed) ? seen[changed] : "");
            if (after) {
                built[changed] = after->name;
            } else {
                built.erase(changed);
            }
        }
        ASSERT_EQ(built, now);
        table.clear_changes();
        for (const auto& [here, row] : table.rows())
            ASSERT_EQ(static_cast<const Switch*>(row)->name, "c") << "others are with the keeper";
        std::map<Uuid, int> walked;
        table.for_each_uuid([&](const Uuid& each) { ++walked[each]; });
        ASSERT_EQ(walked.size(), now.size());
        seen = now;
    }
    table.set_keeper(nullptr);
}

}  // namespace
}  // namespace weft::schema
