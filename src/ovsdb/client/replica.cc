#include "ovsdb/client/replica.h"

#include <algorithm>

#include "base/memory.h"
#include "json/view.h"
#include "net/json_rpc.h"
#include "net/loop.h"
#include "ovsdb/client/protocol.h"

namespace weft::ovsdb::client {

namespace {

constexpr size_t kLarge = 2000;  // rows
// More than once: the allocator gives pages back that have been free for a while.
constexpr int64_t kTrimAfterMs = 200;
constexpr int kTrims = 3;

}  // namespace

struct Replica::Impl {
    Impl(net::Loop& loop, Store& store, Options options)
        : loop(loop),
          store(store),
          options(std::move(options)),
          protocol(store, {this->options.leader_only, this->options.optimistic}) {}

    void start() {
        net::RpcSession::Options session_options;
        session_options.remotes = options.remotes;
        session_options.probe_interval_ms = options.probe_interval_ms;
        session_options.give_up_at_first_failure = !options.retry;
        session = std::make_unique<net::RpcSession>(
            loop, std::move(session_options),
            net::RpcSession::Handler{[this] { on_connected(); },
                                     [this](net::Message message) {
                                         protocol.received(message);
                                         note_size();
                                         flush();
                                     },
                                     [this](std::string reason) { on_disconnected(std::move(reason)); },
                                     [this](std::string_view text) { return on_text(text); }});
    }

    // A large update, and what follows from it, leave much memory behind that is not needed again.
    void note_size() {
        size_t rows = 0;
        for (const TableInfo* table : store.database().tables) rows += store.table(*table).changes().size();
        if (rows < kLarge) return;
        if (!trim) trim = loop.timer([this] { give_back(); });
        trims = kTrims;
        trim->arm_in(kTrimAfterMs);
    }

    void give_back() {
        return_freed_memory();
        if (--trims > 0) trim->arm_in(kTrimAfterMs);
    }

    void on_connected() {
        protocol.connected();
        flush();
    }

    bool on_text(std::string_view text) {
        static_assert(net::RpcConnection::kTextPadding >= json::ViewReader::kPadding);
        Result<json::View> message = views.read_padded(text);
        if (!message || !protocol.received(*message)) return false;
        views.shrink();
        note_size();
        flush();
        return true;
    }

    void on_disconnected(std::string reason) {
        if (session && session->gave_up()) failure = std::move(reason);
        protocol.disconnected();
        flush();
    }

    // Sends at once, reports outcomes later: never within the caller's call.
    void flush_later() {
        if (session) {
            for (const net::Message& message : protocol.take_messages()) session->send(message);
        }
        if (scheduled) return;
        scheduled = true;
        loop.defer([this, alive = std::weak_ptr<int>(alive)] {
            if (alive.expired()) return;
            scheduled = false;
            flush();
        });
    }

    // Sends and reports what the protocol has come up with.
    void flush() {
        std::vector<net::Message> messages = protocol.take_messages();
        if (session) {
            for (const net::Message& message : messages) session->send(message);
        }
        if (std::optional<std::string> reason = protocol.take_reconnect()) {
            // Not from within the session's own callback.
            loop.defer([this, alive = std::weak_ptr<int>(alive)] {
                if (!alive.expired()) session->reconnect();
            });
        }
        for (Protocol::Finished& finished : protocol.take_finished()) {
            if (finished.done) finished.done(finished.outcome);
        }
    }

    net::Loop& loop;
    Store& store;
    Options options;
    Protocol protocol;
    json::ViewReader views;
    std::unique_ptr<net::RpcSession> session;
    std::unique_ptr<net::Loop::Timer> trim;
    int trims = 0;
    bool scheduled = false;
    std::string failure;
    std::shared_ptr<int> alive = std::make_shared<int>();
};

Replica::Replica(net::Loop& loop, const DatabaseInfo& database, Options options)
    : store_(database, options.track_changes),
      impl_(std::make_unique<Impl>(loop, store_, std::move(options))) {}

Replica::~Replica() = default;

const DatabaseInfo& Replica::database() const {
    return store_.database();
}

void Replica::monitor(const TableInfo& table, ColumnSet columns) {
    impl_->protocol.monitor(table, columns);
}

void Replica::monitor_everything() {
    for (const TableInfo* table : database().tables) monitor(*table, ColumnSet::all());
}

bool Replica::monitors(const TableInfo& table) const {
    return impl_->protocol.monitors(table);
}

void Replica::start() {
    impl_->start();
}

bool Replica::ready() const {
    return impl_->protocol.ready();
}
bool Replica::connected() const {
    return impl_->protocol.synced();
}
uint64_t Replica::sequence() const {
    return impl_->protocol.sequence();
}
bool Replica::server_has(const TableInfo& table) const {
    return impl_->protocol.server_has(table);
}
bool Replica::server_has(const TableInfo& table, size_t column) const {
    return impl_->protocol.server_has(table, column);
}
const std::string& Replica::failure() const {
    return impl_->failure;
}

std::string Replica::connection_status() const {
    return impl_->session && impl_->session->connected() ? "connected" : "not connected";
}

uint64_t Replica::set_condition(const TableInfo& table, Condition condition) {
    uint64_t sequence = impl_->protocol.set_condition(table, std::move(condition));
    impl_->flush_later();
    return sequence;
}
uint64_t Replica::condition_sequence() const {
    return impl_->protocol.condition_sequence();
}

void Replica::set_lock(std::string name) {
    impl_->protocol.set_lock(std::move(name));
    impl_->flush_later();
}
bool Replica::has_lock() const {
    return impl_->protocol.has_lock();
}
bool Replica::lock_contended() const {
    return impl_->protocol.lock_contended();
}

void Replica::commit(Transaction transaction, CommitCallback done) {
    impl_->protocol.commit(std::move(transaction), std::move(done));
    impl_->flush_later();
}
size_t Replica::commits_in_flight() const {
    return impl_->protocol.commits_in_flight();
}

void Replica::set_remotes(std::vector<std::string> remotes) {
    if (remotes == impl_->options.remotes) return;
    impl_->options.remotes = remotes;
    if (impl_->session) impl_->session->set_remotes(std::move(remotes));
}
void Replica::set_probe_interval(int64_t ms) {
    impl_->options.probe_interval_ms = ms;
    if (impl_->session) impl_->session->set_probe_interval(ms);
}
void Replica::set_leader_only(bool leader_only) {
    impl_->protocol.set_leader_only(leader_only);
    impl_->flush_later();
}
void Replica::force_reconnect() {
    if (impl_->session) impl_->session->reconnect();
}

std::vector<std::string> split_remotes(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        size_t end = std::min(text.find(','), text.size());
        if (end) out.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

}  // namespace weft::ovsdb::client
