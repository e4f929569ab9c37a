#include "datapath/conntrack/connection_store.h"

#include <algorithm>
#include <cassert>

namespace weft::datapath::conntrack {

ConnectionStore::ConnectionStore() : slots_(kSlots, nullptr) {}

ConnectionStore::~ConnectionStore() {
    for (Connection* head : slots_) {
        while (head) {
            Connection* next = head->next;
            delete head;
            head = next;
        }
    }
}

Found ConnectionStore::find(const Tuple& tuple, int64_t now_ms) const {
    auto it = by_tuple_.find(tuple);
    if (it == by_tuple_.end() || over(*it->second.connection, now_ms)) return {};
    return {it->second.connection, it->second.reply};
}

void ConnectionStore::release_tuple(const Tuple& tuple) {
    auto it = by_tuple_.find(tuple);
    if (it != by_tuple_.end()) remove(it->second.connection);
}

Connection* ConnectionStore::add(std::unique_ptr<Connection> connection, int64_t now_ms) {
    assert(is_free(connection->original, now_ms) && is_free(connection->reply, now_ms));
    release_tuple(connection->original);  // those left are over
    release_tuple(connection->reply);
    Connection* added = connection.release();
    by_tuple_[added->original] = {added, false};
    // A connection to itself (equal tuples in both directions) is found as the original.
    by_tuple_.try_emplace(added->reply, Place{added, true});
    by_zone_[added->original.zone]++;
    count_++;
    link(added, now_ms);
    return added;
}

void ConnectionStore::remove(Connection* connection) {
    if (connection->accelerated) forget_(*connection);
    by_tuple_.erase(connection->original);
    by_tuple_.erase(connection->reply);
    auto zone = by_zone_.find(connection->original.zone);
    if (--zone->second == 0) by_zone_.erase(zone);
    count_--;
    unlink(connection);
    delete connection;
}

uint32_t ConnectionStore::size(uint16_t zone) const {
    auto it = by_zone_.find(zone);
    return it == by_zone_.end() ? 0 : it->second;
}

void ConnectionStore::each(const std::function<void(Connection&)>& callback) const {
    for (uint32_t slot = 0; slot < kSlots; ++slot) each_in(slot, callback);
}

void ConnectionStore::each_in(uint32_t slot, const std::function<void(Connection&)>& callback) const {
    for (Connection* head = slots_[slot]; head;) {
        Connection* next = head->next;
        callback(*head);
        head = next;
    }
}

void ConnectionStore::link(Connection* connection, int64_t now_ms) {
    if (swept_second_ < 0) swept_second_ = now_ms / 1000;
    // At the end of the second in which it expires; what is further away than the wheel is wide comes by in
    // between.
    int64_t second = connection->expires_ms / 1000 + 1;
    second = std::clamp<int64_t>(second, swept_second_ + 1, swept_second_ + kSlots);
    connection->slot = static_cast<uint32_t>(second % kSlots);
    Connection*& head = slots_[connection->slot];
    connection->previous = nullptr;
    connection->next = head;
    if (head) head->previous = connection;
    head = connection;
}

void ConnectionStore::unlink(Connection* connection) {
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        slots_[connection->slot] = connection->next;
    if (connection->next) connection->next->previous = connection->previous;
}

void ConnectionStore::hasten(Connection* connection, int64_t now_ms) {
    unlink(connection);
    link(connection, now_ms);
}

bool ConnectionStore::sweep(int64_t now_ms, size_t most) {
    int64_t now = now_ms / 1000;
    if (swept_second_ < 0) return false;
    // After a long pause one turn of the wheel visits everything.
    swept_second_ = std::max(swept_second_, now - kSlots);
    while (swept_second_ < now) {
        Connection*& head = slots_[static_cast<uint32_t>((swept_second_ + 1) % kSlots)];
        while (head) {
            if (!most--) return true;
            Connection* connection = head;
            if (over(*connection, now_ms)) {
                remove(connection);
            } else {
                unlink(connection);
                link(connection, now_ms);
            }
        }
        swept_second_++;
    }
    return false;
}

}  // namespace weft::datapath::conntrack
