// Reads a JSON object with a fixed set of members, with the oracle's messages: "Parsing WHAT failed: Required
// 'op' member is missing.", and so on.  After the first problem everything else gives nullptr; finish()
// reports it, and members that nobody asked for.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "ovsdb/data/error.h"

namespace weft::ovsdb {

class ObjectParser {
  public:
    enum Types : unsigned {
        kNull = 1,
        kBoolean = 2,
        kInteger = 4,
        kReal = 8,
        kString = 16,
        kArray = 32,
        kObject = 64,
        kId = 128,  // a string that is an <id>
        kAny = 127,
        kNumber = kInteger | kReal,
    };

    ObjectParser(const json::Value& json, std::string what);

    const json::Value* required(std::string_view name, unsigned types) { return member(name, types, false); }
    const json::Value* optional(std::string_view name, unsigned types) { return member(name, types, true); }
    bool ok() const { return !error_; }
    void fail(DbError error);
    void fail_with(std::string details);  // "Parsing WHAT failed: DETAILS"
    DbResult<void> finish();

  private:
    const json::Value* member(std::string_view name, unsigned types, bool optional);

    const json::Value& json_;
    const json::Object* object_;
    std::string what_;
    std::vector<std::string_view> used_;
    std::optional<DbError> error_;
};

}  // namespace weft::ovsdb
