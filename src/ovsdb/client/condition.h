// Conditions of conditional monitors (ovsdb-server(7), 4.1.12): which rows of a table the server sends us.
//
//     Condition condition;                                   // no row at all
//     condition.equals(sb::PortBinding::kDatapath, uuid);    // rows for which any clause holds
//     replica.set_condition<sb::PortBinding>(std::move(condition));
//
// Clauses are kept sorted and distinct, so setting an equal condition again costs nothing and sends nothing.

#pragma once

#include <set>
#include <string>

#include "base/uuid.h"
#include "ovsdb/client/table_info.h"

namespace weft::ovsdb::client {

class Condition {
  public:
    static Condition all() {
        Condition condition;
        condition.all_ = true;
        return condition;
    }

    // The column equals the value.
    template <typename R, typename T>
    Condition& equals(const Column<R, T>& column, const T& value) {
        clause(column.name, "==", kCodec<T>, &value);
        return *this;
    }
    // The set or map holds every element of the value.
    template <typename R, typename T>
    Condition& includes(const Column<R, T>& column, const T& value) {
        clause(column.name, "includes", kCodec<T>, &value);
        return *this;
    }
    template <typename R, typename T>
    Condition& excludes(const Column<R, T>& column, const T& value) {
        clause(column.name, "excludes", kCodec<T>, &value);
        return *this;
    }
    // The row itself.  False if that was there.
    bool is_row(const Uuid& uuid);
    bool clause(const char* column, const char* function, const Codec& codec, const void* value);

    bool is_all() const { return all_; }
    bool operator==(const Condition&) const = default;
    std::string to_text() const;  // the JSON array that the protocol wants

  private:
    bool add(std::string clause);

    bool all_ = false;
    std::set<std::string> clauses_;  // JSON text
};

}  // namespace weft::ovsdb::client
