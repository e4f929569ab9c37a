#include "ovsdb/data/atom.h"

#include <functional>

namespace weft::ovsdb {

std::string_view to_string(AtomType type) {
    switch (type) {
        case AtomType::kVoid:
            return "void";
        case AtomType::kInteger:
            return "integer";
        case AtomType::kReal:
            return "real";
        case AtomType::kBoolean:
            return "boolean";
        case AtomType::kString:
            return "string";
        case AtomType::kUuid:
            return "uuid";
    }
    return "void";
}

AtomType atom_type_from_string(std::string_view name) {
    for (AtomType type :
         {AtomType::kInteger, AtomType::kReal, AtomType::kBoolean, AtomType::kString, AtomType::kUuid}) {
        if (name == to_string(type)) return type;
    }
    return AtomType::kVoid;
}

int AtomView::compare(const AtomView& other) const {
    assert(type_ == other.type_);
    switch (type_) {
        case AtomType::kVoid:
            return 0;
        case AtomType::kInteger:
        case AtomType::kBoolean:
            return payload_.integer < other.payload_.integer ? -1 : payload_.integer > other.payload_.integer;
        case AtomType::kReal:
            return payload_.real < other.payload_.real ? -1 : payload_.real > other.payload_.real;
        case AtomType::kString:
            return string().compare(other.string());
        case AtomType::kUuid:
            return std::memcmp(payload_.uuid->bytes.data(), other.payload_.uuid->bytes.data(), 16);
    }
    return 0;
}

size_t AtomView::hash() const {
    switch (type_) {
        case AtomType::kVoid:
            return 0;
        case AtomType::kInteger:
        case AtomType::kBoolean:
            return std::hash<int64_t>()(payload_.integer) * 0x9e3779b97f4a7c15u;
        case AtomType::kReal:
            return std::hash<double>()(payload_.real);
        case AtomType::kString:
            return std::hash<std::string_view>()(string());
        case AtomType::kUuid:
            return std::hash<Uuid>()(*payload_.uuid);
    }
    return 0;
}

AtomView AtomView::default_of(AtomType type) {
    static const Uuid zero;
    switch (type) {
        case AtomType::kVoid:
            return {};
        case AtomType::kInteger:
            return int64_t{0};
        case AtomType::kReal:
            return 0.0;
        case AtomType::kBoolean:
            return false;
        case AtomType::kString:
            return std::string_view("");
        case AtomType::kUuid:
            return zero;
    }
    return {};
}

Atom::Atom(AtomView view) : type_(view.type()) {
    switch (type_) {
        case AtomType::kVoid:
            break;
        case AtomType::kInteger:
            scalar_.integer = view.integer();
            break;
        case AtomType::kBoolean:
            scalar_.integer = view.boolean();
            break;
        case AtomType::kReal:
            scalar_.real = view.real();
            break;
        case AtomType::kString:
            string_ = view.string();
            break;
        case AtomType::kUuid:
            uuid_ = view.uuid();
            break;
    }
}

AtomView Atom::view() const {
    switch (type_) {
        case AtomType::kVoid:
            return {};
        case AtomType::kInteger:
            return scalar_.integer;
        case AtomType::kBoolean:
            return scalar_.integer != 0;
        case AtomType::kReal:
            return scalar_.real;
        case AtomType::kString:
            return std::string_view(string_);
        case AtomType::kUuid:
            return uuid_;
    }
    return {};
}

}  // namespace weft::ovsdb
