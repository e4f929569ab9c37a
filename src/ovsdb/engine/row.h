// Rows in memory.
//
// RowData is one version of a row's columns: immutable once published, counted, shared by the table, the
// change sets of recent transactions and whoever reads them.  Row is the row's identity, which stays at one
// address from insertion to deletion: indexes and references point at it.  Not thread-safe.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "base/uuid.h"
#include "ovsdb/data/datum.h"
#include "ovsdb/data/schema.h"

namespace weft::ovsdb {

class RowData {
  public:
    static RowData* create(uint32_t columns);  // of void datums, with one reference
    RowData* copy() const;

    void ref() { ++references_; }
    bool shared() const { return references_ > 1; }
    void unref();

    Datum& operator[](int column) { return columns()[column]; }
    const Datum& operator[](int column) const { return columns()[column]; }
    uint32_t size() const { return size_; }
    // Begin to fetch the first columns, and then what all of them keep outside of the row, into the
    // processor's cache.
    void prefetch() const {
        for (size_t line = 0; line < 4; ++line)
            __builtin_prefetch(reinterpret_cast<const char*>(this) + line * 64);
    }
    void prefetch_columns() const {
        for (uint32_t i = 0; i < size_; ++i) columns()[i].prefetch();
    }
    uint64_t version() const { return version_; }  // distinct for every version of every row of a process
    void set_version(uint64_t version) { version_ = version; }

  private:
    RowData() = default;
    Datum* columns() { return reinterpret_cast<Datum*>(this + 1); }
    const Datum* columns() const { return reinterpret_cast<const Datum*>(this + 1); }

    uint32_t references_ = 1;
    uint32_t size_ = 0;
    uint64_t version_ = 0;
};

// A counted pointer to RowData; nullptr where there is no row.
class RowRef {
  public:
    RowRef() = default;
    explicit RowRef(RowData* adopted) : data_(adopted) {}
    RowRef(const RowRef& other) : data_(other.data_) {
        if (data_) data_->ref();
    }
    RowRef(RowRef&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
    RowRef& operator=(RowRef other) noexcept {
        std::swap(data_, other.data_);
        return *this;
    }
    ~RowRef() {
        if (data_) data_->unref();
    }

    explicit operator bool() const { return data_ != nullptr; }
    RowData& operator*() const { return *data_; }
    RowData* operator->() const { return data_; }
    RowData* get() const { return data_; }

  private:
    RowData* data_ = nullptr;
};

struct TransactionRow;

struct Row {
    Uuid uuid;
    RowRef data;
    TransactionRow* pending = nullptr;  // what the running transaction does to this row
    uint32_t strong_references = 0;     // from committed rows
    uint32_t snapshot = 0;              // the last one that has handed it out, or began before it was there

    explicit Row(const Uuid& id) : uuid(id) {}
};

// "_version" as clients see it: made from RowData::version().
Uuid version_uuid(uint64_t version);

// A column's value, of _uuid and _version too.
Datum column_value(const Uuid& uuid, const RowData& data, const ColumnSchema& column);

}  // namespace weft::ovsdb
