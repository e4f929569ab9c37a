// Random changes of rows, for tests: a northbound database in memory and the inputs of a program that follows
// it, kept the same.
//
// The database keeps its own rules: a row that is referred to strongly lives in one place and goes with it;
// weak references to a row that goes are taken away.

#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "northd/test_northbound.h"

namespace weft::northd {

class TestRows {
  public:
    TestRows(unsigned seed, Inputs& follower) : random_(seed), in_(follower) {}
    const TestNorthbound& northbound() const { return n_; }

  protected:
    using Words = std::initializer_list<const char*>;
    struct Choice {
        const char* key;
        Words values;
    };

    // --- chance: few names and networks, so that things meet
    size_t pick(size_t limit) { return random_() % limit; }
    int number(int limit) { return static_cast<int>(pick(static_cast<size_t>(limit))); }
    bool one_in(size_t n) { return pick(n) == 0; }
    std::string one_of(Words words) { return *(words.begin() + pick(words.size())); }
    std::string fresh(const char* prefix) { return fmt::format("{}{}", prefix, ++count_); }
    std::string ip4() { return fmt::format("10.0.{}.{}", number(3), number(12) + 1); }
    std::string ip6() { return fmt::format("fd0{}::{:x}", number(3), number(12) + 1); }
    std::string ip() { return one_in(3) ? ip6() : ip4(); }
    std::string mac() { return fmt::format("02:00:00:00:00:{:02x}", number(16)); }
    std::string chassis() { return fmt::format("ch{}", number(4)); }
    Uuid uuid() {  // not Uuid::random(): a seed gives the same history again
        Uuid out;
        for (uint8_t& byte : out.bytes) byte = static_cast<uint8_t>(random_());
        return out;
    }
    void set_any(ovsdb::StringMap& map, std::initializer_list<Choice> choices) {
        const Choice& choice = *(choices.begin() + pick(choices.size()));
        if (one_in(4)) {
            map.erase(std::string(choice.key));
        } else {
            map.set(choice.key, one_of(choice.values));
        }
    }

    // --- rows
    template <typename Row>
    auto& table() {
        return table_of(n_, static_cast<const Row*>(nullptr));
    }
    template <typename Row>
    Rows<Row>& input() {
        return input_of(in_, static_cast<const Row*>(nullptr));
    }
    template <typename Row, typename Fill>
    Row& insert(Fill fill) {
        auto row = std::make_unique<Row>();
        row->uuid = uuid();
        fill(*row);
        Row& added = *row;
        table<Row>().emplace(added.uuid, std::move(row));
        input<Row>().set(added.uuid, &added);
        return added;
    }
    template <typename Row>
    void touch(const Row& row) {
        input<Row>().touch(row.uuid);
    }
    template <typename Row>
    void erase(const Uuid& uuid) {
        input<Row>().erase(uuid);
        auto it = table<Row>().find(uuid);
        graveyard_.push_back(std::shared_ptr<Row>(std::move(it->second)));
        table<Row>().erase(it);
    }
    template <typename Row>
    Row* any() {
        auto& rows = table<Row>();
        if (rows.empty()) return nullptr;
        return std::next(rows.begin(), static_cast<std::ptrdiff_t>(pick(rows.size())))->second.get();
    }
    // The name of a row, or now and then one that no row has, or not yet.
    template <typename Row>
    std::string name_of_any(const char* prefix) {
        Row* row = one_in(8) ? nullptr : any<Row>();
        return row ? row->name : fmt::format("{}{}", prefix, count_ + number(3));
    }
    template <typename Row, typename F>
    void edit_any(F edit) {
        if (Row* row = any<Row>()) {
            edit(*row);
            touch(*row);
        }
    }

    // --- references
    template <typename Owner, typename Row>
    void give(Owner& owner, ovsdb::Set<Uuid> Owner::*column, const Row& row) {
        (owner.*column).insert(row.uuid);
        touch(owner);
    }
    // Makes a row and gives it to any owner.
    template <typename Row, typename Owner, typename Fill>
    void insert_into(ovsdb::Set<Uuid> Owner::*column, Fill fill) {
        if (Owner* owner = any<Owner>()) give(*owner, column, insert<Row>(fill));
    }
    // Takes a row from any owner that has some, and with it its existence.  Yields it, or zero.
    template <typename Row, typename Owner>
    Uuid remove_from(ovsdb::Set<Uuid> Owner::*column) {
        Owner* owner = any<Owner>();
        if (!owner || (owner->*column).empty()) return {};
        Uuid uuid = (owner->*column)[pick((owner->*column).size())];
        (owner->*column).erase(uuid);
        touch(*owner);
        erase<Row>(uuid);
        return uuid;
    }
    template <typename Row, typename Owner>
    void toggle(Owner& owner, ovsdb::Set<Uuid> Owner::*column) {
        Row* row = any<Row>();
        if (!row) return;
        if (!(owner.*column).erase(row->uuid)) (owner.*column).insert(row->uuid);
        touch(owner);
    }
    template <typename Row, typename Owner>
    void refer(Owner& owner, std::optional<Uuid> Owner::*column) {
        Row* row = one_in(4) ? nullptr : any<Row>();
        owner.*column = row ? std::optional(row->uuid) : std::nullopt;
        touch(owner);
    }
    template <typename Owner>
    void forget(ovsdb::Set<Uuid> Owner::*column, const Uuid& uuid) {
        for (auto& [owner_uuid, owner] : table<Owner>()) {
            if (((*owner).*column).erase(uuid)) touch(*owner);
        }
    }
    template <typename Owner>
    void forget(std::optional<Uuid> Owner::*column, const Uuid& uuid) {
        for (auto& [owner_uuid, owner] : table<Owner>()) {
            if ((*owner).*column != uuid) continue;
            ((*owner).*column).reset();
            touch(*owner);
        }
    }
    // A row that only weak references lead to.
    template <typename Row, typename... Columns>
    void remove_root(Columns... columns) {
        Row* row = any<Row>();
        if (!row || !one_in(3)) return;
        Uuid uuid = row->uuid;
        (forget(columns, uuid), ...);
        erase<Row>(uuid);
    }
    template <typename Row, typename Owner>
    void erase_all(Owner& owner, ovsdb::Set<Uuid> Owner::*column) {
        for (const Uuid& uuid : owner.*column) erase<Row>(uuid);
    }

    // --- what is not a row
    template <typename K, typename V>
    void set_fact(std::map<K, V>& facts, incremental::Input<K, V>& input, const K& key, const V& value) {
        facts[key] = value;
        input.set(key, value);
    }
    template <typename K, typename V>
    void erase_fact(std::map<K, V>& facts, incremental::Input<K, V>& input, const K& key) {
        facts.erase(key);
        input.erase(key);
    }

    std::mt19937 random_;
    TestNorthbound n_;
    Inputs& in_;
    int count_ = 0;

  private:
    std::vector<std::shared_ptr<void>> graveyard_;  // rows stay readable until the update is over
};

}  // namespace weft::northd
