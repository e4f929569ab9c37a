// Members of JSON objects that Docker and OpenStack send.

#pragma once

#include <string>
#include <string_view>

#include "json/value.h"

namespace weft::docker {

// The text of a member, "" if there is none.
std::string text_of(const json::Object& object, std::string_view name);
// A member of that type, nullptr if there is none.
const json::Object* object_in(const json::Object& object, std::string_view name);
const json::Array* array_in(const json::Object& object, std::string_view name);

}  // namespace weft::docker
