#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>

#include "cli/ofctl/ofctl.h"
#include "openflow/text.h"

namespace weft::cli::ofctl {

using namespace openflow;  // NOLINT: the commands speak OpenFlow throughout

uint32_t Options::allowed() const {
    if (versions) return versions;
    return version_bit(Version::k10) | version_bit(Version::k13) | version_bit(Version::k14) |
           version_bit(Version::k15);
}

// Without -O the oldest version that the switch has is used, as ovs-ofctl prefers OpenFlow 1.0.
Result<Switch> open_switch(const Options& options, const std::string& target) {
    if (options.versions) return SwitchConnection::open(target, options.versions);
    Result<Switch> first = SwitchConnection::open(target, version_bit(Version::k10));
    if (first.ok() || first.message().find("version negotiation") == std::string::npos) return first;
    return SwitchConnection::open(target, options.allowed());
}

Result<Names> names_of(SwitchConnection& connection) {
    Names names;
    WEFT_ASSIGN(auto ports, connection.request(PortDescRequest{}));
    for (const Message& message : ports) {
        auto* reply = message.get_if<PortDescReply>();
        if (!reply) continue;
        for (const Port& port : reply->ports) names.add_port(port.number, port.name);
    }
    return names;
}

Result<void> add_table_names(SwitchConnection& connection, Names& names) {
    auto add = [&](const auto* reply) {
        if (!reply) return;
        for (const auto& table : reply->tables) {
            if (!table.name.empty()) names.add_table(table.table, table.name);
        }
    };
    Body request = TableFeaturesRequest{};
    if (connection.version() < Version::k13) request = TableStatsRequest{};
    WEFT_ASSIGN(auto replies, connection.request(std::move(request)));
    for (const Message& message : replies) {
        add(message.get_if<TableFeaturesReply>());
        add(message.get_if<TableStatsReply>());
    }
    return {};
}

Result<SwitchConfig> config_of(SwitchConnection& connection) {
    WEFT_ASSIGN(auto replies, connection.request(GetConfigRequest{}));
    auto* reply = replies.empty() ? nullptr : replies[0].get_if<GetConfigReply>();
    if (!reply) return Error{"the switch did not tell its configuration"};
    return SwitchConfig{reply->flags, reply->miss_send_len};
}

bool prints_names(const Options& options) {
    return options.names >= 0 ? options.names == 1 : isatty(STDOUT_FILENO);
}

Result<void> for_each_line(const std::string& file,
                           const std::function<Result<void>(std::string_view)>& line) {
    FILE* in = file == "-" ? stdin : std::fopen(file.c_str(), "r");
    if (!in) return Error{fmt::format("{}: open failed ({})", file, std::strerror(errno))};
    char* buffer = nullptr;
    size_t capacity = 0;
    size_t number = 0;
    Result<void> result;
    ssize_t length;
    while ((length = getline(&buffer, &capacity, in)) >= 0) {
        number++;
        std::string_view text(buffer, static_cast<size_t>(length));
        text = openflow::text::trim(text.substr(0, text.find('#')));
        if (text.empty()) continue;
        result = line(text);
        if (!result.ok()) {
            result =
                Error{fmt::format("{}:{}: {}", file == "-" ? "<stdin>" : file, number, result.message())};
            break;
        }
    }
    free(buffer);
    if (in != stdin) std::fclose(in);
    return result;
}

void write_out(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace weft::cli::ofctl
