#include "ovsdb/server/server.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "json/text.h"
#include "ovsdb/storage/record.h"

namespace weft::ovsdb {
namespace {

// A disk that takes what it is given when the test says so.
class PatientStorage final : public Storage {
  public:
    void keep_all() { progress_.kept = appended_; }

    Position append(const ChangeSet& changes) override {
        bytes_ += transaction_record(changes, true, 0).size();
        return ++appended_;
    }
    Position appended() const override { return appended_; }
    uint64_t appended_bytes() const override { return bytes_; }
    StorageProgress progress() const override { return progress_; }
    void resume() override {}
    void wait() override { keep_all(); }
    void compact(Database&, std::string, CompactDone done) override { done(Error{"not here"}); }
    bool advance() override { return false; }
    bool wants_compaction() const override { return false; }
    Result<void> replace(const Database&, std::string_view) override { return Error{"not here"}; }
    StorageStatus status() const override { return {}; }
    std::string name() const override { return "patient"; }
    uint64_t size() const override { return bytes_; }
    uint64_t backlog() const override { return 0; }
    std::string condition() const override { return "ok"; }

  private:
    Position appended_ = 0;
    uint64_t bytes_ = 0;
    StorageProgress progress_;
};

// A client at the other end of a stream, which reads when it is told to.
class Client {
  public:
    Client(Server& server, net::Loop& loop, SessionOptions options = {}) : loop_(loop) {
        auto [theirs, ours] = net::stream_pair(loop);
        stream_ = std::move(ours);
        stream_->set_on_ready([this] { ready_ = true; });
        id_ = server.accept(std::move(theirs), std::move(options));
    }
    void send(std::string_view method, std::string_view params) {
        send_soon(method, params);
        for (int i = 0; i < 3; ++i) loop_.run_once(0);
    }
    // With what others send before the loop runs.
    void send_soon(std::string_view method, std::string_view params) {
        stream_->write(
            fmt::format("{{\"method\":\"{}\",\"params\":{},\"id\":{}}}", method, params, ++next_id_));
    }
    void write(std::string_view bytes) {
        stream_->write(bytes);
        for (int i = 0; i < 3; ++i) loop_.run_once(0);
    }
    // Everything that has come.
    std::vector<net::Message> read() {
        std::vector<net::Message> out;
        for (int idle = 0; idle < 3;) {
            std::string bytes;
            open_ = stream_->read(bytes);
            idle = bytes.empty() ? idle + 1 : 0;
            framer_.feed(bytes);
            std::string text;
            while (*framer_.next(text)) out.push_back(*net::Message::from_json(*json::parse(text)));
            for (int i = 0; i < 3; ++i) loop_.run_once(0);
        }
        return out;
    }
    bool open() {
        std::string bytes;
        return stream_->read(bytes);
    }
    SessionId id() const { return id_; }

  private:
    net::Loop& loop_;
    std::unique_ptr<net::Stream> stream_;
    SessionId id_ = 0;
    json::Framer framer_;
    int next_id_ = 0;
    bool ready_ = false, open_ = true;
};

class ServerTest : public testing::Test {
  protected:
    ServerTest() : server_(loop_) {
        auto schema = DatabaseSchema::parse(
            R"({"name": "db", "version": "1.0.0", "tables": {"T": {"isRoot": true, "columns": {
                "name": {"type": "string"}, "num": {"type": "integer"}}}}})");
        EXPECT_TRUE(schema);
        EXPECT_TRUE(server_.add_database(std::make_unique<Database>(*schema), nullptr));
        loop_.run_once(0);
    }
    void set(int row, int num, size_t bytes = 1) {
        server_.change(database(), [&](Transaction& transaction) {
            Table& table = *database().database().find_table("T");
            Uuid uuid{};
            uuid.bytes[0] = static_cast<uint8_t>(row + 1);
            RowData& data = transaction.find(table, uuid) ? *transaction.modify(table, uuid)
                                                          : transaction.insert(table, uuid);
            data[table.schema().find_column("name")->index] =
                Datum::of(std::string(bytes, 'x') + std::to_string(num));
            data[table.schema().find_column("num")->index] = Datum::of(int64_t{num});
        });
        loop_.run_once(0);
    }
    ServedDatabase& database() { return *server_.find_database("db"); }
    static void pass(int64_t ms) {
        if (!clock::stopped()) clock::stop();
        clock::warp(ms);
    }

    net::Loop loop_;
    Server server_;
};

