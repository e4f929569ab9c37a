#include "ovsdb/client/condition.h"

#include "json/text.h"
#include "json/value.h"

namespace weft::ovsdb::client {

bool Condition::clause(const char* column, const char* function, const Codec& codec, const void* value) {
    return add(json::to_text(json::Array{column, function, codec.to_json(value, nullptr)}));
}

bool Condition::is_row(const Uuid& uuid) {
    return add(json::to_text(json::Array{"_uuid", "==", json::Array{"uuid", uuid.to_string()}}));
}

bool Condition::add(std::string clause) {
    return !all_ && clauses_.insert(std::move(clause)).second;
}

std::string Condition::to_text() const {
    if (all_) return "[true]";
    if (clauses_.empty()) return "[false]";
    std::string out = "[";
    for (const std::string& clause : clauses_) {
        if (out.size() > 1) out += ',';
        out += clause;
    }
    return out + "]";
}

}  // namespace weft::ovsdb::client
