// Conditions of conditional monitors (ovsdb-server(7), 4.1.12): which rows of a table the server sends us.
//
//     Condition condition;                                   // no row at all
//     condition.equals(sb::PortBinding::kDatapath, uuid);    // rows for which any clause holds
//     replica.set_condition<sb::PortBinding>(std::move(condition));
//
// Clauses are kept sorted and distinct, so setting an equal condition again costs nothing and sends nothing.
// There may be thousands: they cost least if they are added in order (column names first, then values).

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
    template <typename R>
    Condition& equals(const Column<R, Uuid>& column, const Uuid& value) {
        refers(column.name, "==", value);
        return *this;
    }
    template <typename R>
    Condition& equals(const Column<R, std::optional<Uuid>>& column, const Uuid& value) {
        refers(column.name, "==", value);
        return *this;
    }
    template <typename R>
    Condition& includes(const Column<R, Set<Uuid>>& column, const Uuid& value) {
        refers(column.name, "includes", value);
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
    bool refers(const char* column, const char* function, const Uuid& value);

    bool is_all() const { return all_; }
    bool operator==(const Condition&) const = default;
    std::string to_text() const;  // the JSON array that the protocol wants

  private:
    bool add(std::string clause);

    bool all_ = false;
    std::vector<std::string> clauses_;  // JSON text, in order
};

}  // namespace weft::ovsdb::client