// The last value of `num` that updates, of any version, tell of a row.
int64_t last_num(const std::vector<net::Message>& messages, const char* row) {
    int64_t num = -1;
    for (const net::Message& message : messages) {
        if (message.type != net::Message::Type::kNotification) continue;
        const json::Value* value = &message.params.as_array()->back();
        for (const char* name : {"T", row})
            value = value && value->as_object() ? value->as_object()->find(name) : nullptr;
        if (!value) continue;
        const json::Object& update = *value->as_object();
        const json::Value* columns = update.find("new");
        if (!columns) columns = &update.begin()->second;
        if (const json::Value* found = columns->as_object()->find("num")) num = *found->as_integer();
    }
    return num;
}

TEST_F(ServerTest, ManyClientsAreToldOfABurstInRounds) {
    pass(1000);  // from here on time stands still
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 100; ++i) {
        clients.push_back(std::make_unique<Client>(server_, loop_));
        clients.back()->send("monitor_cond", R"(["db","m",{"T":[{"columns":["name","num"]}]}])");
    }
    for (auto& client : clients) client->read();
    set(0, 1);
    for (auto& client : clients) EXPECT_EQ(client->read().size(), 1u) << "the first is told at once";
    set(0, 2);
    set(0, 3);
    EXPECT_EQ(clients[0]->read().size(), 0u);
    // A reply takes along what was decided before it.
    clients[1]->send("list_dbs", "[]");
    std::vector<net::Message> messages = clients[1]->read();
    ASSERT_EQ(messages.size(), 3u);
    EXPECT_EQ(messages[2].type, net::Message::Type::kReply);
    pass(FanOutPace::kMaxWaitMs);
    for (int i = 0; i < 3; ++i) loop_.run_once(0);
    for (size_t i = 0; i < clients.size(); ++i) {
        messages = clients[i]->read();
        EXPECT_EQ(messages.size(), i == 1 ? 0u : 2u) << i;
        if (i == 1) continue;
        EXPECT_EQ(last_num(messages, "01000000-0000-0000-0000-000000000000"), 3);
    }
}

std::string insertion(int num) {
    return fmt::format(R"(["db",{{"op":"insert","table":"T","row":{{"name":"n","num":{}}}}}])", num);
}

// What comes in one turn is told as one change, to those who wrote as well, and before their replies.
TEST_F(ServerTest, ATurnIsToldAsOneChange) {
    std::vector<std::unique_ptr<Client>> writers;
    Client idle(server_, loop_), old(server_, loop_);
    for (int i = 0; i < 3; ++i) writers.push_back(std::make_unique<Client>(server_, loop_));
    const char* since = R"(["db","m",{"T":[{"columns":["num"]}]},"00000000-0000-0000-0000-000000000000"])";
    for (auto& writer : writers) writer->send("monitor_cond_since", since);
    idle.send("monitor_cond_since", since);
    old.send("monitor", R"(["db","m",{"T":[{"columns":["num"]}]}])");
    for (auto& writer : writers) writer->read();
    idle.read();
    old.read();
    for (int i = 0; i < 3; ++i) writers[static_cast<size_t>(i)]->send_soon("transact", insertion(i));
    auto rows = [](const net::Message& update) {
        return update.params.as_array()->back().as_object()->find("T")->as_object()->size();
    };
    for (size_t i = 0; i < 3; ++i) {
        std::vector<net::Message> told = writers[i]->read();
        ASSERT_EQ(told.size(), 2u) << i;
        EXPECT_EQ(told[0].method, "update3");
        EXPECT_EQ(told[1].type, net::Message::Type::kReply);
    }
    std::vector<net::Message> of_idle = idle.read(), of_old = old.read();
    ASSERT_EQ(of_idle.size(), 1u);
    ASSERT_EQ(of_old.size(), 1u);
    EXPECT_EQ(rows(of_idle[0]), 3u);
    EXPECT_EQ(rows(of_old[0]), 3u);
    EXPECT_EQ((*of_idle[0].params.as_array())[1], json::Value(database().history().last().to_string()));
    EXPECT_FALSE(database().history().any_marks());
}

