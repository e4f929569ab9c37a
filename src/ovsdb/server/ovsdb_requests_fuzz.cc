// Any bytes from a client of a database server: requests of every kind, in any order, whole or not.
// Afterwards the server still answers somebody else, and its database is what its schema allows.

#include <cstdint>
#include <cstdlib>

#include <fmt/format.h>

#include "json/text.h"
#include "ovsdb/server/server.h"

using namespace weft;
using namespace weft::ovsdb;

namespace {

constexpr const char* kSchema = R"({"name":"db","version":"1.0.0","tables":{
    "T":{"isRoot":true,"maxRows":50,"indexes":[["name"]],"columns":{"name":{"type":"string"},"num":{"type":{"key":"integer","min":0,"max":3}},
        "map":{"type":{"key":"string","value":"integer","min":0,"max":"unlimited"}},"real":{"type":"real"},"flag":{"type":"boolean","ephemeral":true},
        "kids":{"type":{"key":{"type":"uuid","refTable":"U"},"min":0,"max":"unlimited"}},
        "weak":{"type":{"key":{"type":"uuid","refTable":"U","refType":"weak"},"min":0,"max":"unlimited"}}}},
    "U":{"columns":{"label":{"type":{"key":{"type":"string","enum":["set",["a","b"]]}}},"fixed":{"type":"integer","mutable":false}}}}})";

// What comes back is taken, and must be JSON.
void drain(net::Loop& loop, net::Stream& stream, json::Framer& framer, size_t& answers) {
    for (int idle = 0; idle < 3;) {
        std::string bytes, text;
        stream.read(bytes);
        idle = bytes.empty() ? idle + 1 : 0;
        framer.feed(bytes);
        for (;;) {
            auto more = framer.next(text);
            if (!more || (*more && !json::parse(text))) std::abort();
            if (!*more) break;
            ++answers;
        }
        loop.run_once(0);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const auto schema = *DatabaseSchema::parse(kSchema);
    net::Loop loop;
    Server server(loop);
    if (!server.add_database(std::make_unique<Database>(schema), nullptr)) std::abort();
    auto [theirs, ours] = net::stream_pair(loop);
    ours->set_on_ready([] {});
    server.accept(std::move(theirs), {});
    json::Framer framer;
    size_t answers = 0;
    // A transaction first, so that there are rows to be changed.
    ours->write(
        R"({"method":"transact","id":0,"params":["db",{"op":"insert","table":"U","uuid-name":"u","row":{"label":"a"}},)"
        R"({"op":"insert","table":"T","row":{"name":"x","kids":["named-uuid","u"],"weak":["named-uuid","u"]}}]})");
    drain(loop, *ours, framer, answers);
    ours->write({reinterpret_cast<const char*>(data), size});
    drain(loop, *ours, framer, answers);

    auto [other_theirs, other] = net::stream_pair(loop);
    other->set_on_ready([] {});
    server.accept(std::move(other_theirs), {});
    json::Framer other_framer;
    answers = 0;
    other->write(R"({"method":"echo","id":1,"params":["there?"]})");
    drain(loop, *other, other_framer, answers);
    if (answers != 1) std::abort();
    return 0;
}
