// Where a copy of another server's database comes from, and where what the copy cannot do is passed on
// (ovsdb(7), "Relay Service Model").

#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "json/value.h"
#include "net/json_rpc.h"
#include "ovsdb/storage/storage.h"

namespace weft::ovsdb {

class Upstream {
  public:
    virtual ~Upstream() = default;

    virtual StorageStatus status() const = 0;
    virtual bool available() const = 0;  // the schema is known, and the contents as they once were

    // As Source has them.
    using Reply = std::function<void(const net::Message&)>;
    virtual void request(uint64_t key, std::string method, json::Value params, Reply done) = 0;
    virtual bool cancel(uint64_t key) = 0;
    virtual void forget(uint64_t key) = 0;
    virtual size_t waiting_requests() const = 0;
};

}  // namespace weft::ovsdb
