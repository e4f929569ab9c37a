#include "ovsdb/client/condition.h"

#include <algorithm>

namespace weft::ovsdb::client {

bool Condition::clause(const char* column, const char* function, const Codec& codec, const void* value) {
    std::string clause;
    clause.append("[\"").append(column).append("\",\"").append(function).append("\",");
    codec.append_text(clause, value, nullptr);
    return add(std::move(clause += ']'));
}

bool Condition::refers(const char* column, const char* function, const Uuid& value) {
    std::string clause;
    clause.reserve(96);
    clause.append("[\"").append(column).append("\",\"").append(function).append("\",[\"uuid\",\"");
    value.append_to(clause);
    return add(std::move(clause.append("\"]]")));
}

bool Condition::is_row(const Uuid& uuid) {
    return refers("_uuid", "==", uuid);
}

bool Condition::add(std::string clause) {
    if (all_) return false;
    if (clauses_.empty() || clauses_.back() < clause) {
        clauses_.push_back(std::move(clause));
        return true;
    }
    auto at = std::lower_bound(clauses_.begin(), clauses_.end(), clause);
    if (*at == clause) return false;
    clauses_.insert(at, std::move(clause));
    return true;
}

std::string Condition::to_text() const {
    if (all_) return "[true]";
    if (clauses_.empty()) return "[false]";
    std::string out;
    size_t size = 2;
    for (const std::string& clause : clauses_) size += clause.size() + 1;
    out.reserve(size);
    out += '[';
    for (const std::string& clause : clauses_) {
        if (out.size() > 1) out += ',';
        out += clause;
    }
    out += ']';
    return out;
}

}  // namespace weft::ovsdb::client
