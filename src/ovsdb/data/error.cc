#include "ovsdb/data/error.h"

#include <algorithm>

#include "json/text.h"

namespace weft::ovsdb {

namespace {

std::string one_line(const std::string& tag, const std::string& details, const std::string& syntax) {
    std::string out;
    if (!syntax.empty()) out += "syntax \"" + syntax + "\": ";
    out += tag;
    if (!details.empty()) out += ": " + details;
    return out;
}

}  // namespace

DbError::DbError(std::string tag_, std::string details_, std::string syntax_)
    : Error{one_line(tag_, details_, syntax_)},
      tag(std::move(tag_)),
      details(std::move(details_)),
      syntax(std::move(syntax_)) {}

json::Value DbError::to_json() const {
    json::Object object;
    if (!details.empty()) object.add("details", details);
    object.add("error", tag);
    if (!syntax.empty()) object.add("syntax", syntax);
    return object;
}

namespace {

// Members in the order of their names, so that equal requests give equal messages.
json::Value with_sorted_members(const json::Value& value) {
    if (const json::Array* array = value.as_array()) {
        json::Array out;
        for (const json::Value& element : *array) out.push_back(with_sorted_members(element));
        return out;
    }
    const json::Object* object = value.as_object();
    if (!object) return value;
    std::vector<const json::Member*> members;
    for (const json::Member& member : *object) members.push_back(&member);
    std::sort(members.begin(), members.end(), [](auto* a, auto* b) { return a->first < b->first; });
    json::Object out;
    for (const json::Member* member : members) out.add(member->first, with_sorted_members(member->second));
    return out;
}

}  // namespace

DbError syntax_error(const json::Value& value, std::string details) {
    return DbError("syntax error", std::move(details), json::to_text(with_sorted_members(value)));
}

}  // namespace weft::ovsdb
