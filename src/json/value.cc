#include "json/value.h"

#include <algorithm>

namespace weft::json {

Value::Value(const Value& other) = default;
Value::Value(Value&& other) noexcept = default;
Value& Value::operator=(const Value& other) = default;
Value& Value::operator=(Value&& other) noexcept = default;
Value::~Value() = default;
bool Value::operator==(const Value& other) const {
    return data_ == other.data_;
}

Object::Object() = default;
Object::Object(std::vector<Member> members) : members_(std::move(members)) {}
Object::Object(const Object& other) = default;
Object::Object(Object&& other) noexcept = default;
Object& Object::operator=(const Object& other) = default;
Object& Object::operator=(Object&& other) noexcept = default;
Object::~Object() = default;

Object::Object(std::initializer_list<Member> members) : members_(members) {}

const Value* Object::find(std::string_view name) const {
    for (const Member& member : members_) {
        if (member.first == name) return &member.second;
    }
    return nullptr;
}

Value* Object::find(std::string_view name) {
    return const_cast<Value*>(static_cast<const Object*>(this)->find(name));
}

Value& Object::add(std::string name, Value value) {
    return members_.emplace_back(std::move(name), std::move(value)).second;
}

Value& Object::set(std::string_view name, Value value) {
    if (Value* old = find(name)) return *old = std::move(value);
    return add(std::string(name), std::move(value));
}

bool Object::erase(std::string_view name) {
    for (auto it = members_.begin(); it != members_.end(); ++it) {
        if (it->first == name) {
            members_.erase(it);
            return true;
        }
    }
    return false;
}

bool Object::operator==(const Object& other) const {
    if (members_.size() != other.members_.size()) return false;
    if (members_ == other.members_) return true;
    auto sorted = [](const std::vector<Member>& members) {
        std::vector<const Member*> pointers;
        pointers.reserve(members.size());
        for (const Member& member : members) pointers.push_back(&member);
        std::stable_sort(pointers.begin(), pointers.end(),
                         [](const Member* a, const Member* b) { return a->first < b->first; });
        return pointers;
    };
    std::vector<const Member*> mine = sorted(members_), theirs = sorted(other.members_);
    return std::equal(mine.begin(), mine.end(), theirs.begin(),
                      [](const Member* a, const Member* b) { return *a == *b; });
}

Array array_of(Value element) {
    Array array;
    array.push_back(std::move(element));
    return array;
}

}  // namespace weft::json
