// lock, steal, unlock: for trying out the locks of a server.

#include <cstdio>

#include "cli/ovsdb_client/commands.h"
#include "json/text.h"

namespace weft::cli::client_command {

namespace {

// In the background: more lock operations over the same connection, by ovs-appctl(8).
void add_lock_commands(Client& client, net::ControlServer& control) {
    for (const char* method : {"lock", "steal", "unlock"}) {
        control.add(method, "LOCK", 1, 1,
                    [&client, method](const net::ControlServer::Arguments& words) -> Result<std::string> {
                        client.send(method, json::Array{words[0]}, [](const net::Message& reply) {
                            const json::Value& what =
                                reply.type == net::Message::Type::kReply ? reply.result : reply.error;
                            std::puts(json::to_text(what).c_str());
                            std::fflush(stdout);
                        });
                        return std::string();
                    });
    }
}

// Prints the answer and then what happens to the lock, until the connection ends.
Result<void> hold(ClientContext& context, const char* method) {
    WEFT_ASSIGN(json::Value reply, context.client->request(method, json::Array{context.words[0]}));
    std::puts(json::to_text(reply).c_str());
    std::fflush(stdout);
    if (context.go_on) {
        WEFT_ASSIGN(net::ControlServer * control, context.go_on());
        add_lock_commands(*context.client, *control);
    }
    for (;;) {
        auto message = context.client->next_notification();
        if (!message && context.client->stopped()) return {};
        if (!message) return message.error();
        std::printf("%s\n%s\n", message->method.c_str(), json::to_text(message->params).c_str());
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
    return hold(context, "unlock");
}

}  // namespace weft::cli::client_command