// Who does not wait for its replies hears of each transaction before its reply, and of no later one.
TEST_F(ServerTest, OneAfterTheOtherIsToldOneByOne) {
    Client one(server_, loop_);
    one.send("monitor", R"(["db","m",{"T":[{"columns":["num"]}]}])");
    one.read();
    for (int i = 0; i < 3; ++i) one.send_soon("transact", insertion(i));
    std::vector<net::Message> told = one.read();
    ASSERT_EQ(told.size(), 6u);
    for (size_t i = 0; i < 6; i += 2) {
        EXPECT_EQ(told[i].method, "update");
        EXPECT_EQ(told[i + 1].type, net::Message::Type::kReply);
    }
}

// A request takes its place among the transactions: what it sees is what was before it.
TEST_F(ServerTest, ARequestSeesWhatWasBeforeIt) {
    Client one(server_, loop_), other(server_, loop_);
    one.send("monitor", R"(["db","m",{"T":[{"columns":["num"]}]}])");
    one.read();
    one.send_soon("transact", insertion(1));
    one.send_soon("monitor", R"(["db","n",{"T":[{"columns":["num"]}]}])");
    one.send_soon("transact", insertion(2));
    std::vector<net::Message> told = one.read();
    ASSERT_EQ(told.size(), 6u);
    EXPECT_EQ(told[0].method, "update");
    EXPECT_EQ(told[1].type, net::Message::Type::kReply);
    EXPECT_EQ(told[2].result.as_object()->find("T")->as_object()->size(), 1u);
    EXPECT_EQ(told[3].method, "update");  // of both monitors
    EXPECT_EQ(told[4].method, "update");
    EXPECT_EQ(told[5].type, net::Message::Type::kReply);
}

TEST_F(ServerTest, WhoDoesNotReadIsToldTheSumOfWhatItMissed) {
    for (const char* method : {"monitor", "monitor_cond", "monitor_cond_since"}) {
        Client lazy(server_, loop_), eager(server_, loop_);
        std::string params = R"(["db","m",{"T":[{"columns":["name","num"]}]})";
        params +=
            method == std::string("monitor_cond_since") ? ",\"00000000-0000-0000-0000-000000000000\"]" : "]";
        lazy.send(method, params);
        eager.send(method, params);
        lazy.read();
        eager.read();
        size_t eager_updates = 0;
        for (int i = 0; i < 300; ++i) {
            set(i % 2, 1000 + i, 20000);
            eager_updates += eager.read().size();
        }
        EXPECT_EQ(eager_updates, 300u);
        // 6 MB were told to the one; the other costs little more than it takes to call it slow.
        EXPECT_LT(server_.find_session(lazy.id())->rpc->backlog(), kSlowBacklog + 100000);
        EXPECT_GT(server_.find_session(lazy.id())->rpc->backlog(), kSlowBacklog);
        EXPECT_TRUE(database().history().any_marks());
        std::vector<net::Message> told = lazy.read();
        EXPECT_GT(told.size(), 20u);
        EXPECT_LT(told.size(), 100u);
        EXPECT_EQ(last_num(told, "02000000-0000-0000-0000-000000000000"), 1299) << method;
        EXPECT_FALSE(database().history().any_marks());
        EXPECT_TRUE(server_.find_session(lazy.id()));
        // And from then on it is told as everybody is.
        set(0, 7);
        EXPECT_EQ(lazy.read().size(), 1u);
        EXPECT_EQ(eager.read().size(), 1u);
    }
}

// A client's own transaction is told to it before the reply, also if it was behind.
TEST_F(ServerTest, TheReplyComesAfterWhatWasMissed) {
    Client lazy(server_, loop_);
    lazy.send("monitor_cond", R"(["db","m",{"T":[{"columns":["name","num"]}]}])");
    lazy.read();
    for (int i = 0; i < 100; ++i) set(0, i, 20000);
    // Its requests are not read while it does not read.
    lazy.send("transact", R"(["db",{"op":"insert","table":"T","row":{"name":"mine","num":4711}}])");
    EXPECT_EQ(database().database().find_table("T")->size(), 1u);
    std::vector<net::Message> told = lazy.read();
    EXPECT_EQ(database().database().find_table("T")->size(), 2u);
    ASSERT_GE(told.size(), 3u);
    EXPECT_EQ(told.back().type, net::Message::Type::kReply);
    bool seen = false;
    for (const net::Message& message : told) {
        bool mine = message.type == net::Message::Type::kNotification &&
                    json::to_text(message.params).find("4711") != std::string::npos;
        seen = seen || mine;
    }
    EXPECT_TRUE(seen);
}

