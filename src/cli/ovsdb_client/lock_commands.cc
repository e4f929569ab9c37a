// lock, steal, unlock: for trying out the locks of a server.

#include <cstdio>

#include "cli/ovsdb_client/commands.h"
#include "json/text.h"

namespace weft::cli::client_command {

namespace {

// Prints the answer and then what happens to the lock, until the connection ends.
Result<void> hold(ClientContext& context, const char* method) {
    WEFT_ASSIGN(json::Value reply, context.client->request(method, json::Array{context.words[0]}));
    std::puts(json::to_text(reply).c_str());
    std::fflush(stdout);
    for (;;) {
        WEFT_ASSIGN(net::Message message, context.client->next_notification());
        std::printf("%s\n%s\n", message.method.c_str(), json::to_text(message.params).c_str());
        std::fflush(stdout);
    }
}

}  // namespace

Result<void> lock(ClientContext& context) {
    return hold(context, "lock");
}

Result<void> steal(ClientContext& context) {
    return hold(context, "steal");
}

Result<void> unlock(ClientContext& context) {
    WEFT_ASSIGN(json::Value reply, context.client->request("unlock", json::Array{context.words[0]}));
    std::puts(json::to_text(reply).c_str());
    return {};
}

}  // namespace weft::cli::client_command
