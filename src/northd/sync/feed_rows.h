// From what a replica says has changed to an engine's input of rows.

#pragma once

#include "ovsdb/client/replica.h"

namespace weft::northd {

// Rows that came or changed, and the removal of those that went.  A row keeps its address while it changes,
// so the input is told that it did.
template <template <typename> typename Rows, typename Row>
void feed_rows(Rows<Row>& input, const ovsdb::client::Replica& replica) {
    for (const auto& change : replica.changes<Row>()) {
        if (!change.after) {
            input.erase(change.before->uuid);
            continue;
        }
        input.set(change.after->uuid, change.after);
        if (change.before) input.touch(change.after->uuid);
    }
}

}  // namespace weft::northd
