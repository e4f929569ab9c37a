#include "ovsdb/server/server_database.h"

#include <cassert>

namespace weft::ovsdb {

std::shared_ptr<const DatabaseSchema> server_database_schema() {
    auto schema = DatabaseSchema::parse(R"({
        "name": "_Server", "version": "1.2.0", "cksum": "3009684573 744",
        "tables": {"Database": {"columns": {
            "name": {"type": "string"},
            "model": {"type": {"key": {"type": "string", "enum": ["set", ["clustered", "relay", "standalone"]]}}},
            "connected": {"type": "boolean"},
            "leader": {"type": "boolean"},
            "schema": {"type": {"key": "string", "min": 0}},
            "cid": {"type": {"key": "uuid", "min": 0}},
            "sid": {"type": {"key": "uuid", "min": 0}},
            "index": {"type": {"key": "integer", "min": 0}}}}}})");
    assert(schema);
    return *schema;
}

}  // namespace weft::ovsdb
