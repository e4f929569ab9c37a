// A database of one table whose rows and conditions are random: what tests of monitors' conditions start
// from.

#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

#include "json/text.h"
#include "ovsdb/data/condition.h"
#include "ovsdb/data/datum_json.h"
#include "ovsdb/engine/transaction.h"

namespace weft::ovsdb {

class RandomConditions : public testing::Test {
  protected:
    RandomConditions() : random_(seed_) {
        auto schema = DatabaseSchema::parse(R"({"name":"d","tables":{"t":{"isRoot":true,"columns":{
            "num":{"type":"integer"}, "name":{"type":"string"},
            "opt":{"type":{"key":"integer","min":0,"max":1}},
            "tags":{"type":{"key":"string","min":0,"max":"unlimited"}},
            "ids":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}}}}}})");
        EXPECT_TRUE(schema);
        database_ = std::make_unique<Database>(*schema);
    }

    Table& table() { return database_->table(0); }
    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
    std::string word() { return std::string(1, static_cast<char>('a' + below(4))); }

    std::string value_of(const std::string& column) {
        if (column == "num") return std::to_string(below(4));
        if (column == "name") return '"' + word() + '"';
        if (column == "opt") return below(3) ? std::to_string(below(3)) : R"(["set",[]])";
        std::string elements;
        for (unsigned i = below(4); i--;) {
            std::string key = '"' + word() + '"';
            if (elements.find(column == "ids" ? '[' + key : key) != std::string::npos) continue;
            if (!elements.empty()) elements += ',';
            elements += column == "ids" ? '[' + key + ",\"" + word() + "\"]" : key;
        }
        return fmt::format("[\"{}\",[{}]]", column == "ids" ? "map" : "set", elements);
    }

    Condition condition() {
        static const char* const kNames[] = {"num", "name", "opt", "tags", "ids"};
        static const char* const kFunctions[] = {"==", "==", "includes", "includes", "!=", "excludes", "<"};
        std::string text;
        for (unsigned i = below(5); i--;) {
            std::string column = kNames[below(5)], function = kFunctions[below(7)];
            if (function == "<") column = "num";
            if (!text.empty()) text += ',';
            if (below(12) == 0) {
                text += below(2) ? "true" : "false";
            } else if (below(8) == 0 && table().size()) {
                auto it = table().rows().begin();
                std::advance(it, below(static_cast<unsigned>(table().size())));
                text += R"(["_uuid","==",["uuid",")" + (*it)->uuid.to_string() + "\"]]";
            } else {
                text += fmt::format(R"(["{}","{}",{}])", column, function, value_of(column));
            }
        }
        auto parsed = Condition::from_json(table().schema(), *json::parse('[' + text + ']'));
        EXPECT_TRUE(parsed) << text << ": " << parsed.error().details;
        return *std::move(parsed);
    }

    static bool sees(const Condition& condition, const Uuid& uuid, const RowData& data) {
        return condition.any_holds(
            [&](const ColumnSchema& column) { return column_value(uuid, data, column); });
    }

    ChangeSet change() {
        Transaction transaction(*database_);
        for (unsigned steps = 1 + below(4); steps--;) {
            Uuid uuid = Uuid::random();
            if (table().size() && below(4)) {
                auto it = table().rows().begin();
                std::advance(it, below(static_cast<unsigned>(table().size())));
                uuid = (*it)->uuid;
            }
            if (table().find(uuid) && below(4) == 0) {
                transaction.erase(table(), uuid);
                continue;
            }
            RowData* row =
                table().find(uuid) ? transaction.modify(table(), uuid) : &transaction.insert(table(), uuid);
            if (!row) continue;
            for (const ColumnSchema& column : table().schema().columns) {
                if (!below(2)) continue;
                auto datum = datum_from_json(column.type, *json::parse(value_of(column.name)), nullptr);
                EXPECT_TRUE(datum) << datum.error().details;
                (*row)[column.index] = *std::move(datum);
            }
        }
        auto changes = transaction.commit();
        EXPECT_TRUE(changes);
        return *std::move(changes);
    }

    const unsigned seed_ = std::random_device()();
    std::mt19937 random_;
    std::unique_ptr<Database> database_;
};

}  // namespace weft::ovsdb
