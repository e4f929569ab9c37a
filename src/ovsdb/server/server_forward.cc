// Requests that another server answers: what writes to a copy of its database.

#include <fmt/format.h>

#include "json/text.h"
#include "ovsdb/server/server.h"

namespace weft::ovsdb {

namespace {

// While the other server is away, requests wait for it; but not without end.
constexpr size_t kMaxWaiting = 10000;

}  // namespace

void Server::forward(Session& session, ServedDatabase& database, std::string method, json::Value params,
                     const std::string& id) {
    Upstream& upstream = *database.upstream();
    if (upstream.waiting_requests() >= kMaxWaiting) {
        DbError error("resources exhausted", fmt::format("{} requests wait for the source of database {}",
                                                         kMaxWaiting, database.name()));
        return tell_in_order(session.id, error_text(json::to_text(error.to_json()), id));
    }
    uint64_t key = next_forwarded_++;
    forwarded_[key] = {&database, session.id, id};
    upstream.request(key, std::move(method), std::move(params),
                     [this, key](const net::Message& reply) { forwarded(key, reply); });
}

// Updates that came before the reply are told before it: they wait in the same queue.
void Server::forwarded(uint64_t key, const net::Message& reply) {
    auto it = forwarded_.find(key);
    if (it == forwarded_.end()) return;
    Forwarded forwarded = std::move(it->second);
    forwarded_.erase(it);
    bool is_error = reply.type == net::Message::Type::kError;
    tell_in_order(forwarded.session, is_error ? error_text(json::to_text(reply.error), forwarded.id)
                                              : reply_text(json::to_text(reply.result), forwarded.id));
}

bool Server::cancel_forwarded(const Session& session, const std::string& id) {
    for (auto it = forwarded_.begin(); it != forwarded_.end(); ++it) {
        if (it->second.session != session.id || it->second.id != id) continue;
        // One that is under way is answered by the other server, with its result or with "canceled".
        if (!it->second.database->upstream()->cancel(it->first)) return true;
        forwarded_.erase(it);
        tell_in_order(session.id, error_text("\"canceled\"", id));
        return true;
    }
    return false;
}

void Server::forget_forwarded(const std::function<bool(const Forwarded&)>& which, bool tell) {
    for (auto it = forwarded_.begin(); it != forwarded_.end();) {
        if (!which(it->second)) {
            ++it;
            continue;
        }
        it->second.database->upstream()->forget(it->first);
        if (tell) send(it->second.session, error_text("\"canceled\"", it->second.id));
        it = forwarded_.erase(it);
    }
}

}  // namespace weft::ovsdb
