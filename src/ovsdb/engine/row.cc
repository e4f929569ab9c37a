#include "ovsdb/engine/row.h"

#include <cstdlib>
#include <new>

namespace weft::ovsdb {

RowData* RowData::create(uint32_t columns) {
    void* memory = std::malloc(sizeof(RowData) + columns * sizeof(Datum));
    if (!memory) std::abort();
    auto* data = new (memory) RowData;
    data->size_ = columns;
    for (uint32_t i = 0; i < columns; ++i) new (&data->columns()[i]) Datum;
    return data;
}

RowData* RowData::copy() const {
    RowData* data = create(size_);
    for (uint32_t i = 0; i < size_; ++i) data->columns()[i] = columns()[i];
    data->version_ = version_;
    return data;
}

void RowData::unref() {
    if (--references_) return;
    for (uint32_t i = 0; i < size_; ++i) columns()[i].~Datum();
    std::free(this);
}

Uuid version_uuid(uint64_t version) {
    static const Uuid process = Uuid::random();
    Uuid uuid = process;
    // An injective mix: multiplication by an odd number, so versions never collide within a process.
    uint64_t mixed = version * 0x9e3779b97f4a7c15u;
    for (int i = 0; i < 6; ++i)
        uuid.bytes[static_cast<size_t>(i)] ^= static_cast<uint8_t>(mixed >> (56 - 8 * i));
    uuid.bytes[14] ^= static_cast<uint8_t>(mixed >> 8);
    uuid.bytes[15] ^= static_cast<uint8_t>(mixed);
    return uuid;
}

Datum column_value(const Uuid& uuid, const RowData& data, const ColumnSchema& column) {
    if (column.index >= 0) return data[column.index];
    if (column.index == kUuidColumn) return Datum::of(uuid);
    return Datum::of(version_uuid(data.version()));
}

}  // namespace weft::ovsdb