// Others are told as ever, and who has left takes its mark along.
TEST_F(ServerTest, SlowIsAClientNotADatabase) {
    Client lazy(server_, loop_);
    lazy.send("monitor_cond", R"(["db","m",{"T":[{"columns":["num"],"where":[["num","<",50]]}]}])");
    Client second(server_, loop_);
    second.send("monitor_cond", R"(["db","big",{"T":[{"columns":["name"]}]}])");
    lazy.read();
    for (int i = 0; i < 100; ++i) set(0, i, 20000);
    std::vector<net::Message> told = lazy.read();
    EXPECT_EQ(told.size(), 51u);  // 50 updates of the row and its deletion

    EXPECT_TRUE(database().history().any_marks());
    server_.close_session(second.id());
    loop_.run_once(0);
    EXPECT_FALSE(database().history().any_marks());
}

TEST_F(ServerTest, WhoTakesNothingForAMinuteIsDropped) {
    Client lazy(server_, loop_);
    lazy.send("monitor", R"(["db","m",{"T":[{"columns":["name"]}]}])");
    lazy.read();
    for (int i = 0; i < 100; ++i) set(0, i, 20000);
    for (int second = 0; second < 58; ++second) {
        pass(1000);
        loop_.run_once(0);
    }
    EXPECT_TRUE(server_.find_session(lazy.id()));
    for (int second = 0; second < 5; ++second) {
        pass(1000);
        loop_.run_once(0);
    }
    EXPECT_FALSE(server_.find_session(lazy.id()));
    EXPECT_FALSE(database().history().any_marks());
}

// Marks keep old rows; whoever needs the oldest goes when they are too many.
TEST_F(ServerTest, TheFurthestBehindIsDroppedWhenTooMuchIsKept) {
    Client lazy(server_, loop_);
    lazy.send("monitor", R"(["db","m",{"T":[{"columns":["name"]}]}])");
    lazy.read();
    for (int i = 0; i < 60; ++i) set(0, i, 20000);
    ASSERT_TRUE(database().history().any_marks());
    Table& table = *database().database().find_table("T");
    std::vector<Uuid> rows;
    // Rows that live for a while each, so that what happened since the mark is ever more.
    for (int i = 0; i < 60 && server_.find_session(lazy.id()); ++i) {
        server_.change(database(), [&](Transaction& transaction) {
            for (int n = 0; n < 1000; ++n) {
                rows.push_back(Uuid::random());
                transaction.insert(table, rows.back());
            }
        });
        loop_.run_once(0);
    }
    EXPECT_TRUE(server_.find_session(lazy.id())) << "rows that are there count";
    server_.change(database(), [&](Transaction& transaction) {
        for (const Uuid& row : rows) transaction.erase(table, row);
    });
    for (int i = 0; i < 5; ++i) set(1, i);
    EXPECT_TRUE(server_.find_session(lazy.id())) << "rows that came and went are not kept";
    EXPECT_LE(database().history().merged_rows(), 10u);
}

TEST_F(ServerTest, SilentClientsAreProbedAndDropped) {
    SessionOptions options;
    options.probe_interval_ms = 5000;
    Client silent(server_, loop_, options), polite(server_, loop_, options), unprobed(server_, loop_);
    auto seconds = [&](int n) {
        for (int i = 0; i < n; ++i) {
            pass(1000);
            loop_.run_once(0);
            for (const net::Message& message : polite.read()) {
                if (message.method == "echo") polite.send("list_dbs", "[]");
            }
        }
    };
    seconds(7);
    EXPECT_TRUE(server_.find_session(silent.id()));
    std::vector<net::Message> got = silent.read();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].method, "echo");
    seconds(7);
    EXPECT_FALSE(server_.find_session(silent.id()));
    seconds(30);
    EXPECT_TRUE(server_.find_session(polite.id()));
    EXPECT_TRUE(server_.find_session(unprobed.id()));
}

