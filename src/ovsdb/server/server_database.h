// The schema of the _Server database, ovsdb-server(5).

#pragma once

#include <memory>

#include "ovsdb/data/schema.h"

namespace weft::ovsdb {

std::shared_ptr<const DatabaseSchema> server_database_schema();

}  // namespace weft::ovsdb
