// A database under another schema (ovsdb-server(7), 4.1.19): tables and columns that the new one lacks are
// dropped, new ones have their defaults, everything else must be valid in it.

#pragma once

#include <memory>

#include "ovsdb/data/error.h"
#include "ovsdb/engine/database.h"

namespace weft::ovsdb {

DbResult<std::unique_ptr<Database>> convert_database(const Database& from,
                                                     std::shared_ptr<const DatabaseSchema> schema);

}  // namespace weft::ovsdb
