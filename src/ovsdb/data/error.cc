#include "ovsdb/data/error.h"

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

DbError syntax_error(const json::Value& value, std::string details) {
    return DbError("syntax error", std::move(details), json::to_text(json::with_sorted_members(value)));
}

}  // namespace weft::ovsdb
