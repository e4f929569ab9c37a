#include "ovsdb/data/datum.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

namespace weft::ovsdb {

// What follows the header in memory: the keys, then (of a map) the values.  Numbers and booleans take 8 bytes
// each, UUIDs 16; strings are an array of 32-bit end offsets, then the characters of all of them, padded
// to 8.
struct Datum::Block {
    std::atomic<uint32_t> references;
    uint32_t bytes;         // with this header
    uint64_t value_offset;  // from the first byte after the header
    char* data() { return reinterpret_cast<char*>(this + 1); }
    const char* data() const { return reinterpret_cast<const char*>(this + 1); }
};

namespace {

size_t round_up(size_t bytes) {
    return (bytes + 7) & ~size_t{7};
}

// Bytes that `count` atoms take in a block: every `step`-th of `atoms`.
size_t area_bytes(AtomType type, const AtomView* atoms, uint32_t count, size_t step) {
    switch (type) {
        case AtomType::kVoid:
            return 0;
        case AtomType::kInteger:
        case AtomType::kReal:
        case AtomType::kBoolean:
            return size_t{8} * count;
        case AtomType::kUuid:
            return size_t{16} * count;
        case AtomType::kString: {
            size_t bytes = size_t{4} * count;
            for (uint32_t i = 0; i < count; ++i) bytes += atoms[i * step].string().size();
            return round_up(bytes);
        }
    }
    return 0;
}

void fill_area(char* out, AtomType type, const AtomView* atoms, uint32_t count, size_t step) {
    char* chars = out + size_t{4} * count;
    uint32_t end = 0;
    for (uint32_t i = 0; i < count; ++i) {
        const AtomView& atom = atoms[i * step];
        switch (type) {
            case AtomType::kVoid:
                break;
            case AtomType::kInteger:
            case AtomType::kBoolean: {
                int64_t v = type == AtomType::kBoolean ? atom.boolean() : atom.integer();
                std::memcpy(out + size_t{8} * i, &v, 8);
                break;
            }
            case AtomType::kReal: {
                double v = atom.real();
                std::memcpy(out + size_t{8} * i, &v, 8);
                break;
            }
            case AtomType::kUuid:
                std::memcpy(out + size_t{16} * i, atom.uuid().bytes.data(), 16);
                break;
            case AtomType::kString: {
                std::string_view s = atom.string();
                if (!s.empty()) std::memcpy(chars + end, s.data(), s.size());
                end += static_cast<uint32_t>(s.size());
                std::memcpy(out + size_t{4} * i, &end, 4);
                break;
            }
        }
    }
}

AtomView read_area(const char* area, AtomType type, uint32_t count, uint32_t i) {
    switch (type) {
        case AtomType::kVoid:
            return {};
        case AtomType::kInteger:
        case AtomType::kBoolean: {
            int64_t v;
            std::memcpy(&v, area + size_t{8} * i, 8);
            return type == AtomType::kBoolean ? AtomView(v != 0) : AtomView(v);
        }
        case AtomType::kReal: {
            double v;
            std::memcpy(&v, area + size_t{8} * i, 8);
            return v;
        }
        case AtomType::kUuid:
            return *reinterpret_cast<const Uuid*>(area + size_t{16} * i);
        case AtomType::kString: {
            uint32_t start = 0, end;
            if (i) std::memcpy(&start, area + size_t{4} * (i - 1), 4);
            std::memcpy(&end, area + size_t{4} * i, 4);
            return std::string_view(area + size_t{4} * count + start, end - start);
        }
    }
    return {};
}

}  // namespace

Datum::Block* Datum::allocate(size_t bytes) {
    auto* block = static_cast<Block*>(std::malloc(sizeof(Block) + bytes));
    if (!block) std::abort();
    new (&block->references) std::atomic<uint32_t>(1);
    block->bytes = static_cast<uint32_t>(sizeof(Block) + bytes);
    return block;
}

void Datum::set_empty(AtomType key, AtomType value) {
    size_ = 0;
    key_type_ = key;
    value_type_ = value;
    inline_ = 0;
    std::memset(&payload_, 0, sizeof payload_);
}

void Datum::share(const Datum& other) {
    size_ = other.size_;
    key_type_ = other.key_type_;
    value_type_ = other.value_type_;
    inline_ = other.inline_;
    std::memcpy(&payload_, &other.payload_, sizeof payload_);
    if (inline_ == kHeap) payload_.block->references.fetch_add(1, std::memory_order_relaxed);
}

void Datum::steal(Datum& other) {
    size_ = other.size_;
    key_type_ = other.key_type_;
    value_type_ = other.value_type_;
    inline_ = other.inline_;
    std::memcpy(&payload_, &other.payload_, sizeof payload_);
    other.set_empty(key_type_, value_type_);
}

void Datum::drop() {
    if (inline_ == kHeap && payload_.block->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        std::free(payload_.block);
    }
}

Datum& Datum::operator=(const Datum& other) {
    if (this != &other) {
        Datum copy(other);
        drop();
        steal(copy);
    }
    return *this;
}

Datum& Datum::operator=(Datum&& other) noexcept {
    if (this != &other) {
        drop();
        steal(other);
    }
    return *this;
}

Datum Datum::empty(AtomType key, AtomType value) {
    Datum datum;
    datum.set_empty(key, value);
    return datum;
}

Datum Datum::of(AtomView atom) {
    return from_sorted(atom.type(), AtomType::kVoid, &atom, 1);
}

Datum Datum::of_uuids(std::vector<Uuid> uuids) {
    std::sort(uuids.begin(), uuids.end());
    uuids.erase(std::unique(uuids.begin(), uuids.end()), uuids.end());
    return of_sorted_uuids(uuids);
}

Datum Datum::of_sorted_uuids(std::span<const Uuid> uuids) {
    if (uuids.empty()) return empty_set(AtomType::kUuid);
    if (uuids.size() == 1) return of(uuids[0]);
    Datum datum;
    datum.set_empty(AtomType::kUuid, AtomType::kVoid);
    datum.size_ = static_cast<uint32_t>(uuids.size());
    datum.inline_ = kHeap;
    datum.payload_.block = allocate(uuids.size_bytes());
    datum.payload_.block->value_offset = uuids.size_bytes();
    std::memcpy(datum.payload_.block->data(), uuids.data(), uuids.size_bytes());
    return datum;
}

Datum Datum::from_sorted(AtomType key, AtomType value, const AtomView* atoms, uint32_t size) {
    Datum datum;
    datum.set_empty(key, value);
    datum.size_ = size;
    if (!size) return datum;
    size_t step = value == AtomType::kVoid ? 1 : 2;
    if (size == 1 && step == 1) {
        switch (key) {
            case AtomType::kVoid:
                return datum;
            case AtomType::kInteger:
                datum.payload_.integer = atoms[0].integer();
                return datum;
            case AtomType::kBoolean:
                datum.payload_.integer = atoms[0].boolean();
                return datum;
            case AtomType::kReal:
                datum.payload_.real = atoms[0].real();
                return datum;
            case AtomType::kUuid:
                std::memcpy(datum.payload_.uuid, atoms[0].uuid().bytes.data(), 16);
                return datum;
            case AtomType::kString: {
                std::string_view s = atoms[0].string();
                if (s.size() > kInlineString) break;
                if (!s.empty()) std::memcpy(datum.payload_.chars, s.data(), s.size());
                datum.inline_ = static_cast<uint8_t>(s.size());
                return datum;
            }
        }
    }
    size_t key_bytes = area_bytes(key, atoms, size, step);
    size_t value_bytes = step == 1 ? 0 : area_bytes(value, atoms + 1, size, step);
    Block* block = allocate(key_bytes + value_bytes);
    block->value_offset = key_bytes;
    fill_area(block->data(), key, atoms, size, step);
    if (step == 2) fill_area(block->data() + key_bytes, value, atoms + 1, size, step);
    datum.inline_ = kHeap;
    datum.payload_.block = block;
    return datum;
}

AtomView Datum::atom(AtomType type, uint32_t i, bool value) const {
    assert(i < size_);
    if (inline_ == kHeap) {
        const char* area = payload_.block->data() + (value ? payload_.block->value_offset : 0);
        return read_area(area, type, size_, i);
    }
    switch (type) {
        case AtomType::kVoid:
            return {};
        case AtomType::kInteger:
            return payload_.integer;
        case AtomType::kBoolean:
            return payload_.integer != 0;
        case AtomType::kReal:
            return payload_.real;
        case AtomType::kUuid:
            return *reinterpret_cast<const Uuid*>(payload_.uuid);
        case AtomType::kString:
            return std::string_view(payload_.chars, inline_);
    }
    return {};
}

std::span<const Uuid> Datum::uuids() const {
    if (!size_) return {};
    assert(key_type_ == AtomType::kUuid);
    const char* at = inline_ == kHeap ? payload_.block->data() : payload_.chars;
    return {reinterpret_cast<const Uuid*>(at), size_};
}

std::span<const int64_t> Datum::integers() const {
    if (!size_) return {};
    assert(key_type_ == AtomType::kInteger);
    const char* at = inline_ == kHeap ? payload_.block->data() : payload_.chars;
    return {reinterpret_cast<const int64_t*>(at), size_};
}

uint32_t Datum::find(const AtomView& wanted) const {
    uint32_t low = 0, high = size_;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = key(middle).compare(wanted);
        if (order == 0) return middle;
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return kNone;
}

std::optional<std::string_view> Datum::get(std::string_view wanted) const {
    if (!size_) return std::nullopt;
    assert(key_type_ == AtomType::kString && value_type_ == AtomType::kString);
    uint32_t i = find(wanted);
    if (i == kNone) return std::nullopt;
    return value(i).string();
}

int Datum::compare(const Datum& other) const {
    if (size_ != other.size_) return size_ < other.size_ ? -1 : 1;
    for (uint32_t i = 0; i < size_; ++i) {
        if (int order = key(i).compare(other.key(i))) return order;
    }
    if (!is_map()) return 0;
    for (uint32_t i = 0; i < size_; ++i) {
        if (int order = value(i).compare(other.value(i))) return order;
    }
    return 0;
}

bool Datum::operator==(const Datum& other) const {
    if (size_ != other.size_) return false;
    if (!size_) return true;
    if (key_type_ != other.key_type_ || value_type_ != other.value_type_) return false;
    if (inline_ != kHeap && other.inline_ != kHeap) {
        switch (key_type_) {
            case AtomType::kString:
                return inline_ == other.inline_ &&
                       !std::memcmp(payload_.chars, other.payload_.chars, inline_);
            case AtomType::kInteger:
            case AtomType::kBoolean:
                return payload_.integer == other.payload_.integer;
            default:
                break;
        }
    }
    if (inline_ == kHeap && other.inline_ == kHeap) {
        if (payload_.block == other.payload_.block) return true;
        if (key_type_ != AtomType::kReal && value_type_ != AtomType::kReal &&
            key_type_ != AtomType::kString && value_type_ != AtomType::kString) {
            return payload_.block->bytes == other.payload_.block->bytes &&
                   !std::memcmp(payload_.block->data(), other.payload_.block->data(),
                                payload_.block->bytes - sizeof(Block));
        }
    }
    return compare(other) == 0;
}

size_t Datum::hash() const {
    size_t h = size_;
    for (uint32_t i = 0; i < size_; ++i) {
        h = h * 31 + key(i).hash();
        if (is_map()) h = h * 31 + value(i).hash();
    }
    return h;
}

bool Datum::is_default(uint32_t min) const {
    if (size_ != (min ? 1u : 0u)) return false;
    if (!size_) return true;
    return key(0) == AtomView::default_of(key_type_) &&
           (!is_map() || value(0) == AtomView::default_of(value_type_));
}

Datum Datum::default_of(AtomType key, AtomType value, uint32_t min) {
    AtomView atoms[] = {AtomView::default_of(key), AtomView::default_of(value)};
    return from_sorted(key, value, atoms, min ? 1 : 0);
}

size_t Datum::heap_bytes() const {
    return inline_ == kHeap ? payload_.block->bytes : 0;
}

Datum DatumBuilder::finish_sorted() {
    return Datum::from_sorted(key_, value_, atoms_.data(),
                              static_cast<uint32_t>(atoms_.size() / (is_map() ? 2 : 1)));
}

Datum DatumBuilder::finish(uint32_t* duplicates) {
    if (duplicates) *duplicates = 0;
    size_t step = is_map() ? 2 : 1;
    size_t count = atoms_.size() / step;
    bool sorted = true;
    for (size_t i = 1; i < count && sorted; ++i) sorted = atoms_[(i - 1) * step] < atoms_[i * step];
    if (sorted) return finish_sorted();
    std::vector<uint32_t> order(count);
    for (uint32_t i = 0; i < count; ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return atoms_[a * step] < atoms_[b * step]; });
    std::vector<AtomView> out;
    out.reserve(atoms_.size());
    for (uint32_t i : order) {
        if (!out.empty() && out[out.size() - step] == atoms_[i * step]) {
            if (duplicates) ++*duplicates;
            continue;
        }
        for (size_t part = 0; part < step; ++part) out.push_back(atoms_[i * step + part]);
    }
    atoms_ = std::move(out);
    return finish_sorted();
}

}  // namespace weft::ovsdb
