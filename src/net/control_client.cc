#include "net/control_client.h"

#include <fmt/format.h>

#include <optional>

#include "base/clock.h"
#include "net/directories.h"
#include "net/json_rpc.h"
#include "net/pid_file.h"
#include "net/stream.h"

namespace weft::net {

Result<std::string> find_control_socket(const std::string& target) {
    if (target.find('/') != std::string::npos) return target;
    std::string rundir = rundir_of(target);
    WEFT_ASSIGN(pid_t pid, read_pid_file(fmt::format("{}/{}.pid", rundir, target)));
    return fmt::format("{}/{}.{}.ctl", rundir, target, pid);
}

Result<ControlAnswer> run_control_command(const std::string& socket, const std::string& command,
                                          const std::vector<std::string>& arguments, int64_t timeout_ms) {
    Loop loop;
    WEFT_ASSIGN(auto stream, connect(loop, "unix:" + socket));
    std::optional<ControlAnswer> answer;
    std::optional<std::string> closed;
    RpcConnection connection(
        loop, std::move(stream),
        [&](Message message) {
            bool ok = message.type == Message::Type::kReply;
            const std::string* text = ok ? message.result.as_string() : message.error.as_string();
            answer = {ok, text ? *text : std::string()};
        },
        [&](std::string reason) { closed = std::move(reason); });
    json::Array params;
    for (const std::string& word : arguments) params.emplace_back(word);
    connection.send(Message::request(command, std::move(params), 0));
    int64_t deadline = clock::monotonic_ms() + timeout_ms;
    while (!answer && !closed) {
        int64_t left = timeout_ms ? deadline - clock::monotonic_ms() : -1;
        if (timeout_ms && left <= 0) return Error{fmt::format("no answer within {} ms", timeout_ms)};
        loop.run_once(left);
    }
    if (answer) return std::move(*answer);
    return Error{closed->empty() ? "connection closed by the server" : *closed};
}

}  // namespace weft::net
