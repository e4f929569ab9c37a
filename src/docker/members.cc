#include "docker/members.h"

namespace weft::docker {

std::string text_of(const json::Object& object, std::string_view name) {
    const json::Value* value = object.find(name);
    const std::string* text = value ? value->as_string() : nullptr;
    return text ? *text : "";
}

const json::Object* object_in(const json::Object& object, std::string_view name) {
    const json::Value* value = object.find(name);
    return value ? value->as_object() : nullptr;
}

const json::Array* array_in(const json::Object& object, std::string_view name) {
    const json::Value* value = object.find(name);
    return value ? value->as_array() : nullptr;
}

}  // namespace weft::docker
