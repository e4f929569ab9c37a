#include "ovsdb/data/object_parser.h"

#include <fmt/format.h>

#include <algorithm>

#include "ovsdb/data/schema.h"

namespace weft::ovsdb {

namespace {

bool has_type(const json::Value& value, unsigned types) {
    unsigned type = value.is_null()      ? ObjectParser::kNull
                    : value.is_bool()    ? ObjectParser::kBoolean
                    : value.is_integer() ? ObjectParser::kInteger
                    : value.is_real()    ? ObjectParser::kReal
                    : value.is_string()  ? ObjectParser::kString
                    : value.is_array()   ? ObjectParser::kArray
                                         : ObjectParser::kObject;
    if (types & type) return true;
    return (types & ObjectParser::kId) && value.is_string() && is_identifier(*value.as_string());
}

}  // namespace

ObjectParser::ObjectParser(const json::Value& json, std::string what)
    : json_(json), object_(json.as_object()), what_(std::move(what)) {
    if (!object_) error_ = DbError("syntax error", fmt::format("Parsing {} failed: Object expected.", what_));
}

void ObjectParser::fail(DbError error) {
    if (!error_) error_ = std::move(error);
}

void ObjectParser::fail_with(std::string details) {
    if (!error_) error_ = syntax_error(json_, fmt::format("Parsing {} failed: {}", what_, details));
}

const json::Value* ObjectParser::member(std::string_view name, unsigned types, bool optional) {
    if (error_) return nullptr;
    const json::Value* value = object_->find(name);
    if (!value) {
        if (!optional) fail_with(fmt::format("Required '{}' member is missing.", name));
        return nullptr;
    }
    used_.push_back(name);
    if (has_type(*value, types)) return value;
    fail_with(fmt::format("Type mismatch for member '{}'.", name));
    return nullptr;
}

DbResult<void> ObjectParser::finish() {
    if (!error_ && object_->size() != used_.size()) {
        for (const auto& [name, value] : *object_) {
            if (std::find(used_.begin(), used_.end(), name) == used_.end()) {
                fail_with(fmt::format("Member '{}' is present but not allowed here.", name));
                break;
            }
        }
    }
    if (error_) return *error_;
    return {};
}

}  // namespace weft::ovsdb
