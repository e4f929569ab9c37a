// Applies what monitors report to a Store: the <table-updates> of RFC 7047 4.1.6 ("update") and the
// <table-updates2> of ovsdb-server(7) 4.1.14 ("update2", "update3", and the replies of monitor_cond and
// monitor_cond_since).

#pragma once

#include "base/result.h"
#include "json/value.h"
#include "json/view.h"
#include "ovsdb/client/row_store.h"

namespace weft::ovsdb::client {

enum class UpdateFormat { kUpdate1, kUpdate2 };

// `replace`: the updates are the whole contents; rows that are not among them go, and what remains reports
// only true differences.  Tables and columns that the Store does not know are an error, as is anything
// malformed; the Store is then in between, and the caller fetches everything anew.
Result<void> apply_updates(Store& store, const json::View& updates, UpdateFormat format, bool replace);
Result<void> apply_updates(Store& store, const json::Value& updates, UpdateFormat format, bool replace);

}  // namespace weft::ovsdb::client
