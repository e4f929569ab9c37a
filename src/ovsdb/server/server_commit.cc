// From decided to told: what the server does when transactions are kept, and when they are not.

#include <fmt/format.h>

#include <algorithm>

#include "base/hash_map.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "json/text.h"
#include "ovsdb/server/server.h"

namespace weft::ovsdb {

namespace {

log::Module lg("ovsdb_file");
metrics::Counter transactions_told("transaction_kept"), transactions_lost("transaction_taken_back");

// Of transactions that are not kept yet, of all clients: when together they send faster than the disk takes,
// though each is within kMaxUnkeptOfSession, the loop waits for the disk.
constexpr uint64_t kMaxUnkeptBytes = 64 << 20;

// A transaction's results with the storage's error after them.
std::string with_storage_error(std::string results, const StorageFailure& failure) {
    json::Object error;
    error.add("details", failure.details);
    error.add("error", "I/O error");
    error.add("io-error", failure.io_error);
    results.pop_back();
    if (results.size() > 1) results += ',';
    json::append_text(results, error);
    results += ']';
    return results;
}

}  // namespace

void Server::end_of_turn() {
    release();
    for (auto& [name, database] : databases_) {
        Storage* storage = database->storage();
        if (!storage) continue;
        if (storage->backlog() > kMaxUnkeptBytes) flush();
        if (storage->advance()) loop_.wake();
    }
    catch_up_laggards();
    ended_.clear();
}

bool Server::may_be_told(const Pending& pending) const {
    Storage* storage = pending.database ? pending.database->storage() : nullptr;
    return !storage || !pending.position || pending.position <= storage->progress().kept;
}

void Server::answer(Pending& pending) {
    Session* session = find_session(pending.session);
    if (!session) return;
    session->unkept -= pending.bytes;
    if (session->unkept <= kMaxUnkeptOfSession / 2) session->rpc->set_reading(true);
    catch_up(*session);  // of its own change, too
    if (pending.request) {
        carry_out(*session, *pending.request, pending.id);
    } else {
        session->rpc->send_text(pending.text.empty() ? reply_text(pending.reply, pending.id) : pending.text);
    }
}

void Server::tell_in_order(SessionId session, std::string text) {
    pending_.push_back({session, nullptr, 0, nullptr, "", "", nullptr, std::move(text)});
    loop_.wake();
}

// What is kept is told together: monitors hear the sum of it, and then come the answers.  But who sends one
// transaction after the other without waiting hears of each before its reply, and of no later one.
void Server::release() {
    take_back_lost();
    std::vector<ServedDatabase*> changed;
    for (;;) {
        std::vector<Pending> told;
        size_t answered = 0;
        HashSet<SessionId> asked;  // of those that are not answered
        auto tell = [&] {
            asked.clear();
            for (auto& [name, database] : databases_) tell_monitors(*database);
            while (answered < told.size()) answer(told[answered++]);
        };
        while (!pending_.empty() && may_be_told(pending_.front())) {
            const SessionId session = pending_.front().session;
            if (asked.contains(session)) tell();
            if (session) asked.insert(session);
            told.push_back(std::move(pending_.front()));
            pending_.pop_front();
            const Pending& last = told.back();
            if (last.changes) {
                transactions_told.add();
                last.database->remember(last.changes);
            }
            if (last.request) tell();  // it sees, and is answered after, what was before it and no more
        }
        if (told.empty()) break;
        tell();
        for (Pending& pending : told) {
            if (!pending.changes) continue;
            if (std::find(changed.begin(), changed.end(), pending.database) == changed.end()) {
                changed.push_back(pending.database);
            }
            if (on_change) on_change(*pending.database, *pending.changes);
        }
        if (!changed.empty()) retry_waiting(std::exchange(changed, {}));
    }
}

void Server::flush() {
    release();
    while (!pending_.empty()) {
        for (auto& [name, database] : databases_) {
            if (Storage* storage = database->storage()) storage->wait();
        }
        release();
    }
}

void Server::take_back_lost() {
    std::vector<ServedDatabase*> reverted;
    for (auto& [name, database] : databases_) {
        Storage* storage = database->storage();
        if (!storage) continue;
        StorageProgress progress = storage->progress();
        if (!progress.failure) continue;
        static log::RateLimit limit(10, 10);
        if (limit.pass(lg)) lg.err("{}", progress.failure->message());
        for (Pending& pending : pending_) {
            if (pending.database != database.get() || pending.position <= progress.kept) continue;
            if (pending.changes) transactions_lost.add();
            pending.changes.reset();
            pending.position = 0;
            if (!pending.reply.empty())
                pending.reply = with_storage_error(std::move(pending.reply), *progress.failure);
        }
        ChangeSet changes = database->take_back(progress.kept);
        storage->resume();
        if (on_change && !changes.empty()) on_change(*database, changes);
        if (on_taken_back) on_taken_back(*database);
        reverted.push_back(database.get());
    }
    if (!reverted.empty()) retry_waiting(reverted);
}

void Server::compact(ServedDatabase& database, std::string comment, std::function<void(Result<void>)> done) {
    Storage* storage = database.storage();
    if (!storage) return done({});
    storage->compact(database.database(), std::move(comment),
                     [this, done = std::move(done)](Result<void> result) {
                         if (trim_on_compaction_) return_freed_memory();
                         done(std::move(result));
                     });
    loop_.wake();
}

void Server::compact_where_worth() {
    for (auto& [name, database] : databases_) {
        Storage* storage = database->storage();
        if (!storage || !storage->wants_compaction()) continue;
        compact(*database, "compacted automatically",
                [name = name, storage, before = storage->size()](auto done) {
                    if (done) {
                        lg.info("{}: database compacted, {} -> {} bytes", name, before, storage->size());
                    } else {
                        lg.warn("{}: {}", name, done.error().message);
                    }
                });
    }
}

}  // namespace weft::ovsdb