// Ten times more transactions than may wait for the disk: the flood is listened to as the disk goes on, and
// nobody else waits for it.
TEST_F(ServerTest, WhoFloodsWaitsForTheDisk) {
    auto owned = std::make_unique<PatientStorage>();
    PatientStorage& storage = *owned;
    auto schema = DatabaseSchema::parse(
        R"({"name": "kept", "version": "1.0.0", "tables": {"T": {"isRoot": true, "columns": {"name": {"type": "string"}}}}})");
    ASSERT_TRUE(schema);
    ASSERT_TRUE(server_.add_database(std::make_unique<Database>(*schema), std::move(owned)));
    storage.keep_all();
    loop_.run_once(0);

    Client flood(server_, loop_), other(server_, loop_);
    const std::string insert =
        R"(["kept",{"op":"insert","table":"T","row":{"name":")" + std::string(100000, 'x') + R"("}}])";
    const size_t sent = 10 * kMaxUnkeptOfSession / insert.size();
    for (size_t i = 0; i < sent; ++i) flood.send("transact", insert);
    other.send("echo", "[1]");
    EXPECT_EQ(other.read().size(), 1u);
    EXPECT_TRUE(flood.read().empty());
    EXPECT_GT(storage.appended_bytes(), kMaxUnkeptOfSession);
    EXPECT_LT(storage.appended_bytes(), kMaxUnkeptOfSession + 2 * insert.size());

    size_t replies = 0;
    for (int turns = 0; replies < sent && turns < 100; ++turns) {
        storage.keep_all();
        for (const net::Message& message : flood.read())
            replies += message.type == net::Message::Type::kReply;
    }
    EXPECT_EQ(replies, sent);
}

TEST_F(ServerTest, OneTooManyIsToldSoAndDropped) {
    ServerLimits limits;
    limits.sessions = 2;
    limits.refused_sessions = 1;
    server_.set_limits(limits);
    Client first(server_, loop_), second(server_, loop_), refused(server_, loop_), unheard(server_, loop_);
    // It need not ask if there is no room to wait for its question.
    EXPECT_EQ(unheard.id(), 0u);
    std::vector<net::Message> got = unheard.read();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(json::to_text(got[0].error),
              R"({"details":"the server has 2 sessions, which is its limit","error":"resources exhausted"})");
    EXPECT_FALSE(unheard.open());
    refused.send("list_dbs", "[]");
    got = refused.read();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].type, net::Message::Type::kError);
    EXPECT_EQ(got[0].id, json::Value(1));
    EXPECT_FALSE(refused.open());
    EXPECT_EQ(server_.sessions().size(), 2u);
    server_.close_session(first.id());
    Client third(server_, loop_);
    for (Client* client : {&second, &third}) {
        client->send("list_dbs", "[]");
        got = client->read();
        ASSERT_EQ(got.size(), 1u);
        EXPECT_EQ(got[0].type, net::Message::Type::kReply);
    }
    // One that says nothing is told after a while.
    Client silent(server_, loop_);
    for (int i = 0; i < 7; ++i) {
        pass(1000);
        loop_.run_once(0);
    }
    got = silent.read();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].id, json::Value("limit"));
    EXPECT_FALSE(silent.open());
}

TEST_F(ServerTest, RequestsAreBoundedOneByOneAndTogether) {
    ServerLimits limits;
    limits.request_bytes = 100000;
    limits.unfinished_bytes = 250000;
    server_.set_limits(limits);
    Client big(server_, loop_), fits(server_, loop_);
    auto text = [](size_t bytes) { return "[\"" + std::string(bytes, 'x') + "\"]"; };
    fits.send("echo", text(90000));
    std::vector<net::Message> got = fits.read();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].type, net::Message::Type::kReply);
    big.send("echo", text(110000));
    got = big.read();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].id, json::Value("limit"));
    EXPECT_EQ(json::to_text(got[0].error),
              R"({"details":"a message of more than 100000 bytes","error":"resources exhausted"})");
    EXPECT_FALSE(big.open());
    // Four that each begin 80,000 bytes: the last one is too many, and the others can go on.
    std::vector<std::unique_ptr<Client>> slow;
    for (int i = 0; i < 4; ++i) {
        slow.push_back(std::make_unique<Client>(server_, loop_));
        slow.back()->write("{\"id\":1,\"method\":\"echo\",\"params\":[\"" + std::string(80000, 'x'));
    }
    for (int i = 0; i < 4; ++i) {
        if (i < 3) slow[static_cast<size_t>(i)]->write("\"]}");
        got = slow[static_cast<size_t>(i)]->read();
        ASSERT_EQ(got.size(), 1u) << i;
        EXPECT_EQ(got[0].type, i < 3 ? net::Message::Type::kReply : net::Message::Type::kError) << i;
    }
    fits.send("echo", text(90000));
    EXPECT_EQ(fits.read().size(), 1u);
}

}  // namespace
}  // namespace weft::ovsdb
